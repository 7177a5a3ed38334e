//! Field lines: names, values, white space and line ends (RFC 9112 5, RFC 9110 5).

use crate::case::{Case, accept, get, refuse};

pub(crate) fn cases() -> Vec<Case> {
    [
        accepted(),
        accepted_bytes(),
        refused_names(),
        refused_values(),
        refused_ends(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The start of a GET that breaks off in its second field.
fn cut(field: &[u8]) -> Vec<u8> {
    [b"GET / HTTP/1.1\r\nhost: a\r\n", field].concat()
}

fn accepted() -> Vec<Case> {
    vec![
        accept("field", get("x: y\r\n"), &["[host: a] [x: y]\n"]),
        accept(
            "field name in lower case",
            get("X-AbC: Y\r\n"),
            &["[x-abc: Y]"],
        ),
        accept("field without space", get("x:y\r\n"), &["[x: y]"]),
        accept(
            "field with much space",
            get("x: \t  y \t \r\n"),
            &["[x: y]"],
        ),
        accept(
            "field with inner space",
            get("x: a  \tb\r\n"),
            &["[x: a  \\tb]"],
        ),
        accept("field empty", get("x:\r\n"), &["[x: ]"]),
        accept("field of white space", get("x: \t \r\n"), &["[x: ]"]),
        accept("field with colons", get("x: a:b::c\r\n"), &["[x: a:b::c]"]),
        accept("field beginning with colon", get("x::y\r\n"), &["[x: :y]"]),
    ]
}

fn accepted_bytes() -> Vec<Case> {
    let obs_text = b"GET / HTTP/1.1\r\nhost: a\r\nx: \x80\xff\xc3\xa4\r\n\r\n";
    vec![
        accept(
            "field of obs-text",
            obs_text,
            &["[x: \\x80\\xff\\xc3\\xa4]"],
        ),
        accept(
            "field of visible bytes",
            get("x: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\r\n"),
            &["[x: !\\\"#$%&\\'()*+,-./:;<=>?@[\\\\]^_`{|}~]"],
        ),
        accept(
            "field name of any tchar",
            get("!#$%&'*+-.^_`|~09az: y\r\n"),
            &["[!#$%&'*+-.^_`|~09az: y]"],
        ),
        accept("field of one byte", get("a: b\r\n"), &["[a: b]"]),
        accept(
            "fields in order",
            get("b: 1\r\na: 2\r\nb: 3\r\n"),
            &["[b: 1] [a: 2] [b: 3]\n"],
        ),
        accept(
            "field of a long value",
            get(&format!("x: {}\r\n", "v".repeat(60_000))),
            &["[x: vvvv"],
        ),
        accept(
            "field of a long name",
            get(&format!("{}: v\r\n", "n".repeat(60_000))),
            &["nnn: v]"],
        ),
        accept(
            "100 fields",
            get(&"x: y\r\n".repeat(99)),
            &["[x: y] [x: y]"],
        ),
        accept(
            "field with quoted string",
            get("x: \"a, \\\"b\"\r\n"),
            &["[x: \\\"a, "],
        ),
        accept(
            "cookies with many pairs",
            get("cookie: a=b; c=d; e=\"f\"\r\n"),
            &["[cookie: a=b; c"],
        ),
    ]
}

fn refused_names() -> Vec<Case> {
    let bad = "cannot be part of a field name";
    vec![
        refuse("field name empty", cut(b":"), 400, "field 2: byte 0x3a"),
        refuse(
            "field without colon",
            cut(b"x\r"),
            400,
            "field 2 `x`: byte 0x0d",
        ),
        refuse("field without colon, bare lf", cut(b"x\n"), 400, bad),
        refuse(
            "space before colon",
            cut(b"x "),
            400,
            "field 2 `x`: white space before the colon",
        ),
        refuse(
            "tab before colon",
            cut(b"x\t"),
            400,
            "white space before the colon",
        ),
        refuse("field name with paren", cut(b"x("), 400, bad),
        refuse("field name with slash", cut(b"x/"), 400, bad),
        refuse("field name with at", cut(b"x@"), 400, bad),
        refuse("field name with bracket", cut(b"x["), 400, bad),
        refuse("field name with quote", cut(b"\""), 400, bad),
        refuse("field name with comma", cut(b"a,"), 400, bad),
        refuse("field name with semicolon", cut(b"a;"), 400, bad),
        refuse("field name with equals", cut(b"a="), 400, bad),
        refuse("field name with nul", cut(b"a\0"), 400, "byte 0x00"),
        refuse("field name with delete", cut(b"a\x7f"), 400, "byte 0x7f"),
        refuse("field name past ascii", cut(b"a\xe4"), 400, "byte 0xe4"),
        refuse(
            "field name with vertical tab",
            cut(b"transfer-encoding\x0b"),
            400,
            "byte 0x0b",
        ),
        refuse(
            "first field folded",
            "GET / HTTP/1.1\r\n ",
            400,
            "begins with white space",
        ),
        refuse(
            "field folded by space",
            cut(b"x: y\r\n "),
            400,
            "field 3: the line begins",
        ),
        refuse(
            "field folded by tab",
            cut(b"x: y\r\n\t"),
            400,
            "begins with white space",
        ),
    ]
}

fn refused_values() -> Vec<Case> {
    let bad = "cannot be part of a field value";
    vec![
        refuse(
            "value with nul",
            cut(b"x: a\0"),
            400,
            "field 2 `x`: byte 0x00",
        ),
        refuse("value with bare lf", cut(b"x: a\n"), 400, "byte 0x0a"),
        refuse("value with bell", cut(b"x: \x07"), 400, bad),
        refuse("value with backspace", cut(b"x: a\x08"), 400, bad),
        refuse("value with vertical tab", cut(b"x: a\x0b"), 400, bad),
        refuse("value with form feed", cut(b"x: \x0c"), 400, bad),
        refuse("value with escape", cut(b"x: \x1b"), 400, bad),
        refuse("value with unit separator", cut(b"x: \x1f"), 400, bad),
        refuse("value with delete", cut(b"x: \x7f"), 400, bad),
        refuse(
            "value with nul after tab",
            cut(b"x: a\tbcdefghij\0"),
            400,
            bad,
        ),
        refuse(
            "value with late nul",
            cut(b"x: 0123456789abcdef0123456789abcdef\0"),
            400,
            bad,
        ),
        refuse("empty value with bare lf", cut(b"x:\n"), 400, bad),
    ]
}

fn refused_ends() -> Vec<Case> {
    let bad = "where the line end CR LF belongs";
    vec![
        refuse(
            "value with bare cr",
            cut(b"x: a\rb"),
            400,
            "field 2 `x`: byte 0x62",
        ),
        refuse("value with cr cr lf", cut(b"x: a\r\r"), 400, bad),
        refuse("value with cr nul", cut(b"x: a\r\0"), 400, bad),
        refuse("value with cr space", cut(b"x: a\r "), 400, bad),
        refuse("empty value with bare cr", cut(b"x:\rb"), 400, bad),
        refuse(
            "head ends with bare lf",
            cut(b"\n"),
            400,
            "end of the head: byte 0x0a",
        ),
        refuse(
            "head ends with bare cr",
            cut(b"\rx"),
            400,
            "end of the head: byte 0x78",
        ),
        refuse("head ends with cr cr", cut(b"\r\r"), 400, bad),
    ]
}
