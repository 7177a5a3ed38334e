//! Request lines: empty lines before, method, version, line end (RFC 9112 2.2, 2.3 and 3).

use crate::case::{Case, accept, refuse};

pub(crate) fn cases() -> Vec<Case> {
    [
        accepted(),
        refused_methods(),
        refused_lines(),
        refused_versions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn line(line: &str) -> String {
    format!("{line}\r\nhost: a\r\n\r\n")
}

fn accepted() -> Vec<Case> {
    let all_tchars = "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1";
    vec![
        accept(
            "get",
            line("GET / HTTP/1.1"),
            &["GET Origin", "path=/ ", " 1.1 bodiless keep"],
        ),
        accept("method head", line("HEAD / HTTP/1.1"), &["HEAD Origin"]),
        accept(
            "method is case-sensitive",
            line("get / HTTP/1.1"),
            &["get Origin"],
        ),
        accept(
            "method of any tchar",
            line(all_tchars),
            &["!#$%&'*+-.^_`|~09azAZ Origin"],
        ),
        accept("method of one byte", line("X / HTTP/1.1"), &["X Origin"]),
        accept(
            "method extension",
            line("VERSION-CONTROL / HTTP/1.1"),
            &["VERSION-CONTROL "],
        ),
        accept(
            "method of 64 bytes",
            line(&format!("{} / HTTP/1.1", "M".repeat(64))),
            &["MMMM "],
        ),
        accept(
            "version 1.0",
            line("GET / HTTP/1.0"),
            &[" 1.0 bodiless close"],
        ),
        accept(
            "version 1.0 without fields",
            "GET / HTTP/1.0\r\n\r\n",
            &["authority=- path=/", "1.0"],
        ),
        accept(
            "version 1.2 reads as 1.1",
            line("GET / HTTP/1.2"),
            &[" 1.1 "],
        ),
        accept(
            "version 1.9 reads as 1.1",
            line("GET / HTTP/1.9"),
            &[" 1.1 "],
        ),
        accept(
            "one empty line before",
            line("\r\nGET / HTTP/1.1"),
            &["GET Origin"],
        ),
        accept(
            "eight empty lines before",
            line(&format!("{}GET / HTTP/1.1", "\r\n".repeat(8))),
            &["GET Origin"],
        ),
    ]
}

fn refused_methods() -> Vec<Case> {
    let bad = "cannot be part of a method";
    vec![
        refuse("method empty", " ", 400, bad),
        refuse("method with slash", "GE/", 400, bad),
        refuse("method with colon", "GET:", 400, bad),
        refuse("method quoted", "\"", 400, bad),
        refuse("method with tab", "GET\t", 400, bad),
        refuse("method with nul", "G\0", 400, "byte 0x00 at offset 1"),
        refuse("method past ascii", b"GET\xc3", 400, bad),
        refuse("method with cr", "GET\r", 400, bad),
        refuse("method with lf", "GET\n", 400, bad),
        refuse("method with delete", "GET\x7f", 400, bad),
        refuse(
            "method of 65 bytes",
            "M".repeat(65),
            501,
            "longer than 64 bytes",
        ),
        refuse("tls client hello", b"\x16", 400, "byte 0x16 at offset 0"),
        refuse("socks 5 greeting", b"\x05", 400, "byte 0x05 at offset 0"),
        refuse("brace, as of json", "{", 400, bad),
        refuse("response instead of request", "HTTP/", 400, bad),
        refuse("bare lf before", "\n", 400, "byte 0x0a"),
        refuse("bare cr before", "\rG", 400, "line end CR LF"),
        refuse("cr cr lf before", "\r\r", 400, "line end CR LF"),
        refuse(
            "nine empty lines before",
            "\r\n".repeat(9),
            400,
            "more than 8 empty lines",
        ),
        refuse("white space before", "\r\n ", 400, bad),
    ]
}

fn refused_lines() -> Vec<Case> {
    let bad = "cannot be part of a target";
    vec![
        refuse("two spaces after method", "GET  ", 400, bad),
        refuse("tab after space", "GET \t", 400, bad),
        refuse("no target", "GET \r", 400, bad),
        refuse("http 0.9 with cr", "GET /\r", 400, bad),
        refuse("http 0.9 with lf", "GET /\n", 400, bad),
        refuse("tab after target", "GET /\t", 400, bad),
        refuse("space in target", "GET /a b", 400, "is not an HTTP version"),
        refuse(
            "two spaces after target",
            "GET /  ",
            400,
            "is not an HTTP version",
        ),
        refuse(
            "bare lf after version",
            "GET / HTTP/1.1\n",
            400,
            "is not an HTTP version",
        ),
        refuse(
            "bare cr after version",
            "GET / HTTP/1.1\rh",
            400,
            "request line: byte 0x68",
        ),
        refuse(
            "cr cr lf after version",
            "GET / HTTP/1.1\r\r",
            400,
            "request line: byte 0x0d",
        ),
        refuse(
            "space after version",
            "GET / HTTP/1.1 ",
            400,
            "is not an HTTP version",
        ),
        refuse("junk after version", "GET / HTTP/1.1x", 400, "`HTTP/1.1x`"),
    ]
}

fn refused_versions() -> Vec<Case> {
    let bad = "is not an HTTP version";
    vec![
        refuse("version lower case", "GET / h", 400, bad),
        refuse(
            "version of another protocol",
            "OPTIONS rtsp://a/ R",
            400,
            bad,
        ),
        refuse("version partly lower case", "GET / HTTp", 400, bad),
        refuse("version without slash", "GET / HTTP ", 400, bad),
        refuse("version with minus", "GET / HTTP/-", 400, bad),
        refuse("version without minor", "GET / HTTP/1\r", 400, bad),
        refuse("version with comma", "GET / HTTP/1,", 400, bad),
        refuse("version with empty minor", "GET / HTTP/1.\r", 400, bad),
        refuse("version with letter", "GET / HTTP/1.x", 400, bad),
        refuse("version with two minor digits", "GET / HTTP/1.10", 400, bad),
        refuse("version with two major digits", "GET / HTTP/11", 400, bad),
        refuse("version with leading zero", "GET / HTTP/01", 400, bad),
        refuse(
            "version 0.9",
            "GET / HTTP/0.9",
            505,
            "HTTP/0.9 is not supported",
        ),
        refuse(
            "version 2.0",
            "GET / HTTP/2.0",
            505,
            "HTTP/2.0 is not supported",
        ),
        refuse("version 3.1", "GET / HTTP/3.1", 505, "HTTP/3.1"),
        refuse("version 9.9", "GET / HTTP/9.9", 505, "HTTP/9.9"),
        refuse(
            "preface of http 2",
            "PRI * HTTP/2.0",
            505,
            "HTTP/2.0 is not supported",
        ),
    ]
}
