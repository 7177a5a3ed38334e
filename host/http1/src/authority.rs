//! `uri-host [ ":" port ]`: the syntax of Host and of a target's authority (RFC 3986 3.2).

use crate::class::{is_hex, is_reg_name};
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

fn after_ipv6(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b']')?;
    let address = str::from_utf8(&bytes[..end]).ok()?;
    address.parse::<Ipv6Addr>().ok()?;
    Some(&bytes[end + 1..])
}

fn after_reg_name(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        match rest {
            [b'%', high, low, after @ ..] if is_hex(*high) && is_hex(*low) => rest = after,
            [byte, after @ ..] if is_reg_name(*byte) => rest = after,
            _ if rest.len() == bytes.len() => return None,
            _ => return Some(rest),
        }
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    // `u16::from_str` alone would take a sign.
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
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

    #[test]
    fn refuses_everything_else() {
        for authority in [
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
        ] {
            assert_eq!(parse(authority.as_bytes()), None, "{authority}");
        }
    }
}
