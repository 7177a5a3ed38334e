//! Request-targets: forms, what each is split into, and which method may use it (RFC 9112 3.2).

use crate::case::{Case, accept, refuse};

pub(crate) fn cases() -> Vec<Case> {
    [
        origin(),
        absolute(),
        other_forms(),
        refused_bytes(),
        refused_forms(),
        refused_authorities(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn line(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: a\r\n\r\n")
}

/// A request line, which is judged at its line end.
fn only(line: &str) -> String {
    format!("{line} HTTP/1.1\r\n")
}

fn origin() -> Vec<Case> {
    vec![
        accept(
            "path",
            line("GET /a/b.c"),
            &["Origin", "authority=a path=/a/b.c query=- "],
        ),
        accept(
            "path and query",
            line("GET /a?b=c&d"),
            &["path=/a query=b=c&d "],
        ),
        accept("query empty", line("GET /a?"), &["path=/a query= 1.1"]),
        accept(
            "query with question mark",
            line("GET /a?b?c"),
            &["path=/a query=b?c "],
        ),
        accept(
            "query with uri",
            line("GET /?u=http://b/c?d"),
            &["path=/ query=u=http://b/c?d "],
        ),
        accept(
            "path with two slashes",
            line("GET //b/c"),
            &["Origin", "authority=a path=//b/c "],
        ),
        accept(
            "path with dots",
            line("GET /../a/./b"),
            &["path=/../a/./b "],
        ),
        accept(
            "path with percent",
            line("GET /%2e%2E/%00%fF"),
            &["path=/%2e%2E/%00%fF "],
        ),
        accept(
            "path with colon and at",
            line("GET /a:b@c;d=e,f"),
            &["path=/a:b@c;d=e,f "],
        ),
        accept(
            "path with bytes browsers send",
            line("GET /\"<>[\\]^`{|}"),
            &["path=/\"<>[\\]^`{|} "],
        ),
        accept(
            "path for options",
            line("OPTIONS /a"),
            &["OPTIONS Origin", "path=/a "],
        ),
        accept(
            "path of 8 kib",
            line(&format!("GET /{}", "p".repeat(8191))),
            &["path=/ppp"],
        ),
    ]
}

fn absolute() -> Vec<Case> {
    vec![
        accept(
            "uri",
            line("GET http://b/c?d"),
            &["Absolute scheme=http authority=b path=/c query=d "],
        ),
        accept(
            "uri wins over host",
            line("GET http://other:81/"),
            &["authority=other:81 "],
        ),
        accept(
            "uri of https",
            line("GET https://b/"),
            &["scheme=https authority=b path=/ "],
        ),
        accept(
            "uri scheme of any case",
            line("GET HtTpS://b/"),
            &["scheme=https authority=b "],
        ),
        accept(
            "uri without path",
            line("GET http://b"),
            &["authority=b path=/ query=- "],
        ),
        accept(
            "uri without path, with query",
            line("GET http://b?c=/d"),
            &["authority=b path=/ query=c=/d "],
        ),
        accept(
            "uri with ipv6",
            line("GET http://[::1]:80/c"),
            &["authority=[::1]:80 path=/c "],
        ),
        accept(
            "uri with empty port",
            line("GET http://b:/c"),
            &["authority=b: path=/c "],
        ),
        accept(
            "uri with encoded host",
            line("GET http://%62/"),
            &["authority=%62 path=/ "],
        ),
        accept(
            "uri for options",
            line("OPTIONS http://b"),
            &["OPTIONS Absolute", "path=/ "],
        ),
        accept(
            "uri in http 1.0 without host",
            "GET http://b/ HTTP/1.0\r\n\r\n",
            &["authority=b path=/ "],
        ),
        accept(
            "uri with empty host field",
            "GET http://b/ HTTP/1.1\r\nhost:\r\n\r\n",
            &["authority=b path=/ "],
        ),
    ]
}

fn other_forms() -> Vec<Case> {
    vec![
        accept(
            "asterisk",
            line("OPTIONS *"),
            &["OPTIONS Asterisk scheme=- authority=a path=* query=- "],
        ),
        accept(
            "connect",
            line("CONNECT b:443"),
            &["CONNECT Authority scheme=- authority=b:443 path= query=- "],
        ),
        accept(
            "connect to ipv6",
            line("CONNECT [::1]:443"),
            &["authority=[::1]:443 "],
        ),
        accept(
            "connect to the highest port",
            line("CONNECT b:65535"),
            &["authority=b:65535 "],
        ),
    ]
}

fn refused_bytes() -> Vec<Case> {
    let bad = "cannot be part of a target";
    let percent = "a percent sign without two";
    vec![
        refuse("fragment", "GET /a#", 400, bad),
        refuse("target with nul", "GET /\0", 400, "byte 0x00 at offset 5"),
        refuse("target past ascii", b"GET /\xc3", 400, bad),
        refuse("target with delete", "GET /\x7f", 400, bad),
        refuse("target with escape", "GET /\x1b", 400, bad),
        refuse("percent at end", only("GET /a%"), 400, percent),
        refuse("percent with one digit", only("GET /a%4"), 400, percent),
        refuse("percent with letters", only("GET /%zz"), 400, percent),
        refuse("percent with sign", only("GET /%+1"), 400, percent),
        refuse("percent before query", only("GET /%2?0"), 400, percent),
        refuse("percent in query", only("GET /?a=%g0"), 400, percent),
        refuse("percent of unicode", only("GET /%u0041"), 400, percent),
        refuse("percent twice", only("GET /%%41"), 400, percent),
    ]
}

fn refused_forms() -> Vec<Case> {
    let neither = "neither a path nor an http";
    let connect = "CONNECT requires a host and a port";
    vec![
        refuse("relative path", only("GET a/b"), 400, neither),
        refuse("query alone", only("GET ?a"), 400, neither),
        refuse("backslash path", only("GET \\a"), 400, neither),
        refuse("uri of another scheme", only("GET ftp://a/"), 400, neither),
        refuse("uri of file", only("GET file:///etc/passwd"), 400, neither),
        refuse("uri with one slash", only("GET http:/a"), 400, neither),
        refuse("uri without slashes", only("GET http:a"), 400, neither),
        refuse(
            "uri scheme with prefix",
            only("GET xhttp://a/"),
            400,
            neither,
        ),
        refuse("host and port for get", only("GET a:80"), 400, neither),
        refuse("asterisk for get", only("GET *"), 400, "for OPTIONS only"),
        refuse(
            "asterisk for options in lower case",
            only("options *"),
            400,
            "for OPTIONS only",
        ),
        refuse("asterisk with more", only("OPTIONS *a"), 400, neither),
        refuse("connect with path", only("CONNECT /"), 400, connect),
        refuse(
            "connect with uri",
            only("CONNECT http://a:80/"),
            400,
            connect,
        ),
        refuse("connect without port", only("CONNECT a"), 400, connect),
        refuse("connect with empty port", only("CONNECT a:"), 400, connect),
        refuse("connect with port 0", only("CONNECT a:0"), 400, connect),
        refuse(
            "connect with port 65536",
            only("CONNECT a:65536"),
            400,
            connect,
        ),
        refuse("connect without host", only("CONNECT :80"), 400, connect),
        refuse(
            "connect with userinfo",
            only("CONNECT u@a:80"),
            400,
            connect,
        ),
        refuse("connect with asterisk", only("CONNECT *"), 400, connect),
    ]
}

fn refused_authorities() -> Vec<Case> {
    let bad = "the URI's authority is not";
    vec![
        refuse("uri with empty host", only("GET http:///a"), 400, bad),
        refuse(
            "uri with empty host and port",
            only("GET http://:80/"),
            400,
            bad,
        ),
        refuse("uri with userinfo", only("GET http://u@a/"), 400, bad),
        refuse(
            "uri with user and password",
            only("GET http://u:p@a/"),
            400,
            bad,
        ),
        refuse("uri with bad port", only("GET http://a:b/"), 400, bad),
        refuse(
            "uri with port too high",
            only("GET http://a:70000/"),
            400,
            bad,
        ),
        refuse("uri with backslash", only("GET http://a\\b/"), 400, bad),
        refuse("uri with open bracket", only("GET http://[::1/"), 400, bad),
        refuse("uri with bad ipv6", only("GET http://[1::2::3]/"), 400, bad),
    ]
}
