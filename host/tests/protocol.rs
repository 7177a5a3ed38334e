//! What breaks the protocol is refused, with the right status, and the refusal always arrives: also
//! when the client goes on sending, and never after a reset.

use std::sync::LazyLock;

use crate::support::*;

/// What a client that does not listen still sends after its broken request.
const UPLOAD: usize = 2 << 20;

static SERVER: LazyLock<TestServer> = LazyLock::new(|| {
    let limits = "[limits]\nbody_max = \"1KiB\"\n";
    let read_only = route("/read-only", "hello", "methods = [\"GET\"]");
    TestServer::start(&(limits.to_owned() + HELLO + ECHO + &read_only))
});

/// Each of these requests gets this status, whole, then an orderly end, while megabytes follow it.
#[track_caller]
fn refused<T: AsRef<[u8]>>(status: u16, requests: &[T]) {
    for request in requests {
        let request = request.as_ref();
        let shown = String::from_utf8_lossy(request);
        let mut client = SERVER.connect();
        client.send(request);
        let sending = client.send_aside(zeros(UPLOAD));
        let response = client.try_response("GET");
        let response = response.unwrap_or_else(|error| panic!("{error} after {shown:?}"));
        assert_eq!(response.status, status, "{shown:?}: {}", response.text());
        assert!(response.expect_refusal(status).closes(), "{shown:?}");
        client.expect_end();
        let sent = sending.join().unwrap();
        sent.unwrap_or_else(|error| panic!("{error} while sending on after {shown:?}"));
    }
}

/// POST with these framing fields, then five bytes that are a body to some readers.
fn framed(fields: &str) -> String {
    head("POST", "/echo", fields) + "0\r\n\r\n"
}

/// A chunked POST with this body.
fn chunks(body: &str) -> String {
    head("POST", "/echo", "transfer-encoding: chunked\r\n") + body
}

#[test]
fn two_ways_to_tell_the_length() {
    refused(
        400,
        &[
            framed("content-length: 5\r\ntransfer-encoding: chunked\r\n"),
            framed("transfer-encoding: chunked\r\ncontent-length: 5\r\n"),
            framed("content-length: 5\r\ncontent-length: 6\r\n"),
            framed("content-length: 5\r\nContent-Length: 5\r\n"),
            framed("content-length: 5, 5\r\n"),
        ],
    );
}

#[test]
fn lengths_that_are_none() {
    let values = [
        "+5",
        "-5",
        "",
        " ",
        "5 5",
        "0x5",
        "5.0",
        "5;",
        "\"5\"",
        "18446744073709551616",
        "99999999999999999999999",
        "five",
    ];
    refused(
        400,
        &values.map(|value| framed(&format!("content-length: {value}\r\n"))),
    );
}

