//! The integration tests: the host from its sockets inwards, a module per behaviour.
//!
//! One binary, so that wasmtime is linked once. No test may use a fixed port, wait for a fixed
//! time instead of an event, or assert that something took less than many seconds.

// A test says what went wrong by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod activation;
mod asking;
mod basics;
mod clients;
mod command_line;
mod endings;
mod faults;
mod fixtures;
mod instances;
mod lifecycle;
mod limits;
mod logs;
mod middleware;
mod neighbours;
mod new;
mod protocol;
mod reload;
mod resilience;
mod streaming;
mod suite;
mod support;
mod survival;
mod threads;
mod timeouts;
mod units;
mod unix_sockets;
