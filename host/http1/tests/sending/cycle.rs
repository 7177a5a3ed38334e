//! The state a driver asks for: idle, begun, complete, and what becomes of buffers and limits.

use crate::{KNOWN_0, answer, get, head, post, received, take_all};
use httpd_http1::{Connection, Cycle, Event, Limits, RequestHead, ResponseLength};

#[test]
fn a_response_may_end_before_its_request() {
    let mut connection = received(&post("content-length: 10\r\n", "abc"));
    assert_eq!(connection.cycle(), Cycle::Open);
    let mut out = Vec::new();
    connection
        .send_head(&head(200, ResponseLength::Unknown), [], &mut out)
        .unwrap();
    connection.receive(b"def");
    assert_eq!(connection.next_event(), Ok(Event::Data(b"def")));
    connection.send_data(b"early", &mut out).unwrap();
    assert_eq!(connection.cycle(), Cycle::Open);
    connection.send_end([], &mut out).unwrap();
    assert!(connection.response_complete());
    assert_eq!(connection.cycle(), Cycle::Draining);
    connection.receive(b"ghij");
    assert_eq!(connection.next_event(), Ok(Event::Data(b"ghij")));
    assert!(connection.next_cycle());
    assert_eq!(connection.cycle(), Cycle::Open);
    assert!(!connection.response_begun() && !connection.response_complete());
}

#[test]
fn idle_means_nothing_of_the_next_request() {
    let mut connection = Connection::new(Limits::default());
    assert!(connection.is_idle() && !connection.head_begun());
    for (bytes, idle) in [
        ("\r", true),
        ("\n", true),
        ("\r\n", true),
        ("G", false),
        ("ET", false),
    ] {
        connection.receive(bytes.as_bytes());
        assert_eq!(
            (connection.is_idle(), connection.head_begun()),
            (idle, !idle),
            "{bytes:?}"
        );
        assert_eq!(connection.next_event(), Ok(Event::NeedData));
        assert_eq!(
            (connection.is_idle(), connection.head_begun()),
            (idle, !idle),
            "{bytes:?}"
        );
    }
    connection.receive(b" / HTTP/1.1\r\nhost: a\r\n\r\n");
    take_all(&mut connection);
    assert!(!connection.is_idle() && !connection.head_begun());
    answer(&mut connection, 200, KNOWN_0, "");
    assert!(!connection.is_idle());
    assert!(connection.next_cycle());
    assert!(connection.is_idle());
}

#[test]
fn pipelined_bytes_begin_the_next_head() {
    let mut connection = received(&(get("") + "\r\nG"));
    answer(&mut connection, 200, KNOWN_0, "");
    assert_eq!(connection.next_event(), Ok(Event::Paused));
    assert!(!connection.head_begun());
    assert!(connection.next_cycle());
    assert!(connection.head_begun() && !connection.is_idle());
}

#[test]
fn an_abandoned_response_does_not_look_complete() {
    let mut connection = received(&get(""));
    let mut out = Vec::new();
    connection
        .send_head(&head(200, ResponseLength::Unknown), [], &mut out)
        .unwrap();
    connection.send_data(b"a", &mut out).unwrap();
    let sent = out.len();
    connection.abandon_response();
    assert_eq!(connection.cycle(), Cycle::MustClose);
    assert!(connection.send_end([], &mut out).is_err());
    assert_eq!(out.len(), sent);
    assert_eq!(connection.next_event(), Ok(Event::Closed));
}

#[test]
fn limits_change_with_the_next_request() {
    let small = Limits {
        target_bytes_max: 3,
        ..Limits::default()
    };
    let request = get("").replace(" / ", " /long ");
    let mut connection = Connection::new(Limits::default());
    connection.receive(b"GET /lo");
    assert_eq!(connection.next_event(), Ok(Event::NeedData));
    connection.set_limits(small);
    connection.receive(&request.as_bytes()[7..]);
    take_all(&mut connection);
    answer(&mut connection, 200, KNOWN_0, "");
    assert!(connection.next_cycle());
    connection.receive(request.as_bytes());
    assert_eq!(connection.next_event().unwrap_err().status(), 414);
    let mut idle = Connection::new(Limits::default());
    idle.set_limits(small);
    idle.receive(request.as_bytes());
    assert_eq!(idle.next_event().unwrap_err().status(), 414);
}

#[test]
fn a_limit_of_nothing_refuses_requests_and_not_connections() {
    let limits = Limits {
        head_bytes_max: 0,
        ..Limits::default()
    };
    let mut connection = Connection::new(limits);
    assert_eq!(connection.next_event(), Ok(Event::NeedData));
    connection.receive(b"G");
    assert_eq!(connection.next_event().unwrap_err().status(), 431);
}

#[test]
fn input_holds_only_what_is_not_parsed() {
    let mut connection = received(&(get("") + "rest"));
    assert_eq!(connection.input().as_slice(), b"rest");
    answer(&mut connection, 200, KNOWN_0, "");
    assert!(connection.next_cycle());
    connection.release_buffers();
    assert_eq!(connection.input().as_slice(), b"rest");
}

