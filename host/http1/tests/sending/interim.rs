//! Interim responses (RFC 9110 15.2): heads of the caller's, and both uses of 100 (Continue).

use crate::{KNOWN_0, answer, get, head, post, received};
use httpd_http1::{ResponseHead, ResponseLength};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
const UNKNOWN: ResponseLength = ResponseLength::Unknown;

#[test]
fn interim_heads_precede_the_final_one() {
    let mut connection = received(&get(""));
    let mut out = Vec::new();
    let hints = ResponseHead {
        date: Some(DATE),
        ..head(103, ResponseLength::Known(9))
    };
    connection
        .send_head(&hints, [("link", &b"</a>"[..])], &mut out)
        .unwrap();
    assert!(!connection.response_begun());
    connection
        .send_head(&head(102, UNKNOWN), [], &mut out)
        .unwrap();
    connection
        .send_head(&head(200, KNOWN_0), [], &mut out)
        .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn interim_heads_are_dropped_for_clients_that_do_not_know_them() {
    for mut connection in [received("GET / HTTP/1.0\r\n\r\n"), received("")] {
        let mut out = Vec::new();
        connection
            .send_head(&head(103, UNKNOWN), [], &mut out)
            .unwrap();
        assert_eq!(out, b"");
        connection
            .send_head(&head(200, KNOWN_0), [], &mut out)
            .unwrap();
    }
}

#[test]
fn continue_is_sent_once_and_only_while_the_client_waits() {
    let waits = post("content-length: 5\r\nexpect: 100-continue\r\n", "");
    let mut connection = received(&waits);
    let mut out = Vec::new();
    connection.send_continue(&mut out);
    connection.send_continue(&mut out);
    assert_eq!(out, b"HTTP/1.1 100 Continue\r\n\r\n");
    for (request, more) in [
        (get(""), ""),
        (post("content-length: 5\r\n", ""), ""),
        (waits.replace("1.1", "1.0"), ""),
        (waits.clone(), "h"),
        (waits.clone(), "hello"),
        (get("expect: 100-continue\r\n"), ""),
        (waits[..waits.len() - 2].to_owned(), ""),
    ] {
        let mut connection = received(&request);
        connection.receive(more.as_bytes());
        out.clear();
        connection.send_continue(&mut out);
        assert_eq!(out, b"", "{request}{more}");
    }
    let mut connection = received(&waits);
    answer(&mut connection, 200, KNOWN_0, "");
    out.clear();
    connection.send_continue(&mut out);
    assert_eq!(out, b"");
}

#[test]
fn continue_is_sent_for_chunked_bodies_too() {
    let mut connection = received(&post(
        "transfer-encoding: chunked\r\nexpect: 100-continue\r\n",
        "",
    ));
    let mut out = Vec::new();
    connection.send_continue(&mut out);
    assert_eq!(out, b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn an_unasked_continue_is_sent_while_a_complete_request_is_not_answered() {
    let with_body = post("content-length: 5\r\n", "hello");
    let waits = post("content-length: 5\r\nexpect: 100-continue\r\n", "");
    for (request, expected) in [
        (get(""), true),
        (with_body.clone(), true),
        (with_body.clone() + &get(""), true),
        // What the client waits for came already, or it sent the body regardless.
        (waits.clone() + "hello", true),
        // It would ask for the body.
        (waits, false),
        (post("content-length: 5\r\n", "hell"), false),
        (post("transfer-encoding: chunked\r\n", "0\r\n"), false),
        // Nobody asked for anything.
        (String::new(), false),
        (get("")[..10].to_owned(), false),
        ("\x01\r\n".to_owned(), false),
        // It would be taken for the response.
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), false),
    ] {
        let mut out = Vec::new();
        received(&request).send_unasked_continue(&mut out);
        let expected: &[u8] = if expected {
            b"HTTP/1.1 100 Continue\r\n\r\n"
        } else {
            b""
        };
        assert_eq!(out, expected, "{request}");
    }
}

#[test]
fn an_unasked_continue_changes_nothing_and_is_not_sent_within_a_response() {
    let mut connection = received(&get(""));
    let mut out = Vec::new();
    connection.send_unasked_continue(&mut out);
    assert!(!connection.response_begun());
    out.clear();
    connection
        .send_head(&head(200, ResponseLength::Known(1)), [], &mut out)
        .unwrap();
    let begun = out.len();
    connection.send_unasked_continue(&mut out);
    assert_eq!(out.len(), begun);
    connection.send_data(b"a", &mut out).unwrap();
    connection.send_end([], &mut out).unwrap();
    let ended = out.len();
    connection.send_unasked_continue(&mut out);
    assert_eq!(out.len(), ended);
    assert!(connection.next_cycle());
}
