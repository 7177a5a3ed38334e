//! Mistakes of the caller: each is an error, writes nothing, and leaves the response as it was.

use crate::{KNOWN_0, answer, get, head, received};
use httpd_http1::{Connection, Cycle, ResponseLength, SendError};
use httpd_http1::{is_field_name, is_field_value, is_framing_field, is_token};

const KNOWN_5: ResponseLength = ResponseLength::Known(5);

/// A connection whose response has begun, and a buffer that must not change.
fn begun(length: ResponseLength) -> (Connection, Vec<u8>) {
    let mut connection = received(&get(""));
    connection
        .send_head(&head(200, length), [], &mut Vec::new())
        .unwrap();
    (connection, b"before".to_vec())
}

#[test]
fn statuses_that_are_none() {
    for status in [0, 1, 99, 100, 101, 600, 999, u16::MAX] {
        let mut connection = received(&get(""));
        let mut out = b"before".to_vec();
        let result = connection.send_head(&head(status, KNOWN_0), [], &mut out);
        assert_eq!(result, Err(SendError::InvalidStatus { status }));
        assert_eq!(out, b"before");
        assert!(!connection.response_begun());
        answer(&mut connection, 500, KNOWN_0, "");
    }
}

#[test]
fn a_connect_cannot_be_accepted() {
    let mut connection = received("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
    let result = connection.send_head(&head(200, KNOWN_0), [], &mut Vec::new());
    assert_eq!(result, Err(SendError::TunnelAccepted { status: 200 }));
    answer(&mut connection, 405, KNOWN_0, "");
    assert_eq!(connection.cycle(), Cycle::Ready);
}

#[test]
fn a_head_twice() {
    let (mut connection, mut out) = begun(KNOWN_0);
    let second = connection.send_head(&head(200, KNOWN_0), [], &mut out);
    assert_eq!(second, Err(SendError::HeadTwice));
    let interim = connection.send_head(&head(103, KNOWN_0), [], &mut out);
    assert_eq!(interim, Err(SendError::HeadTwice));
    connection.send_end([], &mut out).unwrap();
    let after = connection.send_head(&head(200, KNOWN_0), [], &mut out);
    assert_eq!(after, Err(SendError::AlreadyComplete));
    assert_eq!(out, b"before");
}

#[test]
fn data_and_end_without_head() {
    let mut connection = received(&get(""));
    let mut out = Vec::new();
    assert_eq!(
        connection.send_data(b"a", &mut out),
        Err(SendError::HeadMissing)
    );
    assert_eq!(
        connection.send_data(b"", &mut out),
        Err(SendError::HeadMissing)
    );
    assert_eq!(
        connection.send_end([], &mut out),
        Err(SendError::HeadMissing)
    );
    assert_eq!(out, b"");
    assert_eq!(connection.cycle(), Cycle::Open);
}

#[test]
fn data_and_end_after_the_end() {
    for length in [KNOWN_0, ResponseLength::Unknown] {
        let (mut connection, mut out) = begun(length);
        connection.send_end([], &mut Vec::new()).unwrap();
        assert_eq!(
            connection.send_data(b"a", &mut out),
            Err(SendError::AlreadyComplete)
        );
        assert_eq!(
            connection.frame_data(0, &mut out),
            Err(SendError::AlreadyComplete)
        );
        assert_eq!(
            connection.send_end([], &mut out),
            Err(SendError::AlreadyComplete)
        );
        assert_eq!(out, b"before");
        assert_eq!(connection.cycle(), Cycle::Ready);
    }
}

#[test]
fn more_than_the_promised_length() {
    let (mut connection, mut out) = begun(KNOWN_5);
    connection.send_data(b"abc", &mut Vec::new()).unwrap();
    let result = connection.send_data(b"def", &mut out);
    assert_eq!(result, Err(SendError::BodyTooLong { excess: 1 }));
    assert_eq!(out, b"before");
    connection.send_data(b"de", &mut out).unwrap();
    connection.send_end([], &mut out).unwrap();
    assert_eq!(out, b"beforede");
    assert_eq!(connection.cycle(), Cycle::Ready);
}

#[test]
fn less_than_the_promised_length_costs_the_connection() {
    let (mut connection, mut out) = begun(KNOWN_5);
    connection.send_data(b"abc", &mut Vec::new()).unwrap();
    assert_eq!(
        connection.send_end([], &mut out),
        Err(SendError::BodyTooShort { missing: 2 })
    );
    assert_eq!(out, b"before");
    assert_eq!(connection.cycle(), Cycle::MustClose);
    assert!(!connection.next_cycle());
}

const BAD_FIELDS: [(&str, &[u8]); 16] = [
    ("", b"x"),
    ("a b", b"x"),
    ("a:", b"x"),
    ("a\r\nb", b"x"),
    ("\u{e4}", b"x"),
    ("a", b"x\r\nset-cookie: y"),
    ("a", b"x\n"),
    ("a", b"\r"),
    ("a", b"\0"),
    ("a", b"\x7f"),
    ("Content-Length", b"5"),
    ("transfer-encoding", b"chunked"),
    ("CONNECTION", b"close"),
    ("keep-alive", b"x"),
    ("upgrade", b"x"),
    ("proxy-connection", b"x"),
];

#[test]
fn fields_that_may_not_be_sent() {
    for field in BAD_FIELDS {
        let mut connection = received(&get(""));
        let mut out = b"before".to_vec();
        let fields = [("good", &b"value"[..]), field];
        assert!(
            connection
                .send_head(&head(200, KNOWN_0), fields, &mut out)
                .is_err(),
            "{field:?}"
        );
        assert_eq!(out, b"before", "{field:?}");
        assert!(!connection.response_begun());
        answer(&mut connection, 500, KNOWN_0, "");
        assert_eq!(connection.cycle(), Cycle::Ready);
    }
}

#[test]
fn trailers_that_may_not_be_sent() {
    let more: [(&str, &[u8]); 3] = [("host", b"a"), ("Set-Cookie", b"a"), ("trailer", b"a")];
    for field in BAD_FIELDS.into_iter().chain(more) {
        let (mut connection, mut out) = begun(ResponseLength::Unknown);
        let trailers = [("good", &b"value"[..]), field];
        assert!(
            connection.send_end(trailers, &mut out).is_err(),
            "{field:?}"
        );
        assert_eq!(out, b"before", "{field:?}");
        assert_eq!(connection.cycle(), Cycle::Open);
        connection.send_end([], &mut out).unwrap();
        assert_eq!(connection.cycle(), Cycle::Ready);
    }
}

#[test]
fn the_checks_are_there_for_the_caller_too() {
    for (name, value) in BAD_FIELDS {
        let good = is_field_name(name.as_bytes()) && is_field_value(value);
        assert!(!good || is_framing_field(name), "{name:?}: {value:?}");
        assert_eq!(is_token(name.as_bytes()), is_field_name(name.as_bytes()));
    }
    assert!(is_field_name(b"X-a") && is_field_value(b" a\tb\xff") && is_field_value(b""));
    assert!(!is_framing_field("content-type"));
}
