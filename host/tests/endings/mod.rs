//! No client ever loses a response to a reset, whichever way its connection ends.
//!
//! Closing a socket that holds unread bytes makes the kernel send RST, which may destroy what the
//! client has not read yet. The kernel counts each time it had to. So the ways to end a connection
//! are driven inside a fresh network namespace, where its counters are the host's and the
//! clients' alone, and have to stay 0; the clients themselves check that they got everything.

mod client;
mod drive;
mod inside;
mod kernel;
mod namespace;
mod never_reads;
mod requests;
mod response;
mod servers;
mod terminated;
mod ways;

#[test]
fn no_client_loses_a_response() {
    namespace::run("endings::inside::no_client_loses_a_response");
}

#[test]
fn a_client_that_sends_for_ever_is_let_go() {
    namespace::run("endings::inside::a_client_that_sends_for_ever_is_let_go");
}

#[test]
fn nobody_loses_anything_to_a_signal() {
    namespace::run("endings::terminated::nobody_loses_anything_to_a_signal");
}

/// The driver is worth something: it fails a server that closes without reading.
#[test]
fn a_server_that_never_reads_fails() {
    namespace::run("endings::inside::a_server_that_never_reads_fails");
}
