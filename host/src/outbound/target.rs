//! Whom a request is for: scheme, host and port out of its URI, in the one form that is compared
//! with what is granted, looked up, and written into the `host` field. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::Uri;
use http::uri::Authority;

use crate::config::Scheme;
use crate::guest::OutboundError;

/// Whom a request is for. It displays as the beginning of a URI, with the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) scheme: Scheme,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// The host of a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// In lower case, without the dot that may end it.
    Name(String),
    /// IPv4 as it is, even if the URI had it mapped into IPv6.
    Address(IpAddr),
}

impl Target {
    /// Whom a request with this URI is for.
    ///
    /// # Errors
    /// [`OutboundError::InvalidTarget`] for whatever cannot be compared without doubt.
    pub(super) fn of(uri: &Uri) -> Result<Target, OutboundError> {
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => {
                return Err(OutboundError::InvalidTarget(
                    "its scheme is neither http nor https",
                ));
            }
        };
        let missing = OutboundError::InvalidTarget("it names no host");
        let authority = uri.authority().ok_or(missing)?;
        // What is before an @ is no host, and readers differ about which @ counts.
        if authority.as_str().contains('@') {
            return Err(OutboundError::InvalidTarget("it holds a user's name"));
        }
        Ok(Target {
            scheme,
            host: host(authority.host())?,
            port: port(authority)?.unwrap_or(scheme.default_port()),
        })
    }

    /// The value of the `host` field (RFC 9110 section 7.2).
    pub(super) fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            return self.host.to_string();
        }
        format!("{}:{}", self.host, self.port)
    }
}

fn port(authority: &Authority) -> Result<Option<u16>, OutboundError> {
    let behind = authority.as_str().get(authority.host().len()..);
    match behind {
        // A colon without a port is the scheme's own (RFC 3986 section 3.2.3).
        Some("" | ":") => Ok(None),
        _ => match authority.port_u16() {
            Some(port) if port != 0 => Ok(Some(port)),
            _ => Err(OutboundError::InvalidTarget(
                "its port is not from 1 to 65535",
            )),
        },
    }
}

fn host(text: &str) -> Result<Host, OutboundError> {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(literal) = bracketed {
        let address: Result<Ipv6Addr, _> = literal.parse();
        let address = address.map_err(|_| OutboundError::InvalidTarget("its host is malformed"))?;
        return Ok(Host::Address(IpAddr::V6(address).to_canonical()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if let Ok(address) = name.parse() {
        return Ok(Host::Address(address));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.chars().all(allowed);
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(OutboundError::InvalidTarget("its host is malformed"));
    }
    Ok(Host::Name(name))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Result<String, OutboundError> {
        Ok(Target::of(&uri.parse().unwrap())?.to_string())
    }

    #[test]
    fn every_way_to_write_a_host_has_one_form() {
        let cases = [
            ("http://Example.COM/a", "http://example.com:80"),
            ("https://example.com./", "https://example.com:443"),
            ("https://example.com:8443", "https://example.com:8443"),
            ("http://example.com:", "http://example.com:80"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://127.0.0.1./", "http://127.0.0.1:80"),
            ("http://[::1]/", "http://[::1]:80"),
            ("http://[0:0:0:0:0:0:0:1]:81/", "http://[::1]:81"),
            ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1:80"),
            ("http://2130706433/", "http://2130706433:80"),
        ];
        for (uri, expected) in cases {
            assert_eq!(target(uri).unwrap(), expected, "{uri}");
        }
    }

    #[test]
    fn what_leaves_a_doubt_is_refused() {
        for uri in [
            "/path",
            "example.com:80",
            "ftp://example.com",
            "http://user@example.com",
            "http://allowed.example@127.0.0.1/",
            "http://a:b@example.com",
            "http://example.com:0",
            "http://example.com:65536",
            "http://a..b",
            "http://a%2eb",
            "http://%31",
            "http://[v1.x]",
        ] {
            let Ok(uri) = uri.parse() else { continue };
            let error = Target::of(&uri).expect_err(&uri.to_string());
            assert!(matches!(error, OutboundError::InvalidTarget(_)), "{uri}");
        }
    }

    #[test]
    fn the_host_field_has_a_port_only_if_it_is_not_the_schemes_own() {
        for (uri, expected) in [
            ("http://Example.com:80/", "example.com"),
            ("https://example.com:80/", "example.com:80"),
            ("http://[::1]:9000/", "[::1]:9000"),
        ] {
            assert_eq!(
                Target::of(&uri.parse().unwrap()).unwrap().authority(),
                expected
            );
        }
    }
}
