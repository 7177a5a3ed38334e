//! Streamed exchanges over real sockets, with guests that are plain async functions.

mod ends;
mod host;
mod long;
mod pieces;
mod responses;
mod script;
mod uploads;

use std::time::Duration;

/// How long may pass until something happens.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it is watched that nothing happens.
const A_WHILE: Duration = Duration::from_millis(80);
