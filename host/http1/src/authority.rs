//! `uri-host [ ":" port ]`: the syntax of Host and of a target's authority (RFC 3986 3.2).

use crate::class::{is_hex, plain_digits_end, plain_reg_name_end, reg_name_end};
use crate::fields::Span;
use core::net::Ipv6Addr;

/// The port part of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// No colon.
    Absent,
    /// A colon and nothing after it, which RFC 3986 3.2.3 allows.
    Empty,
    /// A number.
    Number(u16),
}

/// Checks `uri-host [ ":" port ]` with a host that is not empty, and returns its port.
///
/// Userinfo is not part of this syntax. Of IP literals only IPv6 addresses are accepted: nothing
/// was ever assigned to IPvFuture.
pub(crate) fn parse(authority: &[u8]) -> Option<Port> {
    let rest = match authority {
        [b'[', rest @ ..] => after_ipv6(rest)?,
        _ => after_reg_name(authority)?,
    };
    match rest {
        [] => Some(Port::Absent),
        [b':'] => Some(Port::Empty),
        [b':', digits @ ..] => port(digits).map(Port::Number),
        _ => None,
    }
}

const PLAIN_PORT_DIGITS_MAX: usize = 4;

/// Whether the authority in a head is valid, as far as that can be told at a glance: one that is
/// no plain name or IPv4 address, with or without a port, is left to [`parse`].
#[inline]
pub(crate) fn is_plain(bytes: &[u8], authority: Span) -> bool {
    let (start, end) = (authority.start(), authority.end());
    match plain_reg_name_end(bytes, start) {
        Some(name_end) if name_end == start => false,
        Some(name_end) if name_end >= end => start < end,
        Some(name_end) => {
            // So few digits that the number they make is a port's.
            bytes.get(name_end) == Some(&b':')
                && end - name_end <= 1 + PLAIN_PORT_DIGITS_MAX
                && plain_digits_end(bytes, name_end + 1).is_some_and(|digits_end| digits_end >= end)
        }
        None => false,
    }
}

fn after_ipv6(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b']')?;
    let address = str::from_utf8(&bytes[..end]).ok()?;
    address.parse::<Ipv6Addr>().ok()?;
    Some(&bytes[end + 1..])
}

fn after_reg_name(bytes: &[u8]) -> Option<&[u8]> {
    let mut end = 0;
    loop {
        end = reg_name_end(bytes, end);
        match &bytes[end..] {
            [b'%', high, low, ..] if is_hex(*high) && is_hex(*low) => end += 3,
            _ if end == 0 => return None,
            rest => return Some(rest),
        }
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |port, digit| match digit {
        b'0'..=b'9' => port.checked_mul(10)?.checked_add(u16::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_hosts_and_ports() {
        for (authority, expected) in [
            ("example.com", Port::Absent),
            ("example.com:", Port::Empty),
            ("example.com:80", Port::Number(80)),
            ("example.com:00080", Port::Number(80)),
            ("127.0.0.1:65535", Port::Number(65535)),
            ("[::1]", Port::Absent),
            ("[2001:db8::1]:8080", Port::Number(8080)),
            ("[::ffff:1.2.3.4]:1", Port::Number(1)),
            ("a_b~c!$&'()*+,;=d", Port::Absent),
            ("ex%C3%A4mple", Port::Absent),
        ] {
            assert_eq!(parse(authority.as_bytes()), Some(expected), "{authority}");
        }
    }

    /// What stands behind an authority does not count, and what is plain at a glance is so by the
    /// grammar.
    #[test]
    fn only_valid_authorities_are_plain() {
        let plain = [
            "localhost",
            "example.com",
            "127.0.0.1:8080",
            "a-b.example:0",
            "a:",
        ];
        for authority in plain.iter().chain(INVALID) {
            for behind in ["\r\n", "0123456789:", "\0"] {
                let line = format!("host: {authority}{}", behind.repeat(16));
                let span = Span::new(6, 6 + authority.len());
                let expected = plain.contains(authority);
                assert_eq!(is_plain(line.as_bytes(), span), expected, "{line:?}");
            }
        }
        for others in ["a:65535", "[::1]", "a_b", "ex%C3%A4mple", "localhost"] {
            let span = Span::new(0, others.len());
            assert!(!is_plain(others.as_bytes(), span), "{others}");
        }
    }

    const INVALID: &[&str] = &[
        "",
        ":80",
        "a:b",
        "a:65536",
        "a:+1",
        "a:-1",
        "a: 1",
        "a b",
        "u@h",
        "u:p@h",
        "a/b",
        "a?",
        "a#",
        "[::1",
        "::1",
        "[]",
        "[::1]x",
        "[::g]",
        "[fe80::1%25eth0]",
        "[v1.a]",
        "a%",
        "a%4",
        "a%zz",
        "a:1:2",
        "ä",
        "a\\b",
        "a\"",
        "a<b>",
        "[1.2.3.4]",
    ];

    #[test]
    fn refuses_everything_else() {
        for authority in INVALID {
            assert_eq!(parse(authority.as_bytes()), None, "{authority}");
        }
    }
}
