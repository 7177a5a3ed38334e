//! Tests of the whole handler, on a directory made for each.

use super::*;
use httpd_guest::testing::{call, grant_dir};

const TEXT: &str = "0123456789";

/// The directory is gone when what is returned is dropped.
fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(site.path().join(name), text).unwrap();
    std::fs::create_dir(site.path().join("docs")).unwrap();
    write("digits.txt", TEXT);
    write("empty", "");
    write("index.html", "<h1>site</h1>");
    write("docs/index.html", "<h1>docs</h1>");
    write("app.js", "plain");
    write("app.js.gz", "gzipped");
    write("app.js.br", "brotli");
    grant_dir("/site", site.path());
    site
}

fn field<'a>(response: &'a Response, name: &str) -> &'a str {
    std::str::from_utf8(response.field(name).unwrap_or_default()).unwrap()
}

#[test]
fn files_and_indexes_are_sent_with_their_types() {
    let _site = site();
    for (path, body, content_type) in [
        ("/digits.txt", TEXT, "text/plain; charset=utf-8"),
        ("/", "<h1>site</h1>", "text/html; charset=utf-8"),
        ("/docs/", "<h1>docs</h1>", "text/html; charset=utf-8"),
        ("/empty", "", "application/octet-stream"),
    ] {
        let response = call(handle, Request::get(path));
        assert_eq!(response.status_code(), 200, "{path}");
        assert_eq!(response.body_str(), Some(body), "{path}");
        assert_eq!(field(&response, "content-type"), content_type, "{path}");
    }
    let captured = Request::get("/static/digits.txt").with_capture("rest", "digits.txt");
    assert_eq!(call(handle, captured).body_str(), Some(TEXT));
}

#[test]
fn a_folder_without_its_slash_is_elsewhere() {
    let _site = site();
    let response = call(handle, Request::get("/docs"));
    assert_eq!(response.status_code(), 301);
    assert_eq!(field(&response, "location"), "/docs/");
}

#[test]
fn what_is_not_there_or_outside_is_not_found() {
    let _site = site();
    for path in [
        "/none",
        "/digits.txt/",
        "/../digits.txt",
        "/%2e%2e/x",
        "/.x",
        "//digits.txt",
    ] {
        assert_eq!(
            call(handle, Request::get(path)).status_code(),
            404,
            "{path}"
        );
    }
    let response = call(handle, Request::post("/digits.txt"));
    assert_eq!(response.status_code(), 405);
    assert_eq!(field(&response, "allow"), "GET, HEAD");
}

#[test]
fn head_has_the_length_and_no_body() {
    let _site = site();
    let response = call(handle, Request::new("HEAD", "/digits.txt"));
    assert_eq!(field(&response, "content-length"), "10");
    assert!(response.body().is_empty());
}

#[test]
fn a_known_version_is_not_sent_again() {
    let _site = site();
    let etag = field(&call(handle, Request::get("/digits.txt")), "etag").to_owned();
    let again = Request::get("/digits.txt").with_field("if-none-match", &etag);
    let response = call(handle, again);
    assert_eq!(response.status_code(), 304);
    assert_eq!(field(&response, "etag"), etag);
    assert!(response.body().is_empty());
    let other = Request::get("/digits.txt").with_field("if-match", "\"other\"");
    assert_eq!(call(handle, other).status_code(), 412);
}

#[test]
fn one_range_is_sent_alone() {
    let _site = site();
    let request = Request::get("/digits.txt").with_field("range", "bytes=2-5");
    let response = call(handle, request);
    assert_eq!(response.status_code(), 206);
    assert_eq!(field(&response, "content-range"), "bytes 2-5/10");
    assert_eq!(response.body_str(), Some("2345"));
    let beyond = Request::get("/digits.txt").with_field("range", "bytes=10-");
    let response = call(handle, beyond);
    assert_eq!(response.status_code(), 416);
    assert_eq!(field(&response, "content-range"), "bytes */10");
}

#[test]
fn several_ranges_are_sent_in_parts_of_the_length_announced() {
    let _site = site();
    let request = || Request::get("/digits.txt").with_field("range", "bytes=0-1,-2");
    let response = call(handle, request());
    assert_eq!(response.status_code(), 206);
    let content_type = field(&response, "content-type").to_owned();
    assert_eq!(
        content_type,
        format!("multipart/byteranges; boundary={BOUNDARY}")
    );
    let part = |range: &str, text: &str| {
        format!(
            "--{BOUNDARY}\r\ncontent-type: text/plain; charset=utf-8\r\n\
             content-range: bytes {range}/10\r\n\r\n{text}\r\n"
        )
    };
    let expected = part("0-1", "01") + &part("8-9", "89") + &format!("--{BOUNDARY}--\r\n");
    assert_eq!(response.body_str(), Some(&*expected));
    let streamed = httpd_guest::testing::block_on(handle(request().into())).unwrap();
    assert_eq!(streamed.into_body().length(), Some(expected.len() as u64));
}

#[test]
fn compressed_versions_go_to_those_who_take_them() {
    let _site = site();
    for (accepted, body, coding) in [
        ("gzip, br", "brotli", "br"),
        ("gzip", "gzipped", "gzip"),
        ("br;q=0", "plain", ""),
    ] {
        let request = Request::get("/app.js").with_field("accept-encoding", accepted);
        let response = call(handle, request);
        assert_eq!(response.body_str(), Some(body), "{accepted}");
        assert_eq!(field(&response, "content-encoding"), coding);
        assert_eq!(field(&response, "vary"), "accept-encoding");
        assert!(field(&response, "content-type").starts_with("text/javascript"));
    }
}

#[test]
fn without_a_directory_it_is_the_operators_fault() {
    assert_eq!(call(handle, Request::get("/")).status_code(), 500);
}
