//! Chunked bodies and trailers (RFC 9112 7.1).

use crate::case::{Case, accept, chunked, refuse};

pub(crate) fn cases() -> Vec<Case> {
    [
        accepted(),
        accepted_extensions(),
        trailers(),
        sizes(),
        extensions(),
        ends(),
        refused_trailers(),
        forbidden_trailers(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn accepted() -> Vec<Case> {
    vec![
        accept("no chunk", chunked("0\r\n\r\n"), &["body `` kept"]),
        accept(
            "one chunk",
            chunked("5\r\nhello\r\n0\r\n\r\n"),
            &["body `hello` kept"],
        ),
        accept(
            "two chunks",
            chunked("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
            &["body `abc` kept"],
        ),
        accept(
            "chunk with line ends",
            chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"),
            &["body `\\r\\n\\r\\n` kept"],
        ),
        accept(
            "chunk like a last chunk",
            chunked("5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
            &["body `0\\r\\n\\r\\n` kept"],
        ),
        accept(
            "size in upper case",
            chunked("A\r\n0123456789\r\n0\r\n\r\n"),
            &["`0123456789`"],
        ),
        accept(
            "size in lower case",
            chunked("a\r\n012345678x\r\n0\r\n\r\n"),
            &["`012345678x`"],
        ),
        accept(
            "size with zeros",
            chunked("0000000000000002\r\nok\r\n0\r\n\r\n"),
            &["`ok`"],
        ),
        accept(
            "last chunk of many zeros",
            chunked("1\r\na\r\n0000000000000000\r\n\r\n"),
            &["`a`"],
        ),
        accept(
            "size of two digits",
            chunked("10\r\n0123456789abcdef\r\n0\r\n\r\n"),
            &["abcdef`"],
        ),
    ]
}

fn accepted_extensions() -> Vec<Case> {
    vec![
        accept(
            "extension",
            chunked("2;a=b\r\nok\r\n0\r\n\r\n"),
            &["`ok` kept"],
        ),
        accept(
            "extension without value",
            chunked("2;a\r\nok\r\n0;b\r\n\r\n"),
            &["`ok` kept"],
        ),
        accept(
            "extension empty",
            chunked("2;\r\nok\r\n0\r\n\r\n"),
            &["`ok` kept"],
        ),
        accept(
            "extension after space",
            chunked("2 \t; a = b \r\nok\r\n0\r\n\r\n"),
            &["`ok` kept"],
        ),
        accept(
            "extension quoted",
            chunked("2;a=\"b;\t\\\"c\"\r\nok\r\n0\r\n\r\n"),
            &["`ok` kept"],
        ),
        accept(
            "extension unclosed",
            chunked("2;a=\"b\r\nok\r\n0\r\n\r\n"),
            &["`ok` kept"],
        ),
        accept(
            "extension past ascii",
            chunked("2;a=\"\u{e4}\"\r\nok\r\n0\r\n\r\n"),
            &["`ok` kept"],
        ),
        accept(
            "several extensions",
            chunked("2;a;b=c;d=\"e\"\r\nok\r\n0;f\r\n\r\n"),
            &["`ok` kept"],
        ),
    ]
}

fn trailers() -> Vec<Case> {
    vec![
        accept(
            "trailer",
            chunked("0\r\nx: y\r\n\r\n"),
            &["body `` [x: y] kept"],
        ),
        accept(
            "trailers",
            chunked("1\r\na\r\n0\r\nB: 1\r\nc:\r\nb: 2\r\n\r\n"),
            &["body `a` [b: 1] [c: ] [b: 2] kept"],
        ),
        accept(
            "trailer among white space",
            chunked("0\r\nx: \t y \r\n\r\n"),
            &["[x: y]"],
        ),
        accept(
            "trailer after extension",
            chunked("0;a=b\r\nx: y\r\n\r\n"),
            &["[x: y]"],
        ),
        accept(
            "trailer announced",
            crate::case::post(
                "trailer: x\r\ntransfer-encoding: chunked\r\n",
                "0\r\nx: y\r\n\r\n",
            ),
            &["[trailer: x]", "[x: y]"],
        ),
        accept(
            "100 trailers",
            chunked(&format!("0\r\n{}\r\n", "x: y\r\n".repeat(100))),
            &["[x: y]"],
        ),
    ]
}

fn sizes() -> Vec<Case> {
    let bad = "cannot be part of a chunk size";
    vec![
        refuse(
            "size missing",
            chunked("\r"),
            400,
            "byte 0x0d cannot be part of a chunk size",
        ),
        refuse("size of semicolon", chunked(";"), 400, bad),
        refuse("size with plus", chunked("+"), 400, bad),
        refuse("size with minus", chunked("-"), 400, bad),
        refuse("size with space before", chunked(" "), 400, bad),
        refuse("size with 0x", chunked("0x"), 400, bad),
        refuse("size with underscore", chunked("1_"), 400, bad),
        refuse("size with g", chunked("1g"), 400, bad),
        refuse("size with nul", chunked("1\0"), 400, bad),
        refuse("size with bare lf", chunked("1\n"), 400, bad),
        refuse("size with point", chunked("1."), 400, bad),
        refuse(
            "size of 17 digits",
            chunked("10000000000000000"),
            400,
            "more than 16 digits",
        ),
        refuse(
            "size of 17 zeros",
            chunked("00000000000000000"),
            400,
            "more than 16 digits",
        ),
        refuse("second size missing", chunked("1\r\na\r\n\r"), 400, bad),
    ]
}

fn extensions() -> Vec<Case> {
    let bad = "cannot be part of a chunk extension";
    vec![
        refuse("space after size", chunked("2 \r"), 400, bad),
        refuse("tab after size", chunked("2\t\r"), 400, bad),
        refuse("two sizes", chunked("2 2"), 400, bad),
        refuse("extension with bare lf", chunked("2;a\n"), 400, bad),
        refuse("extension with nul", chunked("2;a\0"), 400, bad),
        refuse("extension with delete", chunked("2;a=\"\x7f"), 400, bad),
        refuse("extension with quoted lf", chunked("2;a=\"\n"), 400, bad),
        refuse(
            "extension with bare cr",
            chunked("2;a\rb"),
            400,
            "chunk size line: byte 0x62",
        ),
        refuse(
            "extension with cr cr",
            chunked("2;a\r\r"),
            400,
            "chunk size line: byte 0x0d",
        ),
    ]
}

fn ends() -> Vec<Case> {
    vec![
        refuse(
            "size with bare cr",
            chunked("2\ra"),
            400,
            "chunk size line: byte 0x61",
        ),
        refuse(
            "data too long",
            chunked("2\r\nabc"),
            400,
            "end of a chunk: byte 0x63",
        ),
        refuse(
            "data too short",
            chunked("3\r\nab\r\n"),
            400,
            "end of a chunk: byte 0x0a",
        ),
        refuse(
            "data ends with bare lf",
            chunked("2\r\nab\n"),
            400,
            "end of a chunk: byte 0x0a",
        ),
        refuse(
            "data ends with bare cr",
            chunked("2\r\nab\r0"),
            400,
            "end of a chunk: byte 0x30",
        ),
        refuse(
            "data ends with cr cr",
            chunked("2\r\nab\r\r"),
            400,
            "end of a chunk: byte 0x0d",
        ),
        refuse(
            "body ends with bare lf",
            chunked("0\r\n\n"),
            400,
            "end of the trailer section",
        ),
        refuse(
            "body ends with bare cr",
            chunked("0\r\n\r0"),
            400,
            "end of the trailer section",
        ),
    ]
}

fn refused_trailers() -> Vec<Case> {
    let trailer = |field: &str| chunked(&format!("0\r\nx: y\r\n{field}"));
    vec![
        refuse(
            "trailer with space",
            trailer("a "),
            400,
            "trailer field 2 `a`: white space",
        ),
        refuse(
            "trailer without name",
            trailer(":"),
            400,
            "trailer field 2: byte 0x3a",
        ),
        refuse("trailer without colon", trailer("a\r"), 400, "field name"),
        refuse(
            "trailer folded",
            trailer(" "),
            400,
            "begins with white space",
        ),
        refuse("trailer with nul", trailer("a: \0"), 400, "field value"),
        refuse(
            "trailer with bare lf",
            trailer("a: b\n"),
            400,
            "field value",
        ),
        refuse(
            "trailer with bare cr",
            trailer("a: b\rc"),
            400,
            "line end CR LF",
        ),
    ]
}

fn forbidden_trailers() -> Vec<Case> {
    let forbidden = "not allowed in a trailer section";
    let trailer = |field: &str| chunked(&format!("0\r\nx: y\r\n{field}"));
    vec![
        refuse(
            "trailer length",
            trailer("content-length: 5\r\n\r\n"),
            400,
            forbidden,
        ),
        refuse(
            "trailer coding",
            trailer("Transfer-Encoding: chunked\r\n\r\n"),
            400,
            forbidden,
        ),
        refuse(
            "trailer host",
            trailer("HOST: b\r\n\r\n"),
            400,
            "trailer field 2 `host`: not allowed",
        ),
        refuse(
            "trailer connection",
            trailer("connection: close\r\n\r\n"),
            400,
            forbidden,
        ),
        refuse(
            "trailer trailer",
            trailer("trailer: a\r\n\r\n"),
            400,
            forbidden,
        ),
        refuse("trailer te", trailer("te: a\r\n\r\n"), 400, forbidden),
        refuse(
            "trailer expect",
            trailer("expect: 100-continue\r\n\r\n"),
            400,
            forbidden,
        ),
        refuse(
            "trailer authorization",
            trailer("authorization: a\r\n\r\n"),
            400,
            forbidden,
        ),
        refuse(
            "trailer cookie",
            trailer("cookie: a=b\r\n\r\n"),
            400,
            forbidden,
        ),
        refuse(
            "trailer content-encoding",
            trailer("content-encoding: gzip\r\n\r\n"),
            400,
            forbidden,
        ),
    ]
}
