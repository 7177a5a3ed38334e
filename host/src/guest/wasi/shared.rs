//! Instances of WASI 0.3 that serve several requests at the same time.
//!
//! A `worker` is one such instance at work. Its store is polled by the clients of its requests,
//! each on the thread it is on, so that a request costs no handover; when none of them polls, by a
//! task of its own (`signal`). What runs in it for longer than a slice moves to the background, as
//! calls do. `workers` are those of one guest, and say which of them has room; `ticket` is one
//! request, `roster` all those of one instance, `work` what happens inside its store, where `bell`
//! tells what has to be looked at, `visit` what a client sees of it.

mod bell;
mod roster;
mod signal;
mod ticket;
mod visit;
mod work;
mod worker;
mod workers;

pub(in crate::guest) use roster::running_request;
pub(in crate::guest::wasi) use ticket::Order;
pub(in crate::guest) use worker::Worker;
pub(in crate::guest) use workers::{SharedBounds, Workers};

pub(in crate::guest::wasi) use signal::Held;
pub use signal::Woken;
pub use visit::{Rooms, Standing};
pub use worker::Seat;
pub use workers::Room;
