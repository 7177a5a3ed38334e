//! Tests of [`Request`]: look-ups, and bodies read as what they claim to be.

use super::*;

#[test]
fn a_target_is_split_at_its_first_question_mark() {
    let request = Request::get("/a?b=1?c");
    assert_eq!((request.path(), request.query()), ("/a", Some("b=1?c")));
    assert_eq!(Request::get("/a").query(), None);
    assert_eq!(Request::get("/a?").query(), Some(""));
}

#[test]
fn query_parameters_are_decoded_in_order() {
    let request = Request::get("/?a=1&name=Ada+L%C3%B6ve&a=2&flag&bad=%ff%zz");
    let pairs: Vec<_> = request
        .query_params()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    assert_eq!(
        pairs,
        ["a=1", "name=Ada Löve", "a=2", "flag=", "bad=\u{fffd}%zz"]
    );
    assert_eq!(request.query_param("a").as_deref(), Some("1"));
    assert_eq!(request.query_param("A"), None);
    assert_eq!(Request::get("/").query_params().count(), 0);
}

#[test]
fn fields_are_found_ignoring_case_and_kept_apart() {
    let request = Request::get("/")
        .with_added_field("Accept", "a")
        .with_added_field("x-raw", b"\xff")
        .with_added_field("accept", "b");
    assert_eq!(request.field("ACCEPT"), Some(&b"a"[..]));
    assert_eq!(
        request.field_values("Accept").collect::<Vec<_>>(),
        [b"a", b"b"]
    );
    assert_eq!(request.field("x-raw"), Some(&b"\xff"[..]));
    assert_eq!(request.field_str("x-raw"), None);
    assert_eq!(request.field_str("absent"), None);
    assert_eq!(
        request
            .with_field("ACCEPT", "c")
            .field_values("accept")
            .count(),
        1
    );
}

#[test]
fn captures_are_found_by_name() {
    let request = Request::get("/users/42").with_capture("id", "42");
    assert_eq!(request.capture("id"), Some("42"));
    assert_eq!(request.capture("ID"), None);
}

#[test]
fn a_form_needs_its_content_type() {
    let form = "application/x-www-form-urlencoded";
    let request = Request::post("/").with_body("a=1&b=%26+c");
    assert_eq!(request.form().unwrap_err().status(), 415);
    for content_type in [form, &format!("{}; charset=utf-8", form.to_uppercase())] {
        let pairs = request
            .clone()
            .with_field("content-type", content_type)
            .form()
            .unwrap();
        assert_eq!(
            pairs,
            [("a".into(), "1".into()), ("b".into(), "& c".into())]
        );
    }
    let multipart = request.with_field("content-type", "multipart/form-data; boundary=x");
    assert_eq!(multipart.form().unwrap_err().status(), 415);
}

#[test]
fn a_body_that_is_not_what_it_should_be_is_the_clients_fault() {
    let request = Request::post("/").with_body(b"\xff{");
    assert_eq!(request.body_str().unwrap_err().status(), 400);
    assert_eq!(Request::post("/").with_body("é").body_str().unwrap(), "é");
}

#[cfg(feature = "json")]
#[test]
fn json_errors_say_where() {
    let error = Request::post("/")
        .with_body("{\"a\": }")
        .json::<Vec<u8>>()
        .unwrap_err();
    assert_eq!(error.status(), 400);
    assert!(error.message().contains("line 1 column"), "{error}");
}

#[test]
fn a_url_is_taken_apart() {
    let request = Request::get("HTTPS://example.com:8443?q=a://b#top");
    assert_eq!(request.scheme(), "https");
    assert_eq!(request.authority(), Some("example.com:8443"));
    assert_eq!((request.path(), request.query()), ("/", Some("q=a://b")));
    let request = Request::get("/go?to=http://example.com/");
    assert_eq!(request.authority(), Some("localhost"));
    assert_eq!(request.path(), "/go");
}
