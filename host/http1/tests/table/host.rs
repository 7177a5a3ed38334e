//! Host: required, single, valid (RFC 9112 3.2, RFC 9110 7.2).

use crate::case::{Case, accept, refuse};

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), missing(), refused_hosts(), refused_values()]
        .into_iter()
        .flatten()
        .collect()
}

fn host(value: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: {value}\r\n\r\n")
}

fn accepted() -> Vec<Case> {
    vec![
        accept(
            "host",
            host("example.com"),
            &["authority=example.com path=/ "],
        ),
        accept(
            "host with port",
            host("example.com:8080"),
            &["authority=example.com:8080 "],
        ),
        accept(
            "host with empty port",
            host("example.com:"),
            &["authority=example.com: "],
        ),
        accept("host of ipv4", host("127.0.0.1"), &["authority=127.0.0.1 "]),
        accept("host of ipv6", host("[::1]"), &["authority=[::1] "]),
        accept(
            "host of ipv6 with port",
            host("[2001:db8::a]:1"),
            &["authority=[2001:db8::a]:1 "],
        ),
        accept(
            "host with case",
            host("ExAmple.COM"),
            &["authority=ExAmple.COM "],
        ),
        accept("host with underscore", host("a_b.c"), &["authority=a_b.c "]),
        accept(
            "host with percent",
            host("%C3%A4.b"),
            &["authority=%C3%A4.b "],
        ),
        accept(
            "host among white space",
            "GET / HTTP/1.1\r\nHOST:\t a \t\r\n\r\n",
            &["authority=a path", "[host: a]"],
        ),
        accept(
            "host after other fields",
            "GET / HTTP/1.1\r\nx: y\r\nhost: z\r\n\r\n",
            &["authority=z "],
        ),
        accept(
            "host empty for asterisk",
            "OPTIONS * HTTP/1.1\r\nhost:\r\n\r\n",
            &["authority=- path=* "],
        ),
        accept(
            "host empty in http 1.0",
            "GET / HTTP/1.0\r\nhost:\r\n\r\n",
            &["authority=- "],
        ),
        accept(
            "host in http 1.0",
            "GET / HTTP/1.0\r\nhost: b\r\n\r\n",
            &["authority=b "],
        ),
    ]
}

fn missing() -> Vec<Case> {
    let missing = "requires a `host` field";
    vec![
        refuse("host missing", "GET / HTTP/1.1\r\n\r\n", 400, missing),
        refuse(
            "host missing among others",
            "GET / HTTP/1.1\r\nhosts: a\r\n\r\n",
            400,
            missing,
        ),
        refuse(
            "host missing for uri",
            "GET http://a/ HTTP/1.1\r\n\r\n",
            400,
            missing,
        ),
        refuse(
            "host missing for asterisk",
            "OPTIONS * HTTP/1.1\r\n\r\n",
            400,
            missing,
        ),
        refuse(
            "host missing for 1.2",
            "GET / HTTP/1.2\r\n\r\n",
            400,
            missing,
        ),
    ]
}

fn refused_hosts() -> Vec<Case> {
    let second = "a second `host` field";
    vec![
        refuse(
            "host twice",
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            400,
            second,
        ),
        refuse(
            "host twice the same",
            "GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n",
            400,
            second,
        ),
        refuse(
            "host twice in http 1.0",
            "GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n",
            400,
            second,
        ),
        refuse(
            "host invalid in http 1.0",
            "GET / HTTP/1.0\r\nhost: a/b\r\n\r\n",
            400,
            "`a/b`",
        ),
        refuse(
            "host invalid for uri",
            "GET http://b/ HTTP/1.1\r\nhost: a/b\r\n\r\n",
            400,
            "`a/b`",
        ),
        refuse(
            "host empty",
            "GET / HTTP/1.1\r\nhost:\r\n\r\n",
            400,
            "field 1 `host`: `` is not",
        ),
        refuse(
            "host empty among white space",
            "GET / HTTP/1.1\r\nhost: \t \r\n\r\n",
            400,
            "``",
        ),
    ]
}

fn refused_values() -> Vec<Case> {
    let bad = "is not a host with an optional port";
    vec![
        refuse("host with space", host("a b"), 400, bad),
        refuse("host as a list", host("a, b"), 400, bad),
        refuse("host with path", host("a/"), 400, bad),
        refuse("host with query", host("a?b"), 400, bad),
        refuse("host with fragment", host("a#b"), 400, bad),
        refuse("host with userinfo", host("u@a"), 400, bad),
        refuse("host with scheme", host("http://a"), 400, bad),
        refuse("host of port only", host(":80"), 400, bad),
        refuse("host with bad port", host("a:8x"), 400, bad),
        refuse("host with signed port", host("a:+8"), 400, bad),
        refuse("host with high port", host("a:65536"), 400, bad),
        refuse("host with two ports", host("a:1:2"), 400, bad),
        refuse("host of bare ipv6", host("::1"), 400, bad),
        refuse("host of ipv6 unclosed", host("[::1"), 400, bad),
        refuse("host of ipv6 with junk", host("[::1]a"), 400, bad),
        refuse("host of ipv6 with zone", host("[fe80::1%25en0]"), 400, bad),
        refuse("host of ip future", host("[v1.a]"), 400, bad),
        refuse("host with bad percent", host("a%zz"), 400, bad),
        refuse("host past ascii", host("\u{e4}"), 400, bad),
        refuse("host with quote", host("\"a\""), 400, bad),
        refuse("host with backslash", host("a\\b"), 400, bad),
    ]
}
