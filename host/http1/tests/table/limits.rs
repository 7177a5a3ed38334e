//! Limits: reached, and passed by one (414, 431, 400).

use crate::case::{Case, accept, chunked, get, refuse};
use httpd_http1::Limits;

pub(crate) fn cases() -> Vec<Case> {
    [heads(), targets(), fields(), bodies()]
        .into_iter()
        .flatten()
        .collect()
}

const HEAD_64: &str = "GET / HTTP/1.1\r\nhost: a\r\nx: 6789012345678901234567890123456789\r\n\r\n";

fn head_max(head_bytes_max: usize) -> Limits {
    Limits {
        head_bytes_max,
        ..Limits::default()
    }
}

fn heads() -> Vec<Case> {
    let len = HEAD_64.len();
    let large = "the head is larger than";
    vec![
        accept("head at its limit", HEAD_64, &["[x: 6789"]).limits(head_max(len)),
        refuse("head past its limit", &HEAD_64[..len - 1], 431, large).limits(head_max(len - 1)),
        refuse("head past in a value", &HEAD_64[..40], 431, large).limits(head_max(40)),
        refuse("head past in a name", &HEAD_64[..18], 431, large).limits(head_max(18)),
        refuse("head past in a target", "GET /abcde", 431, large).limits(head_max(10)),
        refuse("head past at a line end", &HEAD_64[..24], 431, large).limits(head_max(24)),
        refuse(
            "head past the usual limit",
            format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(65_517)),
            431,
            large,
        ),
        accept(
            "empty lines are not part of the head",
            format!("\r\n\r\n{HEAD_64}"),
            &["[x: 6789"],
        )
        .limits(head_max(len)),
        accept(
            "the limit is each head's",
            [HEAD_64, HEAD_64].concat(),
            &["kept\n", "kept\n"],
        )
        .limits(head_max(len)),
    ]
}

fn targets() -> Vec<Case> {
    let limits = Limits {
        target_bytes_max: 6,
        ..Limits::default()
    };
    let long = "the target is longer than";
    vec![
        accept(
            "target at its limit",
            "GET /12345 HTTP/1.1\r\nhost: a\r\n\r\n",
            &["path=/12345 "],
        )
        .limits(limits),
        refuse("target past its limit", "GET /123456", 414, long).limits(limits),
        refuse("uri past its limit", "GET http://", 414, long).limits(limits),
        refuse(
            "target past the usual limit",
            format!("GET /{}", "a".repeat(8192)),
            414,
            "8192 bytes",
        ),
        refuse("target past both limits", "GET /123456", 414, long).limits(Limits {
            head_bytes_max: 11,
            ..limits
        }),
    ]
}

fn fields() -> Vec<Case> {
    let limits = Limits {
        fields_max: 2,
        ..Limits::default()
    };
    let many = "the head has more than";
    vec![
        accept(
            "fields at their limit",
            get("x: y\r\n"),
            &["[host: a] [x: y]"],
        )
        .limits(limits),
        refuse(
            "fields past their limit",
            "GET / HTTP/1.1\r\na: b\r\nc: d\r\ne",
            431,
            many,
        )
        .limits(limits),
        refuse(
            "fields past the usual limit",
            format!("GET / HTTP/1.1\r\n{}x", "x: y\r\n".repeat(100)),
            431,
            "more than 100 fields",
        ),
        accept(
            "trailers at their limit",
            chunked("0\r\na: 1\r\nb: 2\r\n\r\n"),
            &["[a: 1] [b: 2]"],
        )
        .limits(limits),
        refuse(
            "trailers past their limit",
            chunked("0\r\na: 1\r\nb: 2\r\nc"),
            431,
            "the trailer section has",
        )
        .limits(limits),
    ]
}

fn bodies() -> Vec<Case> {
    let limits = Limits {
        chunk_extension_bytes_max: 8,
        ..Limits::default()
    };
    let long = "bytes of chunk extensions";
    let large = "the trailer section is larger than";
    let trailer = |filler: usize| chunked(&format!("0\r\nx: {}", "y".repeat(filler)));
    vec![
        accept(
            "extensions at their limit",
            chunked("1;a=b\r\nx\r\n0;ab=\r\n\r\n"),
            &["`x` kept"],
        )
        .limits(Limits {
            chunk_extension_bytes_max: 9,
            ..limits
        }),
        refuse(
            "extension past its limit",
            chunked("1;a=\"bcde\""),
            400,
            long,
        )
        .limits(limits),
        refuse(
            "extensions past their limit",
            chunked("1;a=b\r\nx\r\n0;ab=c"),
            400,
            long,
        )
        .limits(limits),
        refuse("space past the limit", chunked("1         "), 400, long).limits(limits),
        refuse(
            "extensions past the usual limit",
            chunked(&format!(
                "1;{}\r\nx\r\n1;{}",
                "a".repeat(10_000),
                "b".repeat(6383),
            )),
            400,
            "16384 bytes of chunk extensions",
        ),
        accept(
            "extensions refused, none there",
            chunked("1\r\nx\r\n0\r\n\r\n"),
            &["`x` kept"],
        )
        .limits(Limits {
            chunk_extension_bytes_max: 0,
            ..limits
        }),
        refuse("extensions refused, one there", chunked("1;"), 400, long).limits(Limits {
            chunk_extension_bytes_max: 0,
            ..limits
        }),
        accept(
            "trailers of many bytes",
            trailer(1000) + "\r\n\r\n",
            &["[x: yyyy"],
        ),
        refuse("trailers of too many bytes", trailer(65_533), 431, large),
    ]
}
