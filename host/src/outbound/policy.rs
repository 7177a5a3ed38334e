//! Whether a guest may reach a target: first by what its URI says, then, when names have been
//! looked up, by each address. Pure, so that the table in its tests can be complete.

use std::net::IpAddr;

use super::address::is_public;
use super::target::{Host, Target};
use crate::config::{AllowedHost, HostPattern, PortPattern};

/// What one guest was granted.
#[derive(Debug)]
pub(super) struct Policy {
    allowed: Vec<AllowedHost>,
}

impl Policy {
    pub(super) fn new(allowed: Vec<AllowedHost>) -> Policy {
        Policy { allowed }
    }

    /// Whether a request may be sent to this target, as far as its URI tells.
    pub(super) fn permits(&self, target: &Target) -> bool {
        self.fitting(target)
            .any(|allowed| means_host(&allowed.host, &target.host))
    }

    /// Whether a connection may be made to an address that a permitted target has. An address that
    /// is not public must be granted itself: a name can be made to resolve to anything.
    pub(super) fn permits_address(&self, target: &Target, address: IpAddr) -> bool {
        if is_public(address) {
            return true;
        }
        self.fitting(target).any(|allowed| match &allowed.host {
            HostPattern::Network(network) => network.contains(address),
            HostPattern::Name(name) => {
                let is_this = matches!(&target.host, Host::Name(wanted) if wanted == name);
                is_this && name == "localhost" && address.to_canonical().is_loopback()
            }
            HostPattern::Any | HostPattern::Below(_) => false,
        })
    }

    /// The grants for the target's scheme and port.
    fn fitting(&self, target: &Target) -> impl Iterator<Item = &AllowedHost> {
        let (scheme, port) = (target.scheme, target.port);
        self.allowed.iter().filter(move |allowed| {
            let means_port = match allowed.port {
                PortPattern::Default => port == scheme.default_port(),
                PortPattern::Any => true,
                PortPattern::Exactly(allowed) => port == allowed,
            };
            means_port && allowed.scheme.is_none_or(|allowed| allowed == scheme)
        })
    }
}

fn means_host(pattern: &HostPattern, host: &Host) -> bool {
    match (pattern, host) {
        (HostPattern::Any, _) => true,
        (HostPattern::Name(name), Host::Name(wanted)) => name == wanted,
        (HostPattern::Below(name), Host::Name(wanted)) => wanted
            .strip_suffix(name.as_str())
            .is_some_and(|below| below.len() > 1 && below.ends_with('.')),
        (HostPattern::Network(network), Host::Address(address)) => network.contains(*address),
        (HostPattern::Name(_) | HostPattern::Below(_), Host::Address(_))
        | (HostPattern::Network(_), Host::Name(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    /// What a guest with this entry, or these with spaces between them, was granted.
    fn policy(entries: &str) -> Policy {
        let entries: Vec<_> = entries.split_whitespace().collect();
        let text = format!("[guests.a]\ncomponent = 'a'\nallow_hosts = {entries:?}");
        let config = Config::parse(&text, Path::new("config.toml")).unwrap();
        Policy::new(config.guests["a"].capabilities.allow_hosts.clone())
    }

    fn target(uri: &str) -> Target {
        Target::of(&uri.parse().unwrap()).unwrap()
    }

    #[test]
    fn targets_are_compared_by_scheme_host_and_port() {
        let cases = [
            ("", "https://example.com/", false),
            ("https://example.com", "https://example.com/", true),
            ("https://example.com", "https://EXAMPLE.com.:443/", true),
            ("https://example.com", "http://example.com/", false),
            ("https://example.com", "https://example.com:8443/", false),
            ("https://example.com", "http://example.com:443/", false),
            (
                "https://example.com:8443",
                "https://example.com:8443/",
                true,
            ),
            ("https://example.com:8443", "https://example.com/", false),
            ("https://example.com:*", "https://example.com:1/", true),
            ("example.com", "http://example.com/", true),
            ("example.com", "https://example.com/", true),
            ("example.com", "https://example.com:80/", false),
            ("example.com", "https://www.example.com/", false),
            ("example.com", "https://notexample.com/", false),
            ("example.com", "https://example.com.evil.net/", false),
            ("*.example.com", "https://www.example.com/", true),
            ("*.example.com", "https://a.b.example.com/", true),
            ("*.example.com", "https://example.com/", false),
            ("*.example.com", "https://notexample.com/", false),
            ("*.example.com", "https://xexample.com/", false),
            ("*", "http://anything.example/", true),
            ("*", "http://anything.example:81/", false),
            ("*:*", "http://anything.example:81/", true),
            ("*", "http://8.8.8.8/", true),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/", true),
            (
                "http://127.0.0.1:9000",
                "http://[::ffff:127.0.0.1]:9000/",
                true,
            ),
            ("http://127.0.0.1:9000", "http://127.0.0.2:9000/", false),
            ("http://127.0.0.1:9000", "http://localhost:9000/", false),
            ("10.0.0.0/8:*", "http://10.1.2.3:81/", true),
            ("10.0.0.0/8:*", "http://11.1.2.3:81/", false),
            ("[::1]", "http://[::1]/", true),
            ("[::1]", "http://127.0.0.1/", false),
            ("a.com b.com", "http://b.com/", true),
        ];
        for (entries, uri, expected) in cases {
            assert_eq!(
                policy(entries).permits(&target(uri)),
                expected,
                "{entries}: {uri}"
            );
        }
    }

    #[test]
    fn addresses_that_are_not_public_must_be_granted_themselves() {
        let cases = [
            ("*:*", "http://a.com/", "8.8.8.8", true),
            ("*:*", "http://a.com/", "127.0.0.1", false),
            ("*:*", "http://a.com/", "169.254.169.254", false),
            ("*:*", "http://127.0.0.1/", "127.0.0.1", false),
            ("*:*", "http://localhost/", "127.0.0.1", false),
            ("a.com", "http://a.com/", "10.0.0.1", false),
            ("a.com", "http://a.com/", "::ffff:10.0.0.1", false),
            ("*.a.com", "http://x.a.com/", "::1", false),
            ("a.com 10.0.0.1", "http://a.com/", "10.0.0.1", true),
            ("a.com 10.0.0.1", "http://a.com/", "10.0.0.2", false),
            ("a.com 10.0.0.1", "http://a.com/", "::ffff:10.0.0.1", true),
            ("a.com 10.0.0.0/8", "http://a.com/", "10.9.9.9", true),
            ("a.com:* 10.0.0.1", "http://a.com:81/", "10.0.0.1", false),
            ("a.com https://10.0.0.1", "http://a.com/", "10.0.0.1", false),
            ("a.com 0.0.0.0/0", "http://a.com/", "127.0.0.1", true),
            ("localhost", "http://localhost/", "127.0.0.1", true),
            ("localhost", "http://localhost/", "::1", true),
            ("localhost", "http://localhost/", "10.0.0.1", false),
            ("localhost", "http://localhost:81/", "127.0.0.1", false),
            ("localhost a.com", "http://a.com/", "127.0.0.1", false),
        ];
        for (entries, uri, address, expected) in cases {
            let address = address.parse().unwrap();
            let found = policy(entries).permits_address(&target(uri), address);
            assert_eq!(found, expected, "{entries}: {uri} at {address}");
        }
    }
}
