//! From the authority a client asked for to the routes of that host. Names are compared as text;
//! nothing is looked up.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::Ipv6Addr;

use super::RouteConflict;
use super::methods::Methods;
use crate::config::Route;

/// Why a text is no host of a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// The port a client came by does not matter to routes.
    #[error("a host is written without a port")]
    Port,
    /// Only a whole first label can be left open.
    #[error("* stands for whole labels at the start only, as in *.example.com")]
    Wildcard,
    /// Not the name of a host.
    #[error(
        "{0:?} is not a host: a name such as example.com, *.example.com (beyond ASCII in its \
         xn-- form), or an address such as 127.0.0.1 or [::1]"
    )]
    Name(String),
}

/// The host of a route in the form it is compared in: lower case, no dot at the end. `*.` at the
/// start stands for one label or more.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_host(text: &str) -> Result<String, BadHost> {
    let host = comparable(text);
    let bad_name = || BadHost::Name(text.to_owned());
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').ok_or_else(bad_name)?;
        address.parse::<Ipv6Addr>().map_err(|_| bad_name())?;
        return Ok(host.into_owned());
    }
    if host.contains(':') {
        return Err(BadHost::Port);
    }
    let name = host.strip_prefix("*.").unwrap_or(&host);
    if name.contains('*') {
        return Err(BadHost::Wildcard);
    }
    if name.is_empty() || !name.split('.').all(is_label) {
        return Err(bad_name());
    }
    Ok(host.into_owned())
}

/// The tables of every host that routes name, and of those that name none.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    /// By the host, or for `*.example.com` by `.example.com`, which no host's name equals.
    named: HashMap<String, Methods>,
    /// Whether a name in `named` starts with a dot; without any, suffixes need no look-up.
    wildcards: bool,
    any: Methods,
}

impl Hosts {
    pub(super) fn new(routes: &[Route]) -> Result<Hosts, Vec<RouteConflict>> {
        let mut by_host: BTreeMap<&str, Vec<(usize, &Route)>> = BTreeMap::new();
        for (index, route) in routes.iter().enumerate() {
            let host = route.host.as_deref().unwrap_or_default();
            let key = host.strip_prefix('*').unwrap_or(host);
            by_host.entry(key).or_default().push((index, route));
        }
        let wildcards = by_host.keys().any(|key| key.starts_with('.'));
        let mut named = HashMap::new();
        let mut conflicts = Vec::new();
        for (host, routes) in by_host {
            let (table, found) = Methods::new(&routes);
            named.insert(host.to_owned(), table);
            conflicts.extend(found);
        }
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        let any = named.remove("").unwrap_or_default();
        Ok(Hosts {
            named,
            wildcards,
            any,
        })
    }

    /// The tables to search for a host, the most specific first.
    pub(super) fn tables(&self, authority: Option<&str>) -> impl Iterator<Item = &Methods> {
        let authority = authority.filter(|_| !self.named.is_empty());
        let host = authority.map(|authority| comparable(without_port(authority)));
        let host = host.as_deref().filter(|host| !host.starts_with('.'));
        let exact = host.and_then(|host| self.named.get(host));
        let wildcards: Vec<&Methods> = match host.filter(|_| self.wildcards) {
            Some(host) => suffixes(host)
                .filter_map(|suffix| self.named.get(suffix))
                .collect(),
            None => Vec::new(),
        };
        exact
            .into_iter()
            .chain(wildcards)
            .chain(std::iter::once(&self.any))
    }
}

/// What is left of a name after each of its labels, the longest first, each with its dot.
fn suffixes(host: &str) -> impl Iterator<Item = &str> {
    host.match_indices('.').map(|(dot, _)| &host[dot..])
}

/// The host of an authority: without the port, and an IPv6 address still in its brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Host names are the same in either case (RFC 3986 section 3.2.2), and with or without the dot
/// of the root at their end.
fn comparable(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(host.to_ascii_lowercase());
    }
    Cow::Borrowed(host)
}

/// A label as host names in use have them; `_` is none of theirs, but met in practice.
fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(allowed)
}
