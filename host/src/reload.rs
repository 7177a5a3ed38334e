//! Keeps what serves up to date with its files while the server runs: watch, read, compile, check,
//! swap. Requests are answered elsewhere, and never wait for anything here.

mod directories;
mod entries;
mod outcome;
mod reloader;
mod restart;
mod settling;
mod watch;
mod work;

pub use outcome::Outcome;
pub use reloader::{Asker, Reloader};
pub use watch::{Change, Watcher};
