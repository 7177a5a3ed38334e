//! Tests of [`Response`]: what the builders make and what they refuse.

use super::*;
use crate::testing::capture_log;

/// A refused response is a bare 500, stays one, and the log says why.
fn assert_refused(build: impl FnOnce() -> Response, why: &str) {
    let (response, lines) = capture_log(build);
    let later = response
        .with_status(200)
        .with_field("x-later", "x")
        .with_body("later");
    assert_eq!(
        later,
        Response {
            refused: true,
            ..Response::internal_error()
        }
    );
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].level, log::Level::Error);
    assert!(lines[0].message.contains(why), "{lines:?}");
}

#[test]
fn the_builders_say_what_the_body_is() {
    let type_of = |response: Response| {
        String::from_utf8(response.field("Content-Type").unwrap().to_vec()).unwrap()
    };
    assert_eq!(type_of(Response::text("x")), "text/plain; charset=utf-8");
    assert_eq!(type_of(Response::html("x")), "text/html; charset=utf-8");
    assert_eq!(type_of(Response::bytes("x")), "application/octet-stream");
    assert_eq!(Response::status(204).fields().count(), 0);
}

#[test]
fn with_field_replaces_and_with_added_field_keeps() {
    let response = Response::text("x")
        .with_field("Content-Type", "text/css")
        .with_added_field("set-cookie", "a=1")
        .with_added_field("Set-Cookie", "b=2");
    let fields: Vec<_> = response.fields().collect();
    let expected: [(&str, &[u8]); 3] = [
        ("Content-Type", b"text/css"),
        ("set-cookie", b"a=1"),
        ("Set-Cookie", b"b=2"),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn a_redirect_encodes_text_and_refuses_line_breaks() {
    let response = Response::redirect("/grüße?a=1");
    assert_eq!(response.status_code(), 302);
    assert_eq!(
        response.field("location"),
        Some(&b"/gr%C3%BC%C3%9Fe?a=1"[..])
    );
    assert_refused(
        || Response::redirect("/\r\nset-cookie: a=1"),
        "control character",
    );
    assert_refused(|| Response::redirect("/\n"), "control character");
}

#[test]
fn what_http_cannot_carry_is_refused() {
    assert_refused(|| Response::text("x").with_field("a b", "x"), "not a token");
    assert_refused(
        || Response::text("x").with_field("x", "a\r\nb: c"),
        "control character",
    );
    assert_refused(
        || Response::new().with_field("Connection", "close"),
        "the host's to send",
    );
    assert_refused(|| Response::status(199), "status 199");
    assert_refused(|| Response::status(600), "status 600");
}

#[cfg(feature = "json")]
#[test]
fn json_is_written_or_refused() {
    let response = Response::json(&["a", "\"b\""]);
    assert_eq!(response.body_str(), Some(r#"["a","\"b\""]"#));
    assert_eq!(
        response.field("content-type"),
        Some(&b"application/json"[..])
    );
    let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert_refused(|| Response::json(&no_json), "JSON");
}
