//! Routes with middleware: a request passes through several guests, each in a sandbox of its own,
//! and what they send each other is what arrives.

mod examples;
mod failing;
mod leaving;
mod loading;

use std::thread;

use crate::support::*;

/// The guests of these tests and their routes: `links` are guests that stand in front and say
/// their name, `a` before `b`.
fn sections(routes: &[(&str, &str, &str)]) -> String {
    let keys = "deadline = \"60s\"\nbreaker_failures = 0\nrollback = false";
    let mut text = "[limits]\nbody_max = \"1GiB\"\n".to_owned();
    for name in ["a", "b"] {
        let keys = format!("env = {{ name = \"{name}\" }}\n{keys}");
        text += &guest(name, "faults/link", &keys);
    }
    for (name, component) in [
        ("tells", "faults/tells"),
        ("streaming-echo", "streaming-echo"),
        ("echo", "echo"),
    ] {
        text += &guest(name, component, keys);
    }
    for (path, middleware, last) in routes {
        text += &chained(path, middleware, last);
    }
    text
}

/// A route with these names in front of its guest, in TOML.
fn chained(path: &str, middleware: &str, last: &str) -> String {
    route(path, last, &format!("middleware = {middleware}"))
}

const BOTH: &str = "[\"a\", \"b\"]";

/// A request with this `x-does`, see guests/faults/link.
fn does(target: &str, what: &str) -> String {
    head("GET", target, &format!("x-does: {what}\r\n"))
}

/// Bytes that differ from place to place, so that nothing lost or swapped goes unseen.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
}

