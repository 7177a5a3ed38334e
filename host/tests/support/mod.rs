//! What the tests are written with: servers, clients, responses. No assertion about a behaviour
//! of the host belongs here, save that every response is well-formed.

mod client;
mod configs;
mod load;
mod program;
mod requests;
mod response;
mod server;
mod versions;

use std::time::Duration;

pub(crate) use client::Client;
pub(crate) use configs::{ECHO, HELLO, fault, guest, root, route};
pub(crate) use load::{ask_on, come_and_go};
pub(crate) use program::{Finished, Program, folder_with, run, run_in};
pub(crate) use requests::{chunked, get, head, post, zeros};
pub(crate) use response::{Framing, Response};
pub(crate) use server::TestServer;
pub(crate) use versions::{Live, component, component_of, version};

/// How long a test waits for what must happen. Far more than it takes on a slow machine: whoever
/// runs into it has found a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
