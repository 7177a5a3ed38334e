//! Guests of the wasi lanes behind real sockets: bodies pass both ways, piece by piece, at constant
//! memory; what breaks off is seen to break off.

mod breaking;
mod capabilities;
mod large;
mod swallowing;

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::*;

const STREAMED: &str = r#"
[limits]
body_max = "1GiB"
[guests.streaming-echo]
component = "guests/dist/streaming-echo.wasm"
deadline = "60s"
[[routes]]
path = "/echo"
guest = "streaming-echo"
[[routes]]
path = "/small"
guest = "streaming-echo"
body_max = "1KiB"
[guests.sse-clock]
component = "guests/dist/sse-clock.wasm"
deadline = "60s"
[[routes]]
path = "/clock"
guest = "sse-clock"
"#;

fn server() -> TestServer {
    TestServer::start(&(STREAMED.to_owned() + HELLO))
}

/// Bytes that differ from place to place, so that nothing lost or swapped goes unseen.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
}

#[test]
fn bodies_come_back_with_and_without_a_known_length() {
    let server = server();
    let mut client = server.connect();
    for length in [0, 1, 70_000, 3_000_000] {
        let body = pattern(length);
        let sending = client.send_aside(post("/echo", &body));
        let response = client.response().expect(200);
        sending.join().unwrap().unwrap();
        assert!(response.body == body, "{length} bytes");
    }
    let pieces = [&b"one"[..], b"two", b"three"];
    let response = client.request(chunked("/echo", &pieces, "")).expect(200);
    assert_eq!(response.text(), "onetwothree");
    assert_eq!(response.field("transfer-encoding"), Some("chunked"));
    client.request(get("/hello")).expect(200);
}

#[test]
fn the_response_comes_while_the_upload_goes_on() {
    let server = server();
    let mut client = server.connect();
    client.send(head("POST", "/echo", "content-length: 10\r\n"));
    client.send("first");
    let mut heard = String::new();
    while !heard.contains("first") {
        heard += &String::from_utf8(client.some().unwrap()).unwrap();
    }
    assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
    client.send("after");
    while !heard.contains("after") {
        heard += &String::from_utf8(client.some().unwrap()).unwrap();
    }
}

#[test]
fn a_body_is_asked_for_when_the_guest_wants_it() {
    let server = server();
    let mut client = server.connect();
    let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
    client.send(head("POST", "/echo", fields));
    assert_eq!(client.response().status, 100);
    client.send("body");
    assert_eq!(client.response().expect(200).text(), "body");
}

#[test]
fn trailers_pass_both_ways() {
    let server = server();
    let mut client = server.connect();
    client.send(chunked("/echo", &[b"body"], "x-sum: 4\r\n"));
    let mut heard = String::new();
    while !heard.ends_with("\r\n\r\n") || !heard.contains("\r\n0\r\n") {
        heard += &String::from_utf8(client.some().unwrap()).unwrap();
    }
    assert!(heard.ends_with("\r\n0\r\nx-sum: 4\r\n\r\n"), "{heard}");
}

#[test]
fn events_arrive_one_by_one() {
    let server = server();
    let mut client = server.connect();
    client.send(get("/clock?every=200ms&count=3"));
    let (mut heard, mut times) = (String::new(), Vec::new());
    while !heard.ends_with("0\r\n\r\n") {
        heard += &String::from_utf8(client.some().unwrap()).unwrap();
        let events = heard.matches("data:").count();
        times.resize_with(events.max(times.len()), Instant::now);
    }
    assert!(heard.contains("text/event-stream"), "{heard}");
    assert_eq!(times.len(), 3, "{heard}");
    assert!(
        times[2] - times[0] >= Duration::from_millis(300),
        "all at once"
    );
    client.request(get("/hello")).expect(200);
}

#[test]
fn many_clients_listen_at_once() {
    let server = server();
    // As many as there are instances for.
    let listening: Vec<_> = (0..60)
        .map(|_| {
            let mut client = server.connect();
            client.send(get("/clock?every=50ms&count=5"));
            thread::spawn(move || client.response())
        })
        .collect();
    for client in listening {
        let response = client.join().unwrap().expect(200);
        assert_eq!(response.text().matches("data:").count(), 5);
    }
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let server = server();
    let response = server.request(post("/small", zeros(1025)));
    response.expect_refusal(413);
    let mut client = server.connect();
    let sending = client.send_aside(chunked("/small", &[&zeros(700), &zeros(700)], ""));
    // The guest may have answered already: then what it sends breaks off.
    match client.try_response("GET") {
        Ok(response) => drop(response.expect_refusal(413)),
        Err(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof),
    }
    let _ = sending.join().unwrap();
    server.request(post("/small", zeros(1024))).expect(200);
}

#[test]
fn head_has_no_body_and_http_1_0_no_chunks() {
    let server = server();
    let mut client = server.connect();
    client.send(head("HEAD", "/clock?every=1ms&count=2", ""));
    client.try_response("HEAD").unwrap().expect(200);
    client.request(get("/hello")).expect(200);
    let mut old = server.connect();
    old.send("GET /clock?every=1ms&count=2 HTTP/1.0\r\n\r\n");
    let response = old.response().expect(200);
    assert_eq!(response.field("transfer-encoding"), None);
    assert_eq!(response.text().matches("data:").count(), 2);
}

#[test]
fn an_instance_may_serve_several_requests() {
    let keys = "instances = { reuse = 3 }";
    let guests =
        guest("streaming-echo", "streaming-echo", keys) + &route("/", "streaming-echo", "");
    let server = TestServer::start(&guests);
    let mut client = server.connect();
    for number in 0..10 {
        let body = format!("number {number}");
        assert_eq!(client.request(post("/", &body)).expect(200).text(), body);
    }
}
