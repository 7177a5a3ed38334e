//! What is refused before a guest sees it.

use std::sync::LazyLock;

use crate::support::*;

static SERVER: LazyLock<TestServer> = LazyLock::new(|| {
    let limits = "[limits]\nhead_max = 512\ntarget_max = 64\nfields_max = 5\n\
                  chunk_extensions_max = 32\nbody_max = \"1KiB\"\n";
    let small = route("/small", "echo", "body_max = 10");
    let large = route("/large", "echo", "body_max = \"4KiB\"");
    TestServer::start(&(limits.to_owned() + HELLO + ECHO + &small + &large))
});

/// A head of exactly so many bytes.
fn head_of(bytes: usize) -> String {
    let frame = head("GET", "/hello", "x-pad: \r\n");
    let pad = "p".repeat(bytes - frame.len());
    head("GET", "/hello", &format!("x-pad: {pad}\r\n"))
}

/// `fits` is served and the connection kept; `over` gets this status and an orderly end.
#[track_caller]
fn bounds(fits: impl AsRef<[u8]>, over: impl AsRef<[u8]>, status: u16) {
    let mut client = SERVER.connect();
    for _ in 0..2 {
        client.request(&fits).expect(200);
    }
    let refused = client.request(&over).expect_refusal(status);
    assert!(refused.closes());
    client.half_close();
    client.expect_end();
}

/// A chunk of one byte with so many bytes after its size, then the last chunk.
fn extended(bytes: usize) -> String {
    let extension = "x".repeat(bytes - 1);
    format!("1;{extension}\r\n.\r\n")
}

#[test]
fn head_max() {
    bounds(head_of(512), head_of(513), 431);
}

#[test]
fn head_max_holds_before_the_head_ends() {
    let mut client = SERVER.connect();
    client.send(&head_of(600)[..512]);
    client.response().expect_refusal(431);
}

#[test]
fn target_max() {
    let target = |bytes: usize| format!("/hello?{}", "q".repeat(bytes - "/hello?".len()));
    bounds(get(&target(64)), get(&target(65)), 414);
}

#[test]
fn fields_max() {
    let fields = |count: usize| head("GET", "/hello", &"x: y\r\n".repeat(count - 1));
    bounds(fields(5), fields(6), 431);
}

#[test]
fn fields_max_for_trailers() {
    let trailers = |count: usize| chunked("/echo", &[b"body"], &"x: y\r\n".repeat(count));
    bounds(trailers(5), trailers(6), 431);
}

#[test]
fn head_max_for_trailers() {
    let trailers = |bytes: usize| {
        let line = format!("x: {}\r\n", "y".repeat(bytes - "x: \r\n\r\n".len()));
        chunked("/echo", &[b"body"], &line)
    };
    // The last empty line is part of the section; one that just fills the bound has no room to
    // be told from one that goes on, hence two bytes.
    bounds(trailers(510), trailers(514), 431);
}

#[test]
fn chunk_extensions_max() {
    let head = head("POST", "/echo", "transfer-encoding: chunked\r\n");
    let body = |first, second| format!("{head}{}{}0\r\n\r\n", extended(first), extended(second));
    bounds(body(16, 16), body(16, 17), 400);
}

#[test]
fn body_max_of_known_length() {
    let mut client = SERVER.connect();
    client.request(post("/echo", zeros(1024))).expect(200);
    let refused = client.request(post("/echo", zeros(1025)));
    assert!(refused.expect_refusal(413).text().contains("1024"));
    // All of the body is read by now, and it was small: the connection need not be given up.
    client.request(post("/echo", zeros(1024))).expect(200);
}

#[test]
fn body_max_of_unknown_length() {
    let body = zeros(1025);
    let fits = chunked("/echo", &[&body[..1000], &body[..24]], "");
    let over = chunked("/echo", &[&body[..1000], &body[..25]], "");
    SERVER.request(fits).expect(200);
    SERVER.request(over).expect_refusal(413);
}

#[test]
fn body_max_is_refused_before_the_body_is_sent() {
    let mut client = SERVER.connect();
    client.send(head("POST", "/echo", "content-length: 1025\r\n"));
    client.response().expect_refusal(413);
}

#[test]
fn a_route_has_a_body_max_of_its_own() {
    for (path, max) in [("/small", 10), ("/large", 4096)] {
        SERVER.request(post(path, zeros(max))).expect(200);
        SERVER
            .request(post(path, zeros(max + 1)))
            .expect_refusal(413);
    }
}
