//! The wasi lanes: components of `wasi:http` 0.2 and 0.3, whose bodies are streamed both ways. The
//! interfaces themselves are `wasmtime-wasi-http`'s; here is what it takes to offer them.
//!
//! A request flows through `upload` (its body), `request` (its head), `serve` (the call) and
//! `download` (the response). `parts` is what a store needs for it, `next` the handler behind a
//! middleware. `shared` has the instances that serve several requests at once.

mod buffered;
mod download;
mod grants;
mod keyvalue;
mod next;
mod offer;
mod outbound;
mod output;
mod parts;
mod refusals;
mod request;
mod serve;
mod shared;
mod sockets;
mod upload;
mod whole;

pub use download::{Download, Piece, StreamedHead};
pub use grants::{DirectoryGrant, GrantError, Grants};
pub(in crate::guest) use keyvalue::add_to_linker as add_keyvalue_to_linker;
pub(in crate::guest) use next::add_to_linker as add_next_to_linker;
pub use next::{Handling, Next, NextBody, NextError, NextRequest};
pub(in crate::guest) use offer::Offer;
pub use offer::Reach;
pub use outbound::{Outbound, OutboundBody, OutboundError, OutboundTimeouts, Sending, Sent};
pub(in crate::guest) use output::Output;
pub(in crate::guest) use parts::{Parts, PartsLimits};
pub use request::{OwnFields, Unfit, streamed_request};
pub use serve::{Account, Serving};
pub use shared::{Room, Rooms, Seat, Standing, Woken};
pub(in crate::guest) use shared::{SharedBounds, Worker, Workers, running_request};
pub(in crate::guest) use sockets::{
    refuse_02 as refuse_sockets_02, refuse_03 as refuse_sockets_03,
};
pub use upload::{Demand, Upload, UploadFailure, UploadSender, upload};
pub use whole::{NotWhole, Whole, response_head};
