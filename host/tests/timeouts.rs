//! Each timeout does what it is for. All others are far longer in each test, so that only the one
//! in question can have acted; how soon it did is not judged.

use std::time::{Duration, Instant};

use httpd_host::server::Ended;

use crate::support::*;

/// The pace of a client that sends a little now and then.
const PACE: Duration = Duration::from_millis(20);

/// A server with these timeouts; none of the others passes within a test's patience.
fn server(timeouts: &str, others: &str) -> TestServer {
    let mut section = String::from("[timeouts]\n");
    for key in [
        "head",
        "body",
        "keep_alive",
        "write",
        "linger",
        "linger_idle",
        "shutdown",
    ] {
        if !timeouts.contains(&format!("{key} =")) {
            section.push_str(&format!("{key} = \"1h\"\n"));
        }
    }
    TestServer::start(&(section + timeouts + "\n" + others))
}

/// Greets, and takes its time over a request if need be.
fn patient_hello() -> String {
    guest("hello", "hello", "deadline = \"1h\"") + &route("/hello", "hello", "")
}

/// For servers with one place: whoever has it is observed by how it becomes free.
const ONE_PLACE: &str = "[server]\nlisten = [\"127.0.0.1:0\"]\nmax_connections = 1\n";

/// Sends one piece after the other until the host answers or closes.
fn trickle(client: &mut Client, piece: &str) {
    let start = Instant::now();
    while client.hears_nothing_for(PACE) && client.try_send(piece).is_ok() {
        assert!(start.elapsed() < PATIENCE, "the host lets this go on");
    }
}

#[test]
fn head_begun_and_not_ended() {
    let server = server("head = \"200ms\"", HELLO);
    let mut client = server.connect();
    client.send("GET /hello HTTP/1.1\r\nhost:");
    assert!(client.response().expect_refusal(408).closes());
    client.expect_end();
}

#[test]
fn head_counts_from_its_first_byte_however_it_trickles() {
    let server = server("head = \"200ms\"", HELLO);
    let mut client = server.connect();
    client.send("GET /hello HTTP/1.1\r\nhost: ");
    trickle(&mut client, "a");
    client.response().expect_refusal(408);
}

#[test]
fn head_of_a_later_request() {
    let server = server("head = \"200ms\"", HELLO);
    let mut client = server.connect();
    client.request(get("/hello")).expect(200);
    client.send("G");
    client.response().expect_refusal(408);
    client.expect_end();
}

#[test]
fn a_new_connection_that_says_nothing_is_closed_in_silence() {
    let server = server("head = \"200ms\"", HELLO);
    server.connect().expect_end();
    let mut empty_lines = server.connect();
    empty_lines.send("\r\n\r\n");
    empty_lines.expect_end();
}

#[test]
fn body_that_stops() {
    let server = server("body = \"200ms\"", &patient_hello());
    for bytes in [
        &post("/hello", "12345")[..],
        &chunked("/hello", &[b"12345"], ""),
    ] {
        let mut client = server.connect();
        client.send(&bytes[..bytes.len() - 2]);
        assert!(client.response().expect_refusal(408).closes());
        client.expect_end();
    }
}

#[test]
fn body_that_was_asked_for_and_never_comes() {
    let server = server("body = \"200ms\"", &patient_hello());
    let mut client = server.connect();
    let fields = "content-length: 5\r\nexpect: 100-continue\r\n";
    client.request(head("POST", "/hello", fields)).expect(100);
    client.response().expect_refusal(408);
}

#[test]
fn keep_alive() {
    let server = server("keep_alive = \"200ms\"", HELLO);
    let mut client = server.connect();
    client.request(get("/hello")).expect(200);
    client.expect_end();
}

#[test]
fn write_without_a_reader() {
    let keys = "response_max = \"40MiB\"\nmemory_max = \"128MiB\"";
    let guests = fault("huge-response", keys) + HELLO;
    let times = "write = \"300ms\"\nlinger = \"300ms\"\nlinger_idle = \"300ms\"";
    let server = server(times, &(ONE_PLACE.to_owned() + &guests));
    let mut deaf = Client::connect_with_small_window(server.address());
    deaf.send(get("/huge-response"));
    server.request(get("/hello")).expect(200);
    deaf.try_response("GET").expect_err("all of it was sent");
}

