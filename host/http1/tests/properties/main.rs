//! Properties that hold for all requests and responses, tried on random ones.
//!
//! What is random here is well-formed by construction or plain bytes; named oddities are in the
//! table cases.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test helpers"
)]

mod parser;
mod requests;
mod responses;
mod splits;
