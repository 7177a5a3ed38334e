//! The bytes of responses: status lines, framing, bodies not sent, trailers.

use crate::{KNOWN_0, answer, get, head, received};
use httpd_http1::{Connection, Cycle, Event, Limits, ResponseHead, ResponseLength};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
const UNKNOWN: ResponseLength = ResponseLength::Unknown;

#[test]
fn a_known_length() {
    let mut connection = received(&get(""));
    let sent = answer(&mut connection, 200, ResponseLength::Known(5), "hello");
    assert_eq!(sent, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(connection.cycle(), Cycle::Ready);
}

#[test]
fn a_known_length_of_nothing() {
    let sent = answer(&mut received(&get("")), 404, KNOWN_0, "");
    assert_eq!(sent, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn an_unregistered_status_has_an_empty_phrase() {
    let sent = answer(&mut received(&get("")), 299, KNOWN_0, "");
    assert_eq!(sent, "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn an_unknown_length_is_chunked() {
    let mut connection = received(&get(""));
    let mut out = Vec::new();
    connection
        .send_head(&head(200, UNKNOWN), [], &mut out)
        .unwrap();
    connection.send_data(b"hello", &mut out).unwrap();
    connection.send_data(b"", &mut out).unwrap();
    assert_eq!(connection.frame_data(0x1abc, &mut out), Ok(true));
    out.extend_from_slice(&[b'x'; 0x1abc]);
    connection.send_end([], &mut out).unwrap();
    let expected = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n1abc\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x1abc)
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!(connection.cycle(), Cycle::Ready);
}

#[test]
fn an_unknown_length_of_nothing() {
    let sent = answer(&mut received(&get("")), 200, UNKNOWN, "");
    assert_eq!(
        sent,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    );
}

#[test]
fn an_unknown_length_to_http_1_0_ends_with_the_connection() {
    let mut connection = received("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    let sent = answer(&mut connection, 200, UNKNOWN, "hello");
    assert_eq!(sent, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
    assert_eq!(connection.cycle(), Cycle::MustClose);
}

#[test]
fn a_chunk_can_be_ended_before_the_next_is_known() {
    let mut connection = received(&get(""));
    let mut out = Vec::new();
    let unknown = head(200, UNKNOWN);
    connection.end_frame(&mut out);
    connection.send_head(&unknown, [], &mut out).unwrap();
    out.clear();
    connection.end_frame(&mut out);
    connection.send_data(b"a", &mut out).unwrap();
    connection.end_frame(&mut out);
    connection.end_frame(&mut out);
    assert_eq!(out, b"1\r\na\r\n");
    connection.send_data(b"bc", &mut out).unwrap();
    connection.send_data(b"d", &mut out).unwrap();
    connection.end_frame(&mut out);
    connection.send_end([], &mut out).unwrap();
    connection.end_frame(&mut out);
    assert_eq!(out, b"1\r\na\r\n2\r\nbc\r\n1\r\nd\r\n0\r\n\r\n");
}

#[test]
fn trailers_follow_the_last_chunk() {
    let mut connection = received(&get(""));
    let mut out = Vec::new();
    connection
        .send_head(&head(200, UNKNOWN), [], &mut out)
        .unwrap();
    connection.send_data(b"a", &mut out).unwrap();
    out.clear();
    connection
        .send_end([("x", &b"1"[..]), ("y", b"2")], &mut out)
        .unwrap();
    assert_eq!(out, b"\r\n0\r\nx: 1\r\ny: 2\r\n\r\n");
}

#[test]
fn trailers_are_dropped_where_there_is_no_place_for_them() {
    for (request, length) in [
        (get(""), KNOWN_0),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), UNKNOWN),
        (get("").replace("GET", "HEAD"), UNKNOWN),
    ] {
        let mut connection = received(&request);
        let mut out = Vec::new();
        connection
            .send_head(&head(200, length), [], &mut out)
            .unwrap();
        out.clear();
        connection.send_end([("x", &b"1"[..])], &mut out).unwrap();
        assert_eq!(out, b"", "{request}");
    }
}

/// What is sent for a request of `method` when the handler answers `status` with a body.
fn sent(method: &str, status: u16, length: ResponseLength) -> String {
    let mut connection = received(&get("").replace("GET", method));
    let sent = answer(&mut connection, status, length, "hello");
    assert_eq!(connection.cycle(), Cycle::Ready);
    sent
}

#[test]
fn head_gets_the_fields_of_get_and_no_body() {
    let known = sent("HEAD", 200, ResponseLength::Known(5));
    assert_eq!(known, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let empty = sent("HEAD", 200, KNOWN_0);
    assert_eq!(empty, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let unknown = sent("HEAD", 200, UNKNOWN);
    assert_eq!(
        unknown,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
}

#[test]
fn head_in_http_1_0_needs_no_close_to_end() {
    let mut connection = received("HEAD / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    let sent = answer(&mut connection, 200, UNKNOWN, "hello");
    assert_eq!(sent, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(connection.cycle(), Cycle::Ready);
}

#[test]
fn statuses_without_a_body() {
    let no_content = "HTTP/1.1 204 No Content\r\n\r\n";
    let not_modified = "HTTP/1.1 304 Not Modified\r\n\r\n";
    for method in ["GET", "HEAD"] {
        for length in [ResponseLength::Known(5), KNOWN_0, UNKNOWN] {
            assert_eq!(sent(method, 204, length), no_content);
            let reset = "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n";
            assert_eq!(sent(method, 205, length), reset);
        }
        for length in [KNOWN_0, UNKNOWN] {
            assert_eq!(sent(method, 304, length), not_modified);
        }
        let with_length = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(sent(method, 304, ResponseLength::Known(5)), with_length);
    }
}

#[test]
fn payload_is_refused_where_there_is_no_body() {
    let mut connection = received(&get("").replace("GET", "HEAD"));
    let mut out = Vec::new();
    connection
        .send_head(&head(200, ResponseLength::Known(5)), [], &mut out)
        .unwrap();
    out.clear();
    assert_eq!(connection.frame_data(500, &mut out), Ok(false));
    assert_eq!(connection.frame_data(0, &mut out), Ok(false));
    assert_eq!(out, b"");
}

#[test]
fn fields_are_written_as_given_and_date_is_added_once() {
    let fields = [
        ("Content-Type", &b"text/plain"[..]),
        ("set-cookie", b"a"),
        ("set-cookie", b"b"),
    ];
    let answer = ResponseHead {
        status: 200,
        length: KNOWN_0,
        date: Some(DATE),
    };
    let mut out = Vec::new();
    received(&get(""))
        .send_head(&answer, fields, &mut out)
        .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nset-cookie: a\r\nset-cookie: b\r\n\
         Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n"
    );
    let mut out = Vec::new();
    received(&get(""))
        .send_head(&answer, [("Date", &b"now"[..])], &mut out)
        .unwrap();
    assert_eq!(
        out,
        b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn an_invalid_head_of_a_head_request_is_answered_without_body() {
    let mut connection = Connection::new(Limits::default());
    connection.receive(b"HEAD / HTTP/1.1\r\nhost: a\r\nbad field");
    let error = connection
        .next_event()
        .map(|event| matches!(event, Event::NeedData))
        .unwrap_err();
    let sent = answer(
        &mut connection,
        error.status(),
        ResponseLength::Known(5),
        "hello",
    );
    assert_eq!(
        sent,
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
    );
}