#[test]
fn linger_bounds_a_client_that_goes_on() {
    let server = server("linger = \"300ms\"\nlinger_idle = \"300ms\"", HELLO);
    let mut client = server.connect();
    client
        .request(head("GET", "/hello", "connection: close\r\n"))
        .expect(200);
    client.expect_end();
    let start = Instant::now();
    while client.try_send("more").is_ok() {
        assert!(start.elapsed() < PATIENCE, "the host reads for ever");
        std::thread::sleep(PACE);
    }
}

#[test]
fn linger_idle_bounds_a_client_that_never_closes() {
    let sections = ONE_PLACE.to_owned() + HELLO;
    let server = server("linger_idle = \"200ms\"", &sections);
    let mut client = server.connect();
    client
        .request(head("GET", "/hello", "connection: close\r\n"))
        .expect(200);
    client.expect_end();
    // Its socket stays open while another one gets the only place.
    server.request(get("/hello")).expect(200);
    drop(client);
}

#[test]
fn deadline_of_a_guest_that_spins() {
    let server = server("", &fault("spin-forever", "deadline = \"200ms\""));
    let mut client = server.connect();
    for _ in 0..2 {
        let response = client.request(get("/spin-forever")).expect_refusal(504);
        assert!(!response.closes());
    }
}

#[test]
fn deadline_counts_the_upload() {
    let guests = guest("hello", "hello", "deadline = \"300ms\"") + &route("/hello", "hello", "");
    let server = server("", &guests);
    let mut client = server.connect();
    client.send(head("POST", "/hello", "content-length: 1000000\r\n"));
    trickle(&mut client, "a");
    assert!(client.response().expect_refusal(408).closes());
}

#[test]
fn shutdown_cuts_off_what_does_not_end() {
    let server = server("shutdown = \"200ms\"", &patient_hello());
    let mut clients = [server.connect(), server.connect()];
    let expecting = "content-length: 5\r\nexpect: 100-continue\r\n";
    for client in &mut clients {
        client
            .request(head("POST", "/hello", expecting))
            .expect(100);
    }
    assert_eq!(server.stop(), Ended::CutOff(2));
    for client in &mut clients {
        client
            .try_response("POST")
            .expect_err("a request without body was answered");
    }
}

/// A component of the lean lane that waits for a clock of WASI for a day. Nothing of it runs
/// meanwhile, so that no tick can stop it.
fn waits_for_a_clock() -> String {
    let waits = "(func (export \"handle\") (param i32) (result i32)
        (call $block (call $subscribe (i64.const 86400000000000))) unreachable)";
    component_of(waits)
        .replacen(
            "(component",
            "(component
               (import \"wasi:io/poll@0.2.0\" (instance $poll
                 (export \"pollable\" (type $p (sub resource)))
                 (export \"[method]pollable.block\" (func (param \"self\" (borrow $p))))))
               (alias export $poll \"pollable\" (type $pollable))
               (import \"wasi:clocks/monotonic-clock@0.2.0\" (instance $clock
                 (alias outer 1 $pollable (type $outer))
                 (export \"pollable\" (type $p (eq $outer)))
                 (export \"subscribe-duration\" (func (param \"when\" u64) (result (own $p))))))
               (core func $block (canon lower (func $poll \"[method]pollable.block\")))
               (core func $subscribe (canon lower (func $clock \"subscribe-duration\")))",
            1,
        )
        .replacen(
            "(core module $guest",
            "(core module $guest
               (import \"wasi\" \"block\" (func $block (param i32)))
               (import \"wasi\" \"subscribe\" (func $subscribe (param i64) (result i32)))",
            1,
        )
        .replacen(
            "(with \"log\"",
            "(with \"wasi\" (instance
               (export \"block\" (func $block)) (export \"subscribe\" (func $subscribe))))
             (with \"log\"",
            1,
        )
}

#[test]
fn deadline_of_a_lean_guest_that_waits() {
    let folder = folder_with("waits.wasm", &waits_for_a_clock());
    let file = folder.path().join("waits.wasm");
    let keys = "deadline = \"300ms\"\nconcurrency_max = 1\nbreaker_failures = 0";
    let guests = format!(
        "\n[guests.waits]\ncomponent = \"{}\"\n{keys}\n",
        file.display()
    ) + &route("/waits", "waits", "");
    let server = TestServer::start(&(guests + HELLO));
    for _ in 0..3 {
        server.request(get("/waits")).expect_refusal(504);
    }
    server.request(get("/hello")).expect(200);
}
