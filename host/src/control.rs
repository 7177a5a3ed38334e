//! The control socket: how a running host is asked for its status and told to reload.
//!
//! One question in a line of JSON, one answer in JSON, then the connection ends. What the answers
//! are is up to a [`Source`]: no guest, no route and no HTTP is known here.

mod client;
mod host;
mod outcome;
mod protocol;
mod status;
mod table;

#[cfg(test)]
mod tests;

pub use client::{AskError, ask};
pub use host::{BindError, Control, Source};
pub use outcome::ReloadOutcome;
pub use protocol::{Command, Reply};
pub use status::{
    Connections, Failures, GuestState, GuestStatus, Instances, Previous, Requests, RouteStatus,
    Status,
};
