//! The sandbox: loads guest components and calls them, one request at a time, inside limits.
//!
//! Wasm lives here and nowhere else. There are no sockets here, no HTTP framing and no choice of
//! status codes: a caller hands over a request, whole or as it arrives, and gets a checked answer
//! or a [`CallError`].
//!
//! A request of the lean lane flows through `guest` (instance, call), `direct` (its way into most
//! guests and out again), `state` (what one store may use), `answer` (what the guest may say); one
//! of the wasi lanes through `wasi`. `run` decides on which thread, by the guest's `pace`. `kit`
//! makes instances, `reserve` has those that wait. `sandbox`, `workshop`, `ticker`, `sweeper` and
//! `background` are shared by all guests. Bytes become a guest in `load`; `interned` and `cache`
//! save doing that twice.

mod answer;
mod background;
mod beat;
mod cache;
mod call;
mod census;
mod compile_pool;
mod direct;
mod engine;
mod error;
mod escape;
mod failure;
mod hash;
mod idle;
mod imports;
mod instance;
mod interface;
mod interned;
mod kit;
mod limits;
mod load;
mod log;
mod near;
mod pace;
mod reserve;
mod run;
mod running;
mod sandbox;
mod state;
mod stock;
mod subject;
mod sweeper;
mod ticker;
mod turn;
mod usage;
mod wasi;
mod workshop;

#[cfg(test)]
mod tests;

pub use answer::Response;
pub use cache::CacheSettings;
pub use call::{Guest, GuestSettings, Instances, Optimize, Remains};
pub use compile_pool::Priority;
pub use error::{BadAnswer, CallError, LoadError, SandboxError, Stage};
pub use hash::ContentHash;
pub use interface::{Capture, Field, FieldRef, Request};
pub use load::Kind;
pub use near::Near;
pub use run::Run;
pub use sandbox::{Sandbox, SandboxSettings};
pub use usage::Usage;
pub use wasi::{
    Account, Demand, DirectoryGrant, Download, GrantError, Grants, Handling, Next, NextBody,
    NextError, NextRequest, NotWhole, Outbound, OutboundBody, OutboundError, OutboundTimeouts,
    OwnFields, Piece, Reach, Room, Rooms, Seat, Sending, Sent, Serving, Standing, StreamedHead,
    Unfit, Upload, UploadFailure, UploadSender, Whole, Woken, response_head, streamed_request,
    upload,
};

/// The guest that answers `/` when the host is started without a configuration: component text
/// for [`Sandbox::load`]. Its page tells how to write a first guest.
pub const WELCOME: &str = include_str!("welcome.wat");
