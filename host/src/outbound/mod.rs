//! Requests that guests send: whom they may reach, and the sockets, names and TLS it takes.
//!
//! [`Connector`] is shared by all guests; a [`Client`] is what one of them may do with it, and
//! implements the guests' own [`Outbound`](crate::guest::Outbound). A request flows through
//! `target` (what it asks for), `policy` (whether it may), `connector` (lookup, and a second look
//! at each address), `exchange` (HTTP). Nothing here knows WebAssembly. Redirects are not followed:
//! they are the guest's, whose next request is checked like the first.

mod address;
mod client;
mod connector;
mod exchange;
mod fields;
mod policy;
mod resolve;
mod target;
mod trust;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use connector::Connector;
pub use resolve::{Addresses, Resolve, SystemResolver};
pub use trust::TrustError;
