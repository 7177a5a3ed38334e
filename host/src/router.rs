//! Finds the route for a host, a method and a path. Pure: no sockets, no guests, no clock, and no
//! knowledge of what a route leads to beyond its index.

mod host;
mod methods;
mod path;
mod pattern;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::config::Route;

pub use host::{BadHost, parse_host};
pub use path::{BadPath, normalise};
pub use pattern::{BadPattern, Pattern};

use host::Hosts;

/// All routes, ready to be searched.
///
/// A route takes a request when host, method and path all fit. Of several, the most specific host
/// decides first (`a.example.com`, then `*.example.com`, then any host), then the most specific
/// path (`/users/new`, then `/users/{id}`, then `/{*rest}`).
#[derive(Clone, Debug)]
pub struct Router {
    hosts: Hosts,
}

/// What the router has to say about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'r> {
    /// A route takes it.
    Route {
        /// The route's place among those the router was made of.
        index: usize,
        /// The path in its normal form.
        path: Cow<'r, str>,
        /// The captures of the route's pattern, in its order, percent-decoded.
        captures: Vec<(&'r str, String)>,
    },
    /// No route has this path: 404.
    NotFound,
    /// Routes have this path, but not with this method: 405.
    MethodNotAllowed {
        /// The `Allow` field's value: the methods with which the path is found, sorted.
        allow: String,
    },
    /// The path is not one: 400.
    BadPath(BadPath),
}

/// Two routes that take the same requests, so that neither comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConflict {
    /// The earlier route's place among all routes.
    pub first: usize,
    /// The later route's place.
    pub second: usize,
    /// A method that both take; none when both take every method.
    pub method: Option<String>,
}

impl Router {
    /// A router over these routes.
    ///
    /// # Errors
    /// Every pair of routes found that overlap.
    pub fn new(routes: &[Route]) -> Result<Router, Vec<RouteConflict>> {
        Ok(Router {
            hosts: Hosts::new(routes)?,
        })
    }

    /// The route for a request. `authority` is the host asked for, with or without a port, as the
    /// client wrote it; `path` is the target's path as sent, without the query.
    pub fn find<'r>(&'r self, method: &str, authority: Option<&str>, path: &'r str) -> Found<'r> {
        let path = match normalise(path) {
            Ok(path) => path,
            Err(bad) => return Found::BadPath(bad),
        };
        let found = self
            .hosts
            .tables(authority)
            .find_map(|table| table.at(method, &path));
        let Some(found) = found else {
            return self.not_found(authority, &path);
        };
        let index = found.index;
        match found.decode_captures() {
            Ok(captures) => Found::Route {
                index,
                path,
                captures,
            },
            Err(bad) => Found::BadPath(bad),
        }
    }

    /// Tells a path that is nowhere from one that other methods find.
    fn not_found(&self, authority: Option<&str>, path: &str) -> Found<'static> {
        let tables = self.hosts.tables(authority);
        let allowed: BTreeSet<&str> = tables.flat_map(|table| table.methods_at(path)).collect();
        if allowed.is_empty() {
            return Found::NotFound;
        }
        let allowed: Vec<&str> = allowed.into_iter().collect();
        Found::MethodNotAllowed {
            allow: allowed.join(", "),
        }
    }
}