#[test]
fn input_is_empty_once_nothing_more_is_read() {
    let mut refused = received("\x16\x03\x01more");
    assert_eq!(refused.input().as_slice(), b"");
    let mut closed = received(&(get("connection: close\r\n") + "more"));
    assert_eq!(closed.input().as_slice(), b"more");
    answer(&mut closed, 200, KNOWN_0, "");
    assert_eq!(closed.input().as_slice(), b"");
}

#[test]
fn idle_buffers_can_be_given_back() {
    let mut connection = received(&get(&format!("x: {}\r\n", "y".repeat(10_000))));
    answer(&mut connection, 200, KNOWN_0, "");
    assert!(connection.next_cycle());
    connection.release_buffers();
    assert_eq!(connection.input().capacity(), 0);
    connection.receive(get("").as_bytes());
    assert!(matches!(connection.next_event(), Ok(Event::Head(_))));
}

fn next_head(connection: &mut Connection) -> Box<RequestHead> {
    match connection.next_event() {
        Ok(Event::Head(head)) => head,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_recycled_head_leaves_no_trace_in_the_next() {
    let first = "GET http://b/c?d HTTP/1.0\r\nhost: a\r\nx: y\r\nconnection: keep-alive\r\n\r\n";
    let mut connection = Connection::new(Limits::default());
    connection.receive(first.as_bytes());
    let head = next_head(&mut connection);
    answer(&mut connection, 200, KNOWN_0, "");
    connection.recycle(head);
    assert!(connection.next_cycle());
    connection.receive(get("").as_bytes());
    let recycled = next_head(&mut connection);
    let mut other = Connection::new(Limits::default());
    other.receive(get("").as_bytes());
    assert_eq!(recycled, next_head(&mut other));
    assert_eq!(recycled.head_bytes(), get("").len());
}

#[test]
fn a_head_recycled_while_the_next_is_read_does_no_harm() {
    let mut connection = Connection::new(Limits::default());
    connection.receive((get("x: y\r\n") + "GET /half").as_bytes());
    let head = next_head(&mut connection);
    answer(&mut connection, 200, KNOWN_0, "");
    assert!(connection.next_cycle());
    assert_eq!(connection.next_event(), Ok(Event::NeedData));
    connection.recycle(head);
    connection.receive(b"way HTTP/1.1\r\nhost: a\r\n\r\n");
    let next = next_head(&mut connection);
    assert_eq!(
        (next.method(), next.path(), next.fields().len()),
        ("GET", "/halfway", 1)
    );
}

#[test]
fn a_body_of_known_length_can_be_read_elsewhere() {
    let mut connection = Connection::new(Limits::default());
    connection.receive(post("content-length: 10\r\n", "abc").as_bytes());
    assert_eq!(connection.plain_bytes(), 0, "its head was not taken");
    assert!(matches!(connection.next_event(), Ok(Event::Head(_))));
    assert_eq!(connection.plain_bytes(), 0, "some of it is here");
    assert_eq!(connection.next_event(), Ok(Event::Data(b"abc")));
    assert_eq!(connection.plain_bytes(), 7);
    connection.body_read(4);
    assert_eq!(connection.plain_bytes(), 3);
    connection.receive(b"h");
    assert_eq!(connection.next_event(), Ok(Event::Data(b"h")));
    // More than there is to come is no part of the body.
    connection.body_read(u64::MAX);
    assert!(matches!(connection.next_event(), Ok(Event::End(_))));
    assert_eq!(connection.plain_bytes(), 0);
    answer(&mut connection, 200, KNOWN_0, "");
    assert!(connection.next_cycle());
}

#[test]
fn a_chunked_body_has_to_be_looked_at() {
    let mut connection = received(&post("transfer-encoding: chunked\r\n", "5\r\nab"));
    assert_eq!(connection.plain_bytes(), 0);
    connection.body_read(3);
    connection.receive(b"cde\r\n");
    assert_eq!(connection.next_event(), Ok(Event::Data(b"cde")));
}

#[test]
fn a_connection_that_was_reset_is_like_a_new_one() {
    let half_way = |request: &str| {
        let mut connection = received(request);
        connection.close_after_response();
        connection
    };
    let with_body = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab";
    for mut used in [
        half_way(&(get("x: y\r\n") + "\r\nGET /half")),
        half_way(with_body),
        half_way("\x16\x03\x01more"),
        half_way("\r\n\r\nPUT"),
    ] {
        used.receive_eof();
        assert!(!used.is_untouched());
        used.reset(Limits::default());
        assert!(used.is_untouched() && used.input().is_empty());
        assert_eq!(used.next_event(), Ok(Event::NeedData));
        used.receive(get("").as_bytes());
        let head = next_head(&mut used);
        assert_eq!((head.method(), head.fields().len()), ("GET", 1));
        assert!(answer(&mut used, 200, KNOWN_0, "").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(used.next_cycle() && used.is_untouched());
    }
}

#[test]
fn what_was_received_of_the_next_request_shows() {
    for next in ["\r", "\r\n", "G", "GET / HTTP/1.1\r\n"] {
        let mut connection = received(&(get("") + next));
        answer(&mut connection, 200, KNOWN_0, "");
        assert!(connection.next_cycle());
        assert!(
            connection.has_more() && !connection.is_untouched(),
            "{next:?}"
        );
        assert_eq!(connection.next_event(), Ok(Event::NeedData));
        assert!(!connection.is_untouched(), "{next:?}");
    }
}
