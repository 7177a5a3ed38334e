//! The host as a library, so that tests can start it in-process.
//!
//! Arrows point one way: `main -> server -> dispatch -> {router, registry, guest}`, and
//! `server -> httpd_http1`. See ARCHITECTURE.md.

pub mod config;
pub mod dispatch;
pub mod guest;
pub mod registry;
pub mod router;
pub mod server;