#[test]
fn transfer_codings_that_hide_the_end() {
    let values = [
        "chunked, chunked",
        "chunked, gzip",
        "chunked;a=b",
        "",
        ",",
        "\"chunked\"",
        "chun ked",
    ];
    refused(
        400,
        &values.map(|value| framed(&format!("transfer-encoding: {value}\r\n"))),
    );
    let two = "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n";
    refused(400, &[framed(two)]);
    refused(
        400,
        &["POST /echo HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    );
}

#[test]
fn transfer_codings_that_are_unknown() {
    let values = [
        "gzip",
        "gzip, chunked",
        "identity",
        "xchunked",
        "chunkedx",
        "chunked2",
    ];
    refused(
        501,
        &values.map(|value| framed(&format!("transfer-encoding: {value}\r\n"))),
    );
}

#[test]
fn chunks_that_are_none() {
    refused(
        400,
        &[
            chunks("+5\r\nabcde\r\n0\r\n\r\n"),
            chunks("-5\r\n"),
            chunks("0x5\r\nabcde\r\n0\r\n\r\n"),
            chunks("5 \r\nabcde\r\n0\r\n\r\n"),
            chunks("\r\n"),
            chunks("g\r\n"),
            chunks(";x\r\n"),
            chunks("5\nabcde\r\n0\r\n\r\n"),
            chunks("5\r\nabcdef\r\n0\r\n\r\n"),
            chunks("5\r\nabcde0\r\n\r\n"),
            chunks("5;a\nb\r\nabcde\r\n0\r\n\r\n"),
            chunks("00000000000000005\r\nabcde\r\n0\r\n\r\n"),
            chunks("0\r\ncontent-length: 5\r\n\r\n"),
            chunks("0\r\nhost: other.example\r\n\r\n"),
            chunks("0\r\nx : y\r\n\r\n"),
        ],
    );
}

#[test]
fn lines_that_end_or_begin_otherwise() {
    let fields = [
        "x: a\n",
        "x: a\rb\r\n",
        "x: a\0b\r\n",
        "x: a\x7fb\r\n",
        "x : a\r\n",
        "x\t: a\r\n",
        "x: a\r\n folded\r\n",
        "x: a\r\n\tfolded\r\n",
        "x\r\n",
        ": a\r\n",
        "x y: a\r\n",
        "x\u{e9}: a\r\n",
        "(x): a\r\n",
    ];
    refused(400, &fields.map(|fields| head("GET", "/hello", fields)));
    refused(
        400,
        &[
            "GET /hello HTTP/1.1\nhost: test.example\n\n",
            "GET /hello HTTP/1.1\r\nhost: test.example\n\r\n",
            "GET /hello HTTP/1.1\r\n host: test.example\r\n\r\n",
            "GET /hello HTTP/1.1\rhost: test.example\r\n\r\n",
        ],
    );
}

#[test]
fn request_lines_that_are_none() {
    let lines = [
        "GET  /hello HTTP/1.1",
        "GET /hello  HTTP/1.1",
        "GET /hello HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/hello HTTP/1.1",
        "GET /hello",
        "GET",
        "G(T /hello HTTP/1.1",
        "GET /he llo HTTP/1.1",
        "GET /hello http/1.1",
        "GET /hello HTTP/1",
        "GET /hello HTTP/1.",
        "GET /hello HTTP/1.10",
        "GET /hello HTTP/11",
        "GET /hello HTTPS/1.1",
        "GET hello HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /hello#part HTTP/1.1",
        "GET /h\u{e9}llo HTTP/1.1",
        "GET /hello% HTTP/1.1",
        "GET /hello%0 HTTP/1.1",
        "GET /hello%zz HTTP/1.1",
        "GET /hello\0 HTTP/1.1",
        "GET ftp://test.example/hello HTTP/1.1",
        "GET http:///hello HTTP/1.1",
        "GET http://user@test.example/hello HTTP/1.1",
        "CONNECT test.example HTTP/1.1",
        "CONNECT /hello HTTP/1.1",
        "CONNECT test.example:0 HTTP/1.1",
    ];
    refused(
        400,
        &lines.map(|line| format!("{line}\r\nhost: test.example\r\n\r\n")),
    );
    refused(400, &["\r\n".repeat(20) + &get("/hello")]);
    // A TLS client on the wrong port.
    refused(400, &[&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..]]);
}

#[test]
fn hosts_that_are_missing_or_several() {
    refused(
        400,
        &[
            "GET /hello HTTP/1.1\r\n\r\n",
            "GET /hello HTTP/1.1\r\nhost:\r\n\r\n",
            "GET /hello HTTP/1.1\r\nhost: a b\r\n\r\n",
            "GET /hello HTTP/1.1\r\nhost: a/b\r\n\r\n",
            "GET /hello HTTP/1.1\r\nhost: a, b\r\n\r\n",
            "GET /hello HTTP/1.1\r\nhost: u@a\r\n\r\n",
            "GET /hello HTTP/1.1\r\nhost: a:65536\r\n\r\n",
            "GET /hello HTTP/1.1\r\nhost: [::1\r\n\r\n",
            "GET /hello HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
            "GET http://a/hello HTTP/1.1\r\n\r\n",
        ],
    );
}

#[test]
fn versions_that_are_not_spoken() {
    refused(
        505,
        &[
            "GET /hello HTTP/2.0\r\nhost: a\r\n\r\n",
            "GET /hello HTTP/0.9\r\nhost: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ],
    );
    let minor = "GET /hello HTTP/1.2\r\nhost: a\r\n\r\n";
    SERVER.request(minor).expect(200);
}

#[test]
fn methods_longer_than_any() {
    refused(501, &[head(&"M".repeat(65), "/hello", "")]);
    SERVER
        .request(head(&"M".repeat(64), "/hello", ""))
        .expect(200);
}

#[test]
fn expectations_that_cannot_be_met() {
    let values = ["200-ok", "100-continue, other", "100-continue;q=1"];
    refused(
        417,
        &values.map(|value| head("POST", "/echo", &format!("expect: {value}\r\n"))),
    );
}

#[test]
fn paths_that_have_no_normal_form() {
    let server = TestServer::start(&(HELLO.to_owned() + &route("/x/{*rest}", "hello", "")));
    for path in ["/hello%00", "/x/a%2Fb", "/x/%ff"] {
        let response = server.request(get(path)).expect_refusal(400);
        assert!(response.closes());
    }
    for path in [
        "/x/../hello",
        "/../../hello",
        "/%68ello",
        "/./hello",
        "/x/%2e%2E/hello",
    ] {
        server.request(get(path)).expect(200);
    }
}

#[test]
fn continue_is_sent_for_a_body_that_is_wanted() {
    let mut client = SERVER.connect();
    for _ in 0..2 {
        let fields = "content-length: 4\r\nexpect: 100-Continue\r\n";
        client.request(head("POST", "/echo", fields)).expect(100);
        assert_eq!(client.request("body").expect(200).text(), "body");
    }
    let fields = "transfer-encoding: chunked\r\nexpect: 100-continue\r\n";
    client.request(head("POST", "/echo", fields)).expect(100);
    assert_eq!(
        client.request("4\r\nbody\r\n0\r\n\r\n").expect(200).text(),
        "body"
    );
}

#[test]
fn continue_is_not_sent_where_nobody_waits() {
    let mut client = SERVER.connect();
    let empty = "content-length: 0\r\nexpect: 100-continue\r\n";
    client.request(head("POST", "/echo", empty)).expect(200);
    client
        .request(head("GET", "/hello", "expect: 100-continue\r\n"))
        .expect(200);
    let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
    client
        .request(head("POST", "/echo", fields) + "body")
        .expect(200);
    client
        .request(head("POST", "/echo", "content-length: 4\r\n") + "body")
        .expect(200);
    // HTTP/1.0 knows no interim responses (RFC 9110 section 10.1.1).
    client.send("POST /echo HTTP/1.0\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n");
    client.request("body").expect(200);
}

#[test]
fn a_body_that_is_not_wanted_is_refused_without_continue() {
    let expecting = |length: usize| format!("content-length: {length}\r\nexpect: 100-continue\r\n");
    for (target, length, status) in [
        ("/echo", UPLOAD, 413),
        ("/echo", 1025, 413),
        ("/nowhere", UPLOAD, 404),
        ("/nowhere", 10, 404),
        ("/read-only", 10, 405),
    ] {
        let mut client = SERVER.connect();
        let response = client.request(head("POST", target, &expecting(length)));
        // Whether the body follows is the client's choice, so nobody could tell what comes next.
        assert!(response.expect_refusal(status).closes());
        // Some clients send it all the same.
        client.send_aside(zeros(length)).join().unwrap().unwrap();
        client.expect_end();
    }
}

#[test]
fn requests_before_a_broken_one_are_answered() {
    let mut client = SERVER.connect();
    client.send(get("/hello?name=1") + &post_text("two") + "BROKEN\r\n\r\n" + &get("/hello"));
    assert_eq!(client.response().expect(200).text(), "Hello, 1!");
    assert_eq!(client.response().expect(200).text(), "two");
    assert!(client.response().expect_refusal(400).closes());
    client.expect_end();
}

#[test]
fn a_request_that_breaks_off_is_refused() {
    let whole = [
        &post("/echo", "body")[..],
        &chunked("/echo", &[b"body"], "x: y\r\n"),
    ];
    for request in whole {
        for end in 1..request.len() {
            let mut client = SERVER.connect();
            client.send(&request[..end]);
            client.half_close();
            assert!(client.response().expect_refusal(400).closes());
            client.expect_end();
        }
    }
}

fn post_text(body: &str) -> String {
    String::from_utf8(post("/echo", body)).unwrap()
}
