//! Requests made by a guest: for its tests, and to send with [`fetch`](crate::fetch()). Reading a
//! request is not this file's affair.

use crate::{Body, raw};

use super::Request;

/// Requests made by hand: for tests, and to send with [`fetch`](crate::fetch()). They are taken as
/// they are, without the host's checks.
impl Request {
    /// A request to `target`: a path with an optional query, from 127.0.0.1 to `localhost`, or a
    /// whole URL such as `https://example.com:8443/a?b=c`. What follows a `#` is left out.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let target = target.split_once('#').map_or(target, |(before, _)| before);
        let (scheme, authority, target) = split_url(target);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        let head = raw::Request {
            id: "test".to_owned(),
            client: "127.0.0.1:49152".to_owned(),
            method: method.to_owned(),
            scheme: scheme.to_ascii_lowercase(),
            authority: Some(authority.to_owned()),
            path: path.to_owned(),
            query,
            fields: Vec::new(),
            captures: Vec::new(),
            body: Vec::new(),
        };
        Self::from_parts(head, Vec::new())
    }

    /// A GET request.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST request.
    #[must_use]
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

impl<B> Request<B> {
    /// Adds a field, its name in lower case as the host has it, and keeps others of that name.
    #[must_use]
    pub fn with_added_field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (name.to_ascii_lowercase(), value.as_ref().to_vec());
        self.head.fields.push(raw::Field { name, value });
        self
    }

    /// Sets a field, in place of any of the same name.
    #[must_use]
    pub fn with_field(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without_field(name).with_added_field(name, value)
    }

    /// Takes every field of this name away.
    #[must_use]
    pub fn without_field(mut self, name: &str) -> Self {
        self.head
            .fields
            .retain(|field| !field.name.eq_ignore_ascii_case(name));
        self
    }

    /// Adds a capture, as a route with `{name}` in its path makes one.
    #[must_use]
    pub fn with_capture(mut self, name: &str, value: &str) -> Self {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.head.captures.push(raw::Capture { name, value });
        self
    }

    /// Sets a body that is streamed: one made by [`Body::stream`], or one that came in and goes
    /// on as it is.
    #[must_use]
    pub fn with_stream(self, body: impl Into<Body>) -> Request<Body> {
        Request::from_parts(self.head, body.into())
    }
}

/// Scheme, authority, and the rest, of a URL; those of a test for what has none.
fn split_url(target: &str) -> (&str, &str, &str) {
    let Some((scheme, rest)) = target.split_once("://") else {
        return ("http", "localhost", target);
    };
    if target.starts_with('/') {
        return ("http", "localhost", target);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    (scheme, authority, path)
}
