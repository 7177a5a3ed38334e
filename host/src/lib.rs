//! The host as a library, so that tests can start it in-process.
//!
//! Arrows point one way: `main -> {control, server} -> dispatch -> {router, registry, guest}`, and
//! `server -> {httpd_http1, workers}`. See ARCHITECTURE.md.

pub mod config;
pub mod control;
pub mod dispatch;
pub mod files;
pub mod guest;
pub mod keyvalue;
pub mod notify;
pub mod outbound;
mod processors;
pub mod registry;
pub mod reload;
pub mod router;
pub mod server;
pub mod shards;
pub mod workers;

mod socket_file;
