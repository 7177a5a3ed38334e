//! Guests of both wasi lanes that take no notice of what is wrong with a request's body. As long as
//! no head was sent, it is the host that answers.

use crate::support::*;

const LANES: [&str; 2] = ["tries-02", "tries-03"];

fn server(name: &str) -> TestServer {
    let file = format!("fixtures/dist/{name}.wasm");
    assert!(
        root().join(&file).is_file(),
        "no {file}: run `cargo xtask fixtures` first"
    );
    let guest = format!("\n[guests.tries]\ncomponent = \"{file}\"\ndeadline = \"60s\"\n");
    TestServer::start(&(guest + &route("/{what}", "tries", "body_max = \"1KiB\"")))
}

/// Requests that cannot be completed, and what is to be told.
fn wrong(target: &str) -> Vec<(u16, Vec<u8>)> {
    let chunked = head("POST", target, "transfer-encoding: chunked\r\n");
    let malformed = chunked.clone() + "5\r\nhello\r\nnot a size\r\n";
    let large = "x".repeat(1000);
    let too_large = chunked + &format!("3e8\r\n{large}\r\n3e8\r\n{large}\r\n0\r\n\r\n");
    vec![
        (400, malformed.into_bytes()),
        (413, too_large.into_bytes()),
        (413, post(target, zeros(2000))),
    ]
}

#[test]
fn a_guest_that_reads_first_does_not_hide_what_is_wrong() {
    for name in LANES {
        let server = server(name);
        let whole = server.request(post("/swallow", "hello")).expect(200);
        assert_eq!(whole.text(), "5 bytes", "{name}");
        for (status, request) in wrong("/swallow") {
            server.request(request).expect_refusal(status);
        }
        // A client that has left is told in vain; the guest's answer is not for it either way.
        let mut client = server.connect();
        client.send(head("POST", "/swallow", "content-length: 10\r\n") + "hello");
        client.half_close();
        client.final_response().expect_refusal(400);
    }
}

#[test]
fn a_guest_that_answers_first_does_not_hide_what_has_arrived_with_the_head() {
    for name in LANES {
        let server = server(name);
        let whole = server.request(post("/late", "hello")).expect(200);
        assert_eq!(whole.text(), "5 bytes", "{name}");
        for (status, request) in wrong("/late") {
            server.request(request).expect_refusal(status);
        }
    }
}

#[test]
fn what_is_wrong_after_the_head_ends_the_connection() {
    for name in LANES {
        let server = server(name);
        let mut client = server.connect();
        client.send(head("POST", "/late", "transfer-encoding: chunked\r\n") + "5\r\nhello\r\n");
        let mut heard = String::new();
        while !heard.contains("\r\n\r\n") {
            heard += &String::from_utf8(client.some().unwrap()).unwrap();
        }
        assert!(heard.starts_with("HTTP/1.1 200 "), "{name}: {heard}");
        client.send("not a size\r\n");
        // What the guest makes of it is the guest's; no request follows on this connection.
        client.rest().expect("no orderly end");
    }
}