fn names(response: &Response) -> Vec<&str> {
    let links = response.fields.iter().filter(|(name, _)| name == "x-links");
    links.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_request_passes_through_all_in_order_and_back() {
    let server = TestServer::start(&sections(&[
        ("/two/{id}", BOTH, "tells"),
        ("/one", "[\"b\"]", "tells"),
        ("/none", "[]", "tells"),
    ]));
    let response = server.request(get("/two/7?q=1")).expect(200);
    assert!(
        response.text().starts_with("GET /two/7\n"),
        "{}",
        response.text()
    );
    assert!(
        response.text().contains("\nx-links: a b\n"),
        "{}",
        response.text()
    );
    assert!(
        response.text().contains("\ncapture 7\n"),
        "{}",
        response.text()
    );
    assert_eq!(names(&response), ["b", "a"], "the last one answers first");
    assert_eq!(names(&server.request(get("/one")).expect(200)), ["b"]);
    assert!(names(&server.request(get("/none")).expect(200)).is_empty());
}

#[test]
fn what_the_host_says_of_a_request_nobody_else_can_say() {
    let server = TestServer::start(&sections(&[("/two/{id}", BOTH, "tells")]));
    let fields = "x-does: a=forge b=forge\r\nhttpd-client: forged\r\nhttpd-capture-more: forged\r\n\
                  connection: x-hop\r\nx-hop: 1\r\nx-end: 2\r\n";
    let response = server.request(head("GET", "/two/7", fields)).expect(200);
    let told = response.text();
    assert!(!told.contains("forged"), "{told}");
    assert!(told.contains("\ncapture 7\nmore \n"), "{told}");
    assert!(told.contains("\nclient 127.0.0.1:"), "{told}");
    assert!(
        told.contains("\nx-end: 2\n") && !told.contains("x-hop"),
        "{told}"
    );
    assert!(
        !told.contains("\nhost:"),
        "that is for the authority to say: {told}"
    );
}

#[test]
fn behind_them_a_guest_of_any_lane_answers() {
    let old = root().join("fixtures/dist/rust-proxy.wasm");
    assert!(
        old.is_file(),
        "no fixtures: run `cargo xtask fixtures` first"
    );
    let old = format!("\n[guests.old]\ncomponent = {old:?}\ndeadline = \"60s\"\n");
    let routes = [
        ("/streaming/echo", BOTH, "streaming-echo"),
        ("/lean/echo", BOTH, "echo"),
        ("/old/echo", BOTH, "old"),
    ];
    let server = TestServer::start(&(sections(&routes) + &old));
    for (target, _, _) in routes {
        let mut client = server.connect();
        for length in [0, 1, 70_000, 1_000_000] {
            let body = pattern(length);
            let sending = client.send_aside(post(target, &body));
            let response = client.response().expect(200);
            sending.join().unwrap().unwrap();
            assert!(response.body == body, "{target}: {length} bytes");
            assert_eq!(names(&response), ["b", "a"], "{target}");
        }
        let pieces = [&b"one"[..], b"two", b"three"];
        let response = client.request(chunked(target, &pieces, "")).expect(200);
        assert_eq!(response.text(), "onetwothree", "{target}");
        client.send(head("HEAD", target, ""));
        client.try_response("HEAD").unwrap().expect(200);
        client.request(get(target)).expect(200);
    }
}

#[test]
fn a_lean_guest_is_given_no_more_than_the_route_allows() {
    let small = route("/", "echo", "middleware = [\"a\"]\nbody_max = \"1KiB\"");
    let server = TestServer::start(&(sections(&[]) + &small));
    server.request(post("/", zeros(1024))).expect(200);
    server.request(post("/", zeros(1025))).expect_refusal(413);
    let mut client = server.connect();
    let sending = client.send_aside(chunked("/", &[&zeros(700), &zeros(700)], ""));
    client.response().expect_refusal(413);
    let _ = sending.join().unwrap();
}

#[test]
fn bodies_pass_at_the_pace_of_whoever_is_slowest() {
    let server = TestServer::start(&sections(&[("/", BOTH, "streaming-echo")]));
    for what in ["", "a=copy", "a=copy b=copy"] {
        let body = pattern(48 << 20);
        let mut client = Client::connect_with_small_window(server.address());
        let fields = format!("x-does: {what}\r\ncontent-length: {}\r\n", body.len());
        client.send(head("POST", "/", &fields));
        let sending = client.send_aside(body.clone());
        // What is on its way fills the sockets, and not the host.
        thread::sleep(std::time::Duration::from_millis(300));
        assert!(
            !sending.is_finished(),
            "nobody reads, and all of it was taken"
        );
        let response = client.response().expect(200);
        sending.join().unwrap().unwrap();
        assert!(response.body == body, "{what}");
    }
}

#[test]
fn the_response_comes_while_the_upload_goes_on() {
    let server = TestServer::start(&sections(&[("/", BOTH, "streaming-echo")]));
    let mut client = server.connect();
    client.send(head(
        "POST",
        "/",
        "content-length: 10\r\nx-does: a=copy\r\n",
    ));
    let mut heard = String::new();
    for piece in ["first", "after"] {
        client.send(piece);
        while !heard.contains(piece) {
            heard += &String::from_utf8(client.some().unwrap()).unwrap();
        }
    }
    assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
}

#[test]
fn trailers_pass_through() {
    let server = TestServer::start(&sections(&[("/", BOTH, "streaming-echo")]));
    let mut client = server.connect();
    client.send(chunked("/", &[b"body"], "x-sum: 4\r\n"));
    let mut heard = String::new();
    while !heard.ends_with("\r\n\r\n") || !heard.contains("\r\n0\r\n") {
        heard += &String::from_utf8(client.some().unwrap()).unwrap();
    }
    assert!(heard.ends_with("\r\n0\r\nx-sum: 4\r\n\r\n"), "{heard}");
}

#[test]
fn many_requests_pass_at_once() {
    // Two guests in front, one behind, and the pool is shared by all. One of those behind has
    // instances that requests share.
    let keys = "deadline = \"60s\"\ninstances = { reuse = 50, concurrent = 4 }";
    let shared = guest("shared", "streaming-echo", keys) + &chained("/shared", BOTH, "shared");
    let routes = [("/", BOTH, "tells"), ("/lean", BOTH, "echo")];
    let server = TestServer::start(&(sections(&routes) + &shared));
    let threads: Vec<_> = (0..18)
        .map(|number| {
            let mut client = server.connect();
            thread::spawn(move || {
                for _ in 0..20 {
                    let body = format!("from {number}");
                    let target = ["/", "/lean", "/shared"][number % 3];
                    let response = client.request(post(target, &body)).expect(200);
                    assert_eq!(names(&response), ["b", "a"], "{target}");
                    if target != "/" {
                        assert_eq!(response.text(), body, "{target}");
                    }
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_long_body_passes_a_guest_whose_instances_are_shared() {
    let keys = "deadline = \"60s\"\ninstances = { reuse = 50, concurrent = 4 }";
    let shared = guest("shared", "streaming-echo", keys)
        + &chained("/shared", BOTH, "shared")
        + &route("/alone", "shared", "");
    let server = TestServer::start(&(sections(&[("/", BOTH, "tells")]) + &shared));
    let mut client = server.connect();
    let body: String = (0..60_000).map(|number| format!("{number:08} ")).collect();
    for target in ["/shared", "/alone", "/shared"] {
        let response = client.request(post(target, &body)).expect(200);
        assert!(response.text() == body, "{target}");
    }
}
