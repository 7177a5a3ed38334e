//! Expect, Connection, and several requests on one connection (RFC 9110 10.1.1, RFC 9112 9.3).

use crate::case::{Case, accept, chunked, get, post, refuse};

pub(crate) fn cases() -> Vec<Case> {
    [
        accepted_expect(),
        refused_expect(),
        options(),
        old_options(),
        pipelined(),
        pipelined_bodies(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn accepted_expect() -> Vec<Case> {
    let length = "content-length: 1\r\n";
    let expect = |value: &str| post(&format!("{length}expect: {value}\r\n"), "");
    vec![
        accept(
            "expect",
            expect("100-continue") + "a",
            &["length=1 keep expects", "`a`"],
        ),
        accept(
            "expect in any case",
            expect("100-CONTINUE") + "a",
            &["keep expects"],
        ),
        accept(
            "expect twice in a list",
            expect("100-continue, 100-Continue") + "a",
            &["expects"],
        ),
        accept(
            "expect with empty members",
            expect(",100-continue,,") + "a",
            &["keep expects"],
        ),
        accept("expect empty", expect("") + "a", &["length=1 keep [host"]),
        accept(
            "expect without body",
            get("expect: 100-continue\r\n"),
            &["bodiless keep [host"],
        ),
        accept(
            "expect with length 0",
            post("content-length: 0\r\nexpect: 100-continue\r\n", ""),
            &["length=0 keep [host"],
        ),
        accept(
            "expect with chunked",
            post(
                "transfer-encoding: chunked\r\nexpect: 100-continue\r\n",
                "0\r\n\r\n",
            ),
            &["chunked keep expects"],
        ),
        accept(
            "expect in http 1.0",
            "POST / HTTP/1.0\r\ncontent-length: 1\r\nexpect: 100-continue\r\n\r\na",
            &["1.0 length=1 close [content"],
        ),
        accept(
            "unknown expectation in http 1.0",
            "GET / HTTP/1.0\r\nexpect: x\r\n\r\n",
            &["1.0"],
        ),
    ]
}

fn refused_expect() -> Vec<Case> {
    let unknown = "is not supported, `100-continue` is";
    let length = "content-length: 1\r\n";
    let expect = |value: &str| post(&format!("{length}expect: {value}\r\n"), "");
    vec![
        refuse(
            "expect unknown",
            expect("200-ok"),
            417,
            "field 3 `expect`: expectation `200-ok`",
        ),
        refuse(
            "expect unknown in a list",
            expect("100-continue, x"),
            417,
            unknown,
        ),
        refuse(
            "expect with parameter",
            expect("100-continue;a=b"),
            417,
            unknown,
        ),
        refuse(
            "expect unknown for get",
            get("expect: a=b\r\n"),
            417,
            unknown,
        ),
        refuse(
            "expect twice, one unknown",
            get("expect: 100-continue\r\nexpect: x\r\n"),
            417,
            unknown,
        ),
    ]
}

fn options() -> Vec<Case> {
    vec![
        accept(
            "close",
            get("connection: close\r\n"),
            &[" close [host", "closed\n"],
        ),
        accept(
            "close in any case",
            get("Connection: ClOsE\r\n"),
            &[" close [host", "closed\n"],
        ),
        accept(
            "close in a list",
            get("connection: x, close ,y\r\n"),
            &[" close [host", "closed\n"],
        ),
        accept(
            "close in a second line",
            get("connection: x\r\nconnection: close\r\n"),
            &["closed\n"],
        ),
        accept(
            "close and keep-alive",
            get("connection: keep-alive, close\r\n"),
            &["closed\n"],
        ),
        accept(
            "close among junk",
            get("connection: @@, \"close\", close\r\n"),
            &["closed\n"],
        ),
        accept(
            "not close but like it",
            get("connection: closed, xclose\r\n"),
            &["kept\n"],
        ),
        accept(
            "keep-alive",
            get("connection: keep-alive\r\n"),
            &[" keep [host", "kept\n"],
        ),
        accept(
            "option unknown",
            get("connection: upgrade\r\nupgrade: h2c\r\n"),
            &["kept\n"],
        ),
        accept("options empty", get("connection:\r\n"), &["kept\n"]),
    ]
}

fn old_options() -> Vec<Case> {
    let old = |fields: &str| format!("GET / HTTP/1.0\r\n{fields}\r\n");
    vec![
        accept("1.0", old("x: y\r\n"), &["1.0 bodiless close", "closed\n"]),
        accept(
            "1.0 keep-alive",
            old("connection: keep-alive\r\n"),
            &["1.0 bodiless keep", "kept\n"],
        ),
        accept(
            "1.0 keep-alive in any case",
            old("connection: Keep-Alive\r\n"),
            &["kept\n"],
        ),
        accept(
            "1.0 keep-alive in a list",
            old("connection: te, keep-alive\r\n"),
            &["kept\n"],
        ),
        accept(
            "1.0 keep-alive and close",
            old("connection: keep-alive, close\r\n"),
            &["closed\n"],
        ),
        accept(
            "1.0 close, then keep-alive",
            old("connection: close\r\nconnection: keep-alive\r\n"),
            &["closed\n"],
        ),
        accept(
            "1.0 with keep-alive field only",
            old("keep-alive: timeout=5\r\n"),
            &["closed\n"],
        ),
    ]
}

fn pipelined() -> Vec<Case> {
    let head = |path: &str, fields: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
    vec![
        accept(
            "two requests",
            head("/1", "") + &head("/2", ""),
            &["path=/1 ", "kept", "path=/2 "],
        ),
        accept(
            "three requests",
            head("/1", "") + &head("/2", "") + &head("/3", ""),
            &["path=/1 ", "path=/2 ", "path=/3 ", "kept\n"],
        ),
        accept(
            "body, then request",
            post("content-length: 2\r\n", "ab") + &head("/2", ""),
            &["body `ab` kept\n", "path=/2 "],
        ),
    ]
}

fn pipelined_bodies() -> Vec<Case> {
    let head = |path: &str, fields: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
    vec![
        accept(
            "chunks, then request",
            post(
                "transfer-encoding: chunked\r\n",
                "1\r\na\r\n0\r\nx: y\r\n\r\n",
            ) + &head("/2", ""),
            &["body `a` [x: y] kept\n", "path=/2 "],
        ),
        accept(
            "empty line between",
            post("content-length: 1\r\n", "a\r\n") + &head("/2", ""),
            &["body `a` kept\n", "path=/2 "],
        ),
        accept(
            "1.0 between 1.1",
            format!(
                "{}GET /2 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n{}",
                head("/1", ""),
                head("/3", ""),
            ),
            &["path=/1 ", "path=/2 ", " 1.0 ", "path=/3 ", " 1.1 "],
        ),
        accept(
            "head, then get",
            format!("HEAD{}GET{}", &head("/1", "")[3..], &head("/2", "")[3..]),
            &["HEAD Origin", "GET Origin"],
        ),
        accept(
            "chunks, then chunks",
            chunked("1;a=b\r\na\r\n0\r\nx: y\r\n\r\n") + &chunked("2\r\nbc\r\n0\r\nz:\r\n\r\n"),
            &["body `a` [x: y] kept\n", "body `bc` [z: ] kept\n"],
        ),
        accept(
            "each body has its own extensions",
            chunked("1;a=b\r\na\r\n0\r\n\r\n") + &chunked("1;c=d\r\nb\r\n0\r\n\r\n"),
            &["body `a` kept\n", "body `b` kept\n"],
        )
        .limits(httpd_http1::Limits {
            chunk_extension_bytes_max: 4,
            ..httpd_http1::Limits::default()
        }),
        refuse(
            "second request invalid",
            head("/1", "") + "\x16",
            400,
            "byte 0x16 at offset 0",
        ),
        refuse(
            "more than the length",
            post("content-length: 1\r\n", "ab:"),
            400,
            "method",
        ),
        refuse(
            "second without host",
            head("/1", "") + "GET / HTTP/1.1\r\n\r\n",
            400,
            "`host`",
        ),
    ]
}
