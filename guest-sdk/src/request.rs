//! The request a handler reads. Parsing of whole bodies and of queries lives here; requests are
//! made in `build`, and nothing in here answers.

mod build;

use std::borrow::Cow;
use std::fmt;

use crate::{Body, Error, raw};

/// A request with its whole body. The host has checked its framing, normalised its path and
/// matched it to a route.
///
/// ```
/// use httpd_guest::Request;
///
/// let request = Request::post("/users?notify=yes")
///     .with_field("Content-Type", "application/x-www-form-urlencoded")
///     .with_body("name=Ada+Lovelace");
/// assert_eq!(request.method(), "POST");
/// assert_eq!(request.path(), "/users");
/// assert_eq!(request.query_param("notify").as_deref(), Some("yes"));
/// assert_eq!(request.form().unwrap()[0], ("name".into(), "Ada Lovelace".into()));
/// ```
///
/// With another type of body it is the request of an `async fn`: [`Request<Body>`](crate::Body)
/// has the same head, and a body that is read piece by piece.
#[derive(Clone, PartialEq, Eq)]
pub struct Request<B = Vec<u8>> {
    /// The host's record with an empty body, which is beside it.
    head: raw::Request,
    body: B,
}

/// What the host says about a request.
impl<B> Request<B> {
    /// The method as sent; methods are case-sensitive (RFC 9110 section 9.1).
    #[must_use]
    pub fn method(&self) -> &str {
        &self.head.method
    }

    /// The path without the query, normalised: no dot segments, needless percent-escapes decoded,
    /// the others kept. `*` for `OPTIONS *`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.head.path
    }

    /// What follows the first `?` of the target, not decoded; `None` when it has no `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.head.query.as_deref()
    }

    /// The query's `name=value` pairs in order, decoded: `+` is a space, `%41` is `A`, and bytes
    /// that are no UTF-8 become U+FFFD.
    pub fn query_params(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.query().unwrap_or_default().as_bytes())
    }

    /// The first value of a name in the query, decoded. Names are case-sensitive.
    #[must_use]
    pub fn query_param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_params()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    /// The value of the first field of this name, ignoring case. HTTP allows bytes outside ASCII
    /// in it, so it is no `str`; [`field_str`](Self::field_str) is what most callers want.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Like [`field`](Self::field), as text; `None` also when the value is not UTF-8.
    #[must_use]
    pub fn field_str(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.field(name)?).ok()
    }

    /// The value of every field of this name, ignoring case, in order.
    pub fn field_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }

    /// Every field in the order sent, duplicates kept, names in lower case.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head
            .fields
            .iter()
            .map(|field| (&*field.name, &*field.value))
    }

    /// The body alone, without copying it.
    #[must_use]
    pub fn into_body(self) -> B {
        self.body
    }

    /// The request's id, which the host's log and its error responses carry too.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.head.id
    }

    /// The peer's address and port, such as `203.0.113.7:49152` or `[2001:db8::1]:49152`; `unix`
    /// for one that came over a Unix socket.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.head.client
    }

    /// The host and optional port that the client asked for; `None` when an HTTP/1.0 client named
    /// none.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.head.authority.as_deref()
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.head.scheme
    }

    fn find_capture(&self, is_it: impl Fn(&str) -> bool) -> Option<&str> {
        let mut captures = self.head.captures.iter();
        captures
            .find(|capture| is_it(&capture.name))
            .map(|found| &*found.value)
    }

    /// The head as the host's record, whose body is empty, and the body.
    #[cfg(target_family = "wasm")]
    pub(crate) fn into_parts(self) -> (raw::Request, B) {
        (self.head, self.body)
    }

    pub(crate) fn from_parts(head: raw::Request, body: B) -> Self {
        Self { head, body }
    }
}

/// The records of the lean world.
impl Request {
    /// The record the host sent.
    #[must_use]
    pub fn into_raw(self) -> raw::Request {
        raw::Request {
            body: self.body,
            ..self.head
        }
    }

    /// A request from the host's record.
    #[must_use]
    pub fn from_raw(mut request: raw::Request) -> Self {
        let body = std::mem::take(&mut request.body);
        Self::from_parts(request, body)
    }
}

/// The body read as something. What does not parse is the client's fault, an [`Error`] of 400.
impl Request {
    /// The part of the path that the route's pattern captured under this name: `42` for `id` when
    /// `/users/{id}` matched `/users/42`. It is percent-decoded.
    #[must_use]
    pub fn capture(&self, name: &str) -> Option<&str> {
        self.find_capture(|other| other == name)
    }

    /// The body's bytes; empty when there is none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    ///
    /// # Errors
    /// 400 when it is not UTF-8.
    pub fn body_str(&self) -> Result<&str, Error> {
        std::str::from_utf8(self.body()).map_err(|error| bad_request("text", &error))
    }

    /// The body read as JSON. The `content-type` field is not looked at: clients forget it.
    ///
    /// ```
    /// use httpd_guest::Request;
    ///
    /// let request = Request::post("/sum").with_body("[1, 2, 3]");
    /// assert_eq!(request.json::<Vec<u32>>().unwrap().iter().sum::<u32>(), 6);
    /// ```
    ///
    /// # Errors
    /// 400 when it is no JSON, or not of the shape `T` wants.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.body()).map_err(|error| bad_request("JSON", &error))
    }

    /// The pairs of a form a browser sent as `application/x-www-form-urlencoded`, in order and
    /// decoded as [`query_params`](Self::query_params) are.
    ///
    /// # Errors
    /// 415 when the `content-type` field names another type: every body can be read as a form, so
    /// nothing but this field tells a form from a file.
    pub fn form(&self) -> Result<Vec<(String, String)>, Error> {
        const FORM: &str = "application/x-www-form-urlencoded";
        let content_type = self.field_str("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(FORM) {
            return Err(Error::new(415, format_args!("the body is not {FORM}")));
        }
        Ok(form_urlencoded::parse(self.body()).into_owned().collect())
    }
}

pub(crate) fn bad_request(what: &str, error: &dyn fmt::Display) -> Error {
    Error::new(
        400,
        format_args!("the body is not the {what} expected: {error}"),
    )
}

impl Request<Body> {
    /// The part of the path that the route's pattern captured under this name, in any case: `42`
    /// for `id` when `/users/{id}` matched `/users/42`. It is percent-decoded.
    #[must_use]
    pub fn capture(&self, name: &str) -> Option<&str> {
        // The host has no place for it but in a field, whose name has no case.
        self.find_capture(|other| other.eq_ignore_ascii_case(name))
    }

    /// The body, to read it while the head is still of use.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }
}

impl From<Request> for Request<Body> {
    fn from(request: Request) -> Self {
        Self::from_parts(request.head, request.body.into())
    }
}

impl<B: fmt::Debug> fmt::Debug for Request<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { head, body } = self;
        f.debug_struct("Request")
            .field("head", head)
            .field("body", body)
            .finish()
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
