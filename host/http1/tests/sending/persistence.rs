//! Whether the connection is kept: what the head says about it, and what the cycle then is.

use crate::{KNOWN_0, answer, get, head, post, received, take_all};
use httpd_http1::{Connection, Cycle, Event, Limits, RequestError};

/// What a 200 without content says about the connection, and the cycle after it.
fn outcome(connection: &mut Connection) -> (&'static str, Cycle) {
    let sent = answer(connection, 200, KNOWN_0, "");
    let says = match sent
        .strip_prefix("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")
        .unwrap()
    {
        "\r\n" => "",
        "Connection: close\r\n\r\n" => "close",
        "Connection: keep-alive\r\n\r\n" => "keep-alive",
        other => panic!("{other}"),
    };
    (says, connection.cycle())
}

const KEPT: (&str, Cycle) = ("", Cycle::Ready);
const CLOSED: (&str, Cycle) = ("close", Cycle::MustClose);
const DRAINING: (&str, Cycle) = ("", Cycle::Draining);

#[test]
fn the_client_decides_first() {
    assert_eq!(outcome(&mut received(&get(""))), KEPT);
    assert_eq!(
        outcome(&mut received(&get("connection: close\r\n"))),
        CLOSED
    );
    assert_eq!(outcome(&mut received("GET / HTTP/1.0\r\n\r\n")), CLOSED);
    let mut old = received("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    assert_eq!(outcome(&mut old), ("keep-alive", Cycle::Ready));
}

#[test]
fn the_driver_may_wish_to_close() {
    let mut connection = received(&get(""));
    connection.close_after_response();
    assert_eq!(outcome(&mut connection), CLOSED);
}

#[test]
fn a_late_wish_to_close_is_obeyed_too() {
    let mut connection = received(&get(""));
    connection
        .send_head(&head(200, KNOWN_0), [], &mut Vec::new())
        .unwrap();
    connection.close_after_response();
    connection.send_end([], &mut Vec::new()).unwrap();
    assert_eq!(connection.cycle(), Cycle::MustClose);
    assert_eq!(connection.next_event(), Ok(Event::Closed));
}

#[test]
fn a_complete_body_keeps_the_connection() {
    assert_eq!(
        outcome(&mut received(&post("content-length: 2\r\n", "ab"))),
        KEPT
    );
    let chunked = post("transfer-encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n");
    assert_eq!(outcome(&mut received(&chunked)), KEPT);
    let waited = post("content-length: 2\r\nexpect: 100-continue\r\n", "ab");
    assert_eq!(outcome(&mut received(&waited)), KEPT);
}

#[test]
fn an_answer_before_the_end_was_taken_keeps_the_connection() {
    let mut connection = Connection::new(Limits::default());
    connection.receive(get("").as_bytes());
    assert!(matches!(connection.next_event(), Ok(Event::Head(_))));
    assert_eq!(outcome(&mut connection), KEPT);
    assert!(connection.next_cycle());
    assert_eq!(connection.next_event(), Ok(Event::NeedData));
}

#[test]
fn a_small_rest_of_a_body_is_drained_and_a_large_one_is_not() {
    let at_limit = post("content-length: 65537\r\n", "a");
    assert_eq!(outcome(&mut received(&at_limit)), DRAINING);
    let past_limit = post("content-length: 65537\r\n", "");
    assert_eq!(outcome(&mut received(&past_limit)), CLOSED);
    let limits = Limits {
        drain_bytes_max: 0,
        ..Limits::default()
    };
    let mut connection = Connection::new(limits);
    connection.receive(post("content-length: 1\r\n", "").as_bytes());
    take_all(&mut connection);
    assert_eq!(outcome(&mut connection), CLOSED);
}

#[test]
fn drained_data_still_comes_out_and_then_the_next_request() {
    let mut connection = received(&post("content-length: 4\r\n", "a"));
    assert_eq!(outcome(&mut connection), DRAINING);
    assert!(!connection.next_cycle());
    connection.receive(b"bc");
    assert_eq!(connection.next_event(), Ok(Event::Data(b"bc")));
    assert_eq!(connection.next_event(), Ok(Event::NeedData));
    assert_eq!(connection.cycle(), Cycle::Draining);
    connection.receive(&[b"d", get("").as_bytes()].concat());
    assert_eq!(connection.next_event(), Ok(Event::Data(b"d")));
    assert!(matches!(connection.next_event(), Ok(Event::End(_))));
    assert_eq!(connection.next_event(), Ok(Event::Paused));
    assert_eq!(connection.cycle(), Cycle::Ready);
    assert!(connection.next_cycle());
    assert!(matches!(connection.next_event(), Ok(Event::Head(_))));
}

#[test]
fn an_unfinished_chunked_body_costs_the_connection() {
    let mut connection = received(&post("transfer-encoding: chunked\r\n", "1\r\na\r\n"));
    assert_eq!(outcome(&mut connection), CLOSED);
    connection.receive(b"1\r\nb\r\n0\r\n\r\n");
    assert_eq!(connection.next_event(), Ok(Event::Data(b"b")));
    assert!(matches!(connection.next_event(), Ok(Event::End(_))));
    assert_eq!(connection.next_event(), Ok(Event::Closed));
    assert_eq!(connection.cycle(), Cycle::MustClose);
}

#[test]
fn a_body_that_is_read_on_costs_nothing() {
    for (fields, body, rest) in [
        ("transfer-encoding: chunked\r\n", "1\r\na\r\n", "0\r\n\r\n"),
        ("content-length: 3\r\n", "a", "bc"),
    ] {
        let limits = Limits {
            drain_bytes_max: 0,
            ..Limits::default()
        };
        let mut connection = Connection::new(limits);
        connection.receive(post(fields, body).as_bytes());
        take_all(&mut connection);
        connection.want_body();
        assert_eq!(outcome(&mut connection), DRAINING);
        connection.receive(rest.as_bytes());
        take_all(&mut connection);
        connection.give_up_body();
        assert_eq!(connection.cycle(), Cycle::Ready);
        assert!(connection.next_cycle());
        // The wish was for that body only.
        connection.receive(post(fields, body).as_bytes());
        take_all(&mut connection);
        assert_eq!(outcome(&mut connection), CLOSED);
    }
}

#[test]
fn a_body_given_up_counts_again() {
    let wanted = |fields: &str| {
        let mut connection = received(&post(fields, ""));
        connection.want_body();
        connection
    };
    let mut before = wanted("transfer-encoding: chunked\r\n");
    before.give_up_body();
    assert_eq!(outcome(&mut before), CLOSED);
    for (fields, cycle) in [
        ("transfer-encoding: chunked\r\n", Cycle::MustClose),
        ("content-length: 65537\r\n", Cycle::MustClose),
        ("content-length: 65536\r\n", Cycle::Draining),
    ] {
        let mut after = wanted(fields);
        assert_eq!(outcome(&mut after), DRAINING, "{fields}");
        after.give_up_body();
        assert_eq!(after.cycle(), cycle, "{fields}");
    }
}

#[test]
fn a_wanted_body_that_waits_for_100_costs_the_connection() {
    let waits = post("content-length: 2\r\nexpect: 100-continue\r\n", "");
    let mut connection = received(&waits);
    connection.want_body();
    assert_eq!(outcome(&mut connection), CLOSED);
}

#[test]
fn a_client_that_still_waits_for_100_costs_the_connection() {
    let waits = post("content-length: 2\r\nexpect: 100-continue\r\n", "");
    assert_eq!(outcome(&mut received(&waits)), CLOSED);
    let mut continued = received(&waits);
    continued.send_continue(&mut Vec::new());
    assert_eq!(outcome(&mut continued), DRAINING);
    let mut impatient = received(&waits);
    impatient.receive(b"a");
    assert_eq!(outcome(&mut impatient), DRAINING);
}

#[test]
fn a_half_closed_client_gets_everything_it_asked_for() {
    let mut connection = received(&get(""));
    connection.receive_eof();
    assert_eq!(outcome(&mut connection), CLOSED);
    let mut connection = received(&(get("") + &get("")));
    connection.receive_eof();
    assert_eq!(outcome(&mut connection), KEPT);
    assert!(connection.next_cycle());
    take_all(&mut connection);
    assert_eq!(outcome(&mut connection), CLOSED);
}

#[test]
fn a_body_cut_short_is_an_error_and_costs_the_connection() {
    for body in [
        "content-length: 2\r\n\r\na",
        "transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
    ] {
        let mut connection = received(&format!("POST / HTTP/1.1\r\nhost: a\r\n{body}"));
        connection.receive_eof();
        let error = connection.next_event().map(|_| ()).unwrap_err();
        assert!(matches!(error, RequestError::Truncated { .. }), "{error}");
        assert_eq!(error.status(), 400);
        assert_eq!(outcome(&mut connection), CLOSED);
    }
}

#[test]
fn a_head_cut_short_is_an_error_and_nothing_at_all_is_none() {
    for (input, clean) in [
        ("", true),
        ("\r\n", true),
        ("G", false),
        ("GET / HTTP/1.1\r\n", false),
    ] {
        let mut connection = received(input);
        connection.receive_eof();
        assert_eq!(connection.next_event().is_ok(), clean, "{input:?}");
        assert_eq!(
            connection.next_event() == Ok(Event::Closed),
            clean,
            "{input:?}"
        );
    }
}

#[test]
fn a_refused_request_is_answered_and_costs_the_connection() {
    let mut connection = received("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(connection.next_event().unwrap_err().status(), 400);
    assert_eq!(connection.cycle(), Cycle::Open);
    assert_eq!(outcome(&mut connection), CLOSED);
    assert_eq!(connection.next_event().unwrap_err().status(), 400);
}

#[test]
fn a_body_refused_after_a_kept_head_costs_the_connection() {
    let mut connection = received(&post("content-length: 2\r\n", "a"));
    assert_eq!(outcome(&mut connection), DRAINING);
    connection.receive_eof();
    assert!(connection.next_event().is_err());
    assert_eq!(connection.cycle(), Cycle::MustClose);
}

#[test]
fn an_answer_to_nothing_ends_the_connection() {
    for input in ["", "\r\n", "GE", "GET / HTTP/1.1\r\nhost: "] {
        let mut connection = received(input);
        assert_eq!(outcome(&mut connection), CLOSED, "{input:?}");
        connection.receive(get("").as_bytes());
        assert_eq!(connection.next_event(), Ok(Event::Closed));
    }
}
