//! The sandbox: loads guest components and calls them, one request at a time, inside limits.
//!
//! Wasm lives here and nowhere else. There are no sockets here, no HTTP framing and no choice of
//! status codes: a caller hands over a whole request and gets a checked answer or a [`CallError`].
//!
//! A request flows through `guest` (permit, instance, call), `state` (what one store may use),
//! `answer` (what the guest may say). `sandbox`, `engine` and `ticker` are shared by all guests.

mod answer;
mod call;
mod engine;
mod error;
mod escape;
mod failure;
mod idle;
mod instance;
mod interface;
mod limits;
mod load;
mod log;
mod permit;

mod sandbox;
mod state;
mod ticker;
mod usage;

#[cfg(test)]
mod tests;

pub use answer::Response;
pub use call::{Guest, GuestSettings, Instances};
pub use error::{BadAnswer, CallError, LoadError, SandboxError};
pub use interface::{Capture, Field, FieldRef, Request};
pub use sandbox::{Sandbox, SandboxSettings};
pub use usage::Usage;

/// The guest that answers `/` when the host is started without a configuration: component text
/// for [`Sandbox::load`]. Its page tells how to write a first guest.
pub const WELCOME: &str = include_str!("welcome.wat");
