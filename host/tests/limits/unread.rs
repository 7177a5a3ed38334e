//! What happens to a request's body that nobody wants: a small one is read so that the connection
//! can be kept, a large one costs the connection, and no client can make the host read for ever.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::support::*;

fn upload(length: usize) -> String {
    head("POST", "/nowhere", &format!("content-length: {length}\r\n"))
}

#[test]
fn drain_max_keeps_the_connection() {
    let limits = "[limits]\ndrain_max = \"2KiB\"\n";
    let server = TestServer::start(&(limits.to_owned() + HELLO));
    let mut client = server.connect();
    for _ in 0..2 {
        let response = client.request(upload(2048)).expect_refusal(404);
        assert!(!response.closes());
        client.send(zeros(2048));
        client.request(get("/hello")).expect(200);
    }
}

#[test]
fn past_drain_max_the_connection_is_closed() {
    let limits = "[limits]\ndrain_max = \"2KiB\"\n";
    let server = TestServer::start(&(limits.to_owned() + HELLO));
    let mut client = server.connect();
    let response = client.request(upload(2049)).expect_refusal(404);
    assert!(response.closes());
    client.send(zeros(2049));
    client.send(get("/hello"));
    client.half_close();
    client.expect_end();
}

#[test]
fn a_large_unread_body_does_not_cost_the_response() {
    const LENGTH: usize = 4 << 20;
    let server = TestServer::start(HELLO);
    let mut client = server.connect();
    client.send(upload(LENGTH));
    let sending = client.send_aside(zeros(LENGTH));
    assert!(client.response().expect_refusal(404).closes());
    client.expect_end();
    sending.join().unwrap().expect("the host did not read on");
}

#[test]
fn linger_max_bounds_what_is_read_after_the_response() {
    let limits = "[limits]\nlinger_max = \"64KiB\"\n[timeouts]\nlinger = \"1h\"\n";
    let server = TestServer::start(&(limits.to_owned() + HELLO));
    let mut client = server.connect();
    client.request(upload(1 << 40)).expect_refusal(404);
    let start = Instant::now();
    // The host stops reading and closes; the kernel says so with a reset.
    let error = loop {
        assert!(start.elapsed() < PATIENCE, "the host reads for ever");
        if let Err(error) = client.try_send(zeros(64 << 10)) {
            break error;
        }
    };
    assert!(
        matches!(
            error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
        ),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(3600));
}
