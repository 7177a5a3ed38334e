//! Writes the bytes of a response: status line, fields, numbers, chunk frames.
//!
//! Nothing unchecked is written, so no caller can put a line of its own into a head. When to write
//! what is decided in `sending`.

use crate::class::{is_field_name, is_field_value};
use crate::error::SendError;
use crate::excerpt::Excerpt;

/// Whether `name` is a field of the connection and its framing (RFC 9110 7.6.1), which only this
/// crate writes. Compared without case.
pub fn is_framing_field(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "upgrade",
        "connection",
        "keep-alive",
        "content-length",
        "proxy-connection",
        "transfer-encoding",
    ];
    is_one_of(name, NAMES)
}

/// Whether `name` must not appear in a trailer section (RFC 9110 6.5.1): framing, routing,
/// conditions on reading the request, authentication, and how to read the content.
pub(crate) fn is_forbidden_trailer(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "te",
        "host",
        "cookie",
        "expect",
        "trailer",
        "set-cookie",
        "content-type",
        "max-forwards",
        "authorization",
        "cache-control",
        "content-range",
        "content-encoding",
        "www-authenticate",
        "proxy-authenticate",
        "proxy-authorization",
    ];
    is_framing_field(name) || is_one_of(name, NAMES)
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Writes a status line. Every response says HTTP/1.1, the highest version spoken here, whatever
/// version the request had (RFC 9110 6.2).
pub(crate) fn status_line(out: &mut Vec<u8>, status: u16) {
    if let Some(line) = registered(status) {
        return out.extend_from_slice(line.as_bytes());
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    decimal(out, u64::from(status));
    // RFC 9112 4: the reason may be empty, the space before it not.
    out.extend_from_slice(b" \r\n");
}

/// Writes one field line.
///
/// # Errors
/// A name or value that is not one; nothing was written then.
pub(crate) fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) -> Result<(), SendError> {
    if !is_field_name(name.as_bytes()) {
        return Err(SendError::InvalidFieldName {
            name: Excerpt::new(name.as_bytes()),
        });
    }
    if !is_field_value(value) {
        return Err(SendError::InvalidFieldValue {
            name: Excerpt::new(name.as_bytes()),
        });
    }
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Writes the line before a chunk of `len` bytes, and before that the end of the chunk that is
/// still open.
pub(crate) fn chunk_line(out: &mut Vec<u8>, open: bool, len: u64) {
    if open {
        out.extend_from_slice(b"\r\n");
    }
    hexadecimal(out, len);
    out.extend_from_slice(b"\r\n");
}

/// Writes `number` in decimal.
pub(crate) fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

fn hexadecimal(out: &mut Vec<u8>, number: u64) {
    let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (number >> (place * 4)) as usize & 0xf;
        out.push(b"0123456789abcdef"[digit]);
    }
}

/// Status lines as they are sent, of statuses and their reason phrases.
macro_rules! status_lines {
    ($status:expr, $($registered:literal $reason:literal)*) => {
        match $status {
            $($registered => {
                Some(concat!("HTTP/1.1 ", $registered, " ", $reason, "\r\n"))
            })*
            _ => None,
        }
    };
}

/// The whole line of a registered status.
fn registered(status: u16) -> Option<&'static str> {
    status_lines! {
        status,
        102 "Processing"
        103 "Early Hints"
        200 "OK"
        201 "Created"
        202 "Accepted"
        203 "Non-Authoritative Information"
        204 "No Content"
        205 "Reset Content"
        206 "Partial Content"
        207 "Multi-Status"
        208 "Already Reported"
        226 "IM Used"
        300 "Multiple Choices"
        301 "Moved Permanently"
        302 "Found"
        303 "See Other"
        304 "Not Modified"
        305 "Use Proxy"
        307 "Temporary Redirect"
        308 "Permanent Redirect"
        400 "Bad Request"
        401 "Unauthorized"
        402 "Payment Required"
        403 "Forbidden"
        404 "Not Found"
        405 "Method Not Allowed"
        406 "Not Acceptable"
        407 "Proxy Authentication Required"
        408 "Request Timeout"
        409 "Conflict"
        410 "Gone"
        411 "Length Required"
        412 "Precondition Failed"
        413 "Content Too Large"
        414 "URI Too Long"
        415 "Unsupported Media Type"
        416 "Range Not Satisfiable"
        417 "Expectation Failed"
        421 "Misdirected Request"
        422 "Unprocessable Content"
        423 "Locked"
        424 "Failed Dependency"
        425 "Too Early"
        426 "Upgrade Required"
        428 "Precondition Required"
        429 "Too Many Requests"
        431 "Request Header Fields Too Large"
        451 "Unavailable For Legal Reasons"
        500 "Internal Server Error"
        501 "Not Implemented"
        502 "Bad Gateway"
        503 "Service Unavailable"
        504 "Gateway Timeout"
        505 "HTTP Version Not Supported"
        506 "Variant Also Negotiates"
        507 "Insufficient Storage"
        508 "Loop Detected"
        510 "Not Extended"
        511 "Network Authentication Required"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        let samples = (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, u64::MAX >> bit]);
        for number in samples.chain([0, 9, 10, 99, 100, 12345]) {
            let (mut dec, mut hex) = (Vec::new(), Vec::new());
            decimal(&mut dec, number);
            hexadecimal(&mut hex, number);
            assert_eq!(dec, number.to_string().as_bytes());
            assert_eq!(hex, format!("{number:x}").as_bytes());
        }
    }

    #[test]
    fn status_lines_are_whole() {
        for (status, line) in [
            (200, "HTTP/1.1 200 OK\r\n"),
            (431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
            (299, "HTTP/1.1 299 \r\n"),
        ] {
            let mut out = Vec::new();
            status_line(&mut out, status);
            assert_eq!(out, line.as_bytes());
        }
    }

    #[test]
    fn refused_fields_leave_nothing_behind() {
        let mut out = b"before".to_vec();
        for (name, value) in [
            ("", &b"x"[..]),
            ("a b", b"x"),
            ("a:", b"x"),
            ("a\r\nb", b"x"),
            ("ä", b"x"),
            ("a", b"x\r\nset-cookie: y"),
            ("a", b"x\ny"),
            ("a", b"x\0"),
            ("a", b"\x7f"),
        ] {
            assert!(field(&mut out, name, value).is_err(), "{name:?} {value:?}");
            assert_eq!(out, b"before");
        }
        assert_eq!(field(&mut out, "x-a", b"\tb \xff"), Ok(()));
        assert_eq!(out, b"beforex-a: \tb \xff\r\n");
    }
}
