//! An entry of `allow_hosts`: scheme, host and port of the requests that a guest may send. Pure
//! text to data; no name is looked up, and nothing here decides about a request.

use std::fmt;
use std::net::IpAddr;

/// Which requests an entry allows. It displays as the configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    /// The scheme; either one when absent.
    pub scheme: Option<Scheme>,
    /// The host.
    pub host: HostPattern,
    /// The port.
    pub port: PortPattern,
}

/// A scheme that a guest can send requests in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

/// Which hosts an entry means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: every host.
    Any,
    /// One name, in lower case and without a dot at its end.
    Name(String),
    /// `*.example.com`: every host below this name, however far, and not the name itself.
    Below(String),
    /// The addresses of a network, which may be a single one.
    Network(Network),
}

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Which ports an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortPattern {
    /// The scheme's own: 80 or 443.
    Default,
    /// `:*`: every port.
    Any,
    /// One.
    Exactly(u16),
}

const WANTED: &str = "a host such as \"https://api.example.com\", \"http://127.0.0.1:9000\", \
                      \"https://*.example.com\", \"10.0.0.0/8:*\" or \"*\"";

impl Scheme {
    /// The port of a URI that names none.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    /// As a URI has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

impl Network {
    /// Whether it holds an address. An IPv4 address that is mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = u32::from(self.prefix);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= bits
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= bits
            }
            _ => false,
        }
    }

    /// A network of one address.
    fn single(address: IpAddr) -> Network {
        let address = address.to_canonical();
        Network {
            address,
            prefix: width(address),
        }
    }

    /// `10.0.0.0/8`, all bits behind the prefix zero: others would promise less than they allow.
    fn parse(text: &str) -> Result<Network, String> {
        let (address, prefix) = text.split_once('/').ok_or_else(|| wrong(text))?;
        let address: IpAddr = address.parse().map_err(|_| wrong(text))?;
        let prefix = prefix.parse().ok().filter(|bits| *bits <= width(address));
        let prefix = prefix.ok_or_else(|| wrong(text))?;
        let trailing = match address {
            IpAddr::V4(address) => address.to_bits().trailing_zeros(),
            IpAddr::V6(address) => address.to_bits().trailing_zeros(),
        };
        if trailing < u32::from(width(address) - prefix) {
            return Err(format!(
                "{text:?} has bits set behind its prefix of {prefix} bits; write the network's \
                 first address"
            ));
        }
        Ok(Network { address, prefix })
    }
}

/// The bits of an address.
fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Reads an entry.
///
/// # Errors
/// What is wrong with the text, for a person.
pub(super) fn allowed_host(text: &str) -> Result<AllowedHost, String> {
    let (scheme, rest) = match text.split_once("://") {
        Some(("http", rest)) => (Some(Scheme::Http), rest),
        Some(("https", rest)) => (Some(Scheme::Https), rest),
        Some((other, _)) => return Err(format!("{other:?} is neither http nor https")),
        None => (None, text),
    };
    let (host, port) = split_port(rest);
    Ok(AllowedHost {
        scheme,
        host: host_pattern(host)?,
        port: port.map_or(Ok(PortPattern::Default), port_pattern)?,
    })
}

/// The host and what is behind its colon. An IPv6 address in brackets has colons of its own.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let behind = text.rfind(']').map_or(0, |end| end + 1);
    match text[behind..].rfind(':') {
        Some(colon) => (&text[..behind + colon], Some(&text[behind + colon + 1..])),
        None => (text, None),
    }
}

fn port_pattern(text: &str) -> Result<PortPattern, String> {
    if text == "*" {
        return Ok(PortPattern::Any);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port != 0);
    port.map(PortPattern::Exactly)
        .ok_or_else(|| format!("{text:?} is not a port: 1 to 65535, or * for all of them"))
}

fn host_pattern(text: &str) -> Result<HostPattern, String> {
    if text == "*" {
        return Ok(HostPattern::Any);
    }
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let literal = bracketed.unwrap_or(text);
    match literal.parse::<IpAddr>() {
        Ok(address) if address.is_ipv6() == bracketed.is_some() => {
            return Ok(HostPattern::Network(Network::single(address)));
        }
        _ if is_network(literal) => return Network::parse(literal).map(HostPattern::Network),
        _ => {}
    }
    if let Some(name) = text.strip_prefix("*.") {
        return host_name(name).map(HostPattern::Below);
    }
    host_name(text).map(HostPattern::Name)
}

/// Whether a text is meant to be a network, and not a name with a path behind it.
fn is_network(text: &str) -> bool {
    let Some((address, _)) = text.split_once('/') else {
        return false;
    };
    address.parse::<IpAddr>().is_ok()
}

/// A name as it is compared: in lower case, without the dot that may end it.
fn host_name(text: &str) -> Result<String, String> {
    if text.contains(['/', '?', '#']) {
        return Err(format!(
            "{text:?} has a path; a host is written without one"
        ));
    }
    if text.contains('*') {
        return Err(format!(
            "{text:?}: * stands for whole labels, and only first"
        ));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.chars().all(allowed);
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(wrong(text));
    }
    // Resolvers read 127.1 and 0x7f000001 as addresses. Nobody writes them in good faith.
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong(text));
    }
    Ok(name)
}

fn wrong(text: &str) -> String {
    format!("{text:?} is not {WANTED}")
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme {
            write!(f, "{}://", scheme.as_str())?;
        }
        match &self.host {
            HostPattern::Any => f.write_str("*")?,
            HostPattern::Name(name) => f.write_str(name)?,
            HostPattern::Below(name) => write!(f, "*.{name}")?,
            HostPattern::Network(network) => write!(f, "{network}")?,
        }
        match self.port {
            PortPattern::Default => Ok(()),
            PortPattern::Any => f.write_str(":*"),
            PortPattern::Exactly(port) => write!(f, ":{port}"),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.address.is_ipv6() {
            ("[", "]")
        } else {
            ("", "")
        };
        write!(f, "{open}{}", self.address)?;
        if self.prefix < width(self.address) {
            write!(f, "/{}", self.prefix)?;
        }
        f.write_str(close)
    }
}

#[cfg(test)]
mod tests;
