//! Body length: Content-Length and Transfer-Encoding (RFC 9112 6).

use crate::case::{Case, accept, get, post, refuse};

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), accepted_chunked(), lengths(), both(), codings()]
        .into_iter()
        .flatten()
        .collect()
}

fn accepted() -> Vec<Case> {
    vec![
        accept(
            "length",
            post("content-length: 5\r\n", "hello"),
            &["length=5", "body `hello` kept"],
        ),
        accept(
            "length 0",
            post("content-length: 0\r\n", ""),
            &["length=0", "body `` kept"],
        ),
        accept(
            "length with zeros",
            post("content-length: 0005\r\n", "hello"),
            &["length=5"],
        ),
        accept(
            "length among white space",
            post("content-length: \t3 \r\n", "abc"),
            &["`abc`"],
        ),
        accept(
            "length in any case",
            post("CONTENT-Length: 3\r\n", "abc"),
            &["length=3", "`abc`"],
        ),
        accept(
            "length for get",
            get("content-length: 0\r\n"),
            &["GET ", "length=0"],
        ),
        accept(
            "body with line ends",
            post("content-length: 6\r\n", "\r\n\r\n\0\n"),
            &["body `\\r\\n\\r\\n\\x00\\n`"],
        ),
        accept(
            "body like a request",
            post("content-length: 18\r\n", "GET / HTTP/1.1\r\n\r\n"),
            &["body `GET / HTTP/1.1\\r\\n\\r\\n` kept"],
        ),
        accept(
            "post without length",
            post("", ""),
            &["POST ", " bodiless", "body ``"],
        ),
        accept(
            "length in http 1.0",
            "POST / HTTP/1.0\r\ncontent-length: 2\r\n\r\nok",
            &["1.0 length=2", "`ok`"],
        ),
    ]
}

fn accepted_chunked() -> Vec<Case> {
    vec![
        accept(
            "chunked",
            post("transfer-encoding: chunked\r\n", "1\r\nx\r\n0\r\n\r\n"),
            &[" chunked keep"],
        ),
        accept(
            "chunked in any case",
            post("Transfer-Encoding: ChUnKeD\r\n", "0\r\n\r\n"),
            &[" chunked keep"],
        ),
        accept(
            "chunked among white space",
            post("transfer-encoding:  chunked\t\r\n", "0\r\n\r\n"),
            &[" chunked keep"],
        ),
    ]
}

fn lengths() -> Vec<Case> {
    let bad = "is not a decimal length";
    let second = "a second `content-length`";
    let length = |value: &str| post(&format!("content-length: {value}\r\n"), "");
    vec![
        refuse(
            "length empty",
            length(""),
            400,
            "field 2 `content-length`: `` is not",
        ),
        refuse(
            "length with plus",
            length("+5"),
            400,
            "`+5` is not a decimal length",
        ),
        refuse("length with minus", length("-5"), 400, bad),
        refuse("length with inner space", length("1 2"), 400, bad),
        refuse("length in hexadecimal", length("0x5"), 400, bad),
        refuse("length with letter", length("5a"), 400, bad),
        refuse("length with point", length("5.0"), 400, bad),
        refuse("length with underscore", length("5_0"), 400, bad),
        refuse("length as a list", length("5, 5"), 400, bad),
        refuse("length as a differing list", length("5,6"), 400, bad),
        refuse("length with comma", length("5,"), 400, bad),
        refuse("length quoted", length("\"5\""), 400, bad),
        refuse("length of other digits", length("\u{0665}"), 400, bad),
        refuse("length of 2^64", length("18446744073709551616"), 400, bad),
        refuse("length far too great", length(&"9".repeat(100)), 400, bad),
        refuse(
            "length twice",
            post("content-length: 5\r\ncontent-length: 6\r\n", ""),
            400,
            second,
        ),
        refuse(
            "length twice, equal",
            post("content-length: 5\r\nContent-Length: 5\r\n", ""),
            400,
            second,
        ),
        refuse(
            "length invalid for get",
            get("content-length: x\r\n"),
            400,
            bad,
        ),
    ]
}

fn both() -> Vec<Case> {
    let both = "exclude each other";
    let (length, coding) = ("content-length: 5\r\n", "transfer-encoding: chunked\r\n");
    vec![
        refuse(
            "length and coding",
            post(&[length, coding].concat(), ""),
            400,
            both,
        ),
        refuse(
            "coding and length",
            post(&[coding, length].concat(), ""),
            400,
            both,
        ),
        refuse(
            "coding and length apart",
            post(&[coding, "x: y\r\n", length].concat(), ""),
            400,
            both,
        ),
        refuse(
            "coding and bad length",
            post(&[coding, "content-length: x\r\n"].concat(), ""),
            400,
            both,
        ),
        refuse(
            "coding and length 0",
            post(&[coding, "content-length: 0\r\n"].concat(), ""),
            400,
            both,
        ),
        refuse(
            "coding in http 1.0",
            "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n",
            400,
            "HTTP/1.0 has no transfer codings",
        ),
    ]
}

fn codings() -> Vec<Case> {
    let bad = "does not end with exactly one `chunked`";
    let unknown = "is not supported, `chunked` is";
    let coding = |value: &str| post(&format!("transfer-encoding: {value}\r\n"), "");
    let twice = "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n";
    let two_lines = "transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n";
    vec![
        refuse("coding empty", coding(""), 400, bad),
        refuse("coding of comma", coding(","), 400, bad),
        refuse("coding with leading comma", coding(", chunked"), 400, bad),
        refuse("coding with trailing comma", coding("chunked,"), 400, bad),
        refuse("chunked twice", coding("chunked, chunked"), 400, bad),
        refuse("chunked in two lines", post(twice, ""), 400, bad),
        refuse("chunked not last", coding("chunked, gzip"), 400, bad),
        refuse(
            "chunked not last, in two lines",
            post(two_lines, ""),
            400,
            bad,
        ),
        refuse(
            "chunked with identity",
            coding("chunked, identity"),
            400,
            bad,
        ),
        refuse("chunked with parameter", coding("chunked;q=1"), 400, bad),
        refuse("chunked quoted", coding("\"chunked\""), 400, bad),
        refuse("chunked in parts", coding("chun ked"), 400, bad),
        refuse("chunked past ascii", coding("chunked\u{a0}"), 400, bad),
        refuse(
            "gzip, then chunked",
            coding("gzip, chunked"),
            501,
            "`gzip` is not supported",
        ),
        refuse("gzip", coding("gzip"), 501, unknown),
        refuse("identity", coding("identity"), 501, unknown),
        refuse(
            "coding unknown",
            coding("xchunked"),
            501,
            "field 2 `transfer-encoding`: transfer",
        ),
        refuse("coding with parameter", coding("x;a=b"), 501, unknown),
        refuse("coding cow", coding("cow"), 501, unknown),
    ]
}
