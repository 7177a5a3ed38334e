//! The response a handler builds. No error type appears here: a value that HTTP cannot carry turns
//! the whole response into a logged 500, because a response half as meant is worse than none.

use std::fmt;

use crate::syntax::{FieldError, check_field, encode_location};
use crate::{Body, BodyWriter, Error, EventWriter, raw};

/// A response: status, fields, body.
///
/// The host adds `date` and the framing fields, and checks what a guest sends. Some mistakes are
/// caught before that: a field name that is no token, a control character in a value (the way to
/// smuggle in a second field), a field the host sends itself, a status outside 200 to 599. Any of
/// these is logged as an error and makes this response a plain 500, whatever is called afterwards.
///
/// ```
/// use httpd_guest::Response;
///
/// let response = Response::html("<h1>Gone</h1>").with_status(410).with_field("x-why", "moved");
/// assert_eq!(response.status_code(), 410);
/// assert_eq!(response.field("content-type"), Some(&b"text/html; charset=utf-8"[..]));
///
/// let attacked = Response::new().with_field("x-name", "Eve\r\nset-cookie: admin=1");
/// assert_eq!(attacked.status_code(), 500);
/// assert_eq!(attacked.field("x-name"), None);
/// ```
///
/// With another type of body it is the response of an `async fn` that streams, or the answer to a
/// [`fetch`](crate::fetch()): [`Response<Body>`](crate::Body).
#[derive(Clone, PartialEq, Eq)]
pub struct Response<B = Vec<u8>> {
    status: u16,
    fields: Vec<raw::Field>,
    body: B,
    refused: bool,
}

impl Response {
    /// 200 with no fields and an empty body.
    #[must_use]
    pub fn new() -> Self {
        Self::from_parts(200, Vec::new(), Vec::new())
    }

    /// 200 with a body of text, `text/plain; charset=utf-8`.
    pub fn text(body: impl Into<String>) -> Self {
        Self::typed("text/plain; charset=utf-8", body.into().into_bytes())
    }

    /// 200 with a page, `text/html; charset=utf-8`. Nothing is escaped.
    pub fn html(body: impl Into<String>) -> Self {
        Self::typed("text/html; charset=utf-8", body.into().into_bytes())
    }

    /// 200 with a value as JSON, `application/json`. A value that has no JSON form, such as a map
    /// whose keys are no strings, makes it a logged 500.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::typed("application/json", body),
            Err(error) => Self::refuse(format_args!("no JSON can be made of the value: {error}")),
        }
    }

    /// 200 with any bytes, `application/octet-stream` unless [`with_field`](Self::with_field)
    /// says otherwise.
    pub fn bytes(body: impl Into<Vec<u8>>) -> Self {
        Self::typed("application/octet-stream", body.into())
    }

    /// A status from 200 to 599 with an empty body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new().with_status(status)
    }

    /// 302 to another place (RFC 9110 section 15.4.3); use `.with_status(308)` and the like for
    /// the other kinds.
    ///
    /// Spaces and text outside ASCII are percent-encoded. A control character refuses the whole
    /// response, so no caller's input can add a field. Where the place is up to the client, check
    /// that it is one of yours: this function cannot know.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        match encode_location(location) {
            Some(location) => Self::status(302).with_field("location", location),
            None => Self::refuse(format_args!(
                "redirect: the location has a control character"
            )),
        }
    }

    /// Sets the body and leaves the fields alone.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        if !self.refused {
            self.body = body.into();
        }
        self
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text, if it is valid UTF-8.
    #[must_use]
    pub fn body_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// The record the host takes.
    #[must_use]
    pub fn into_raw(self) -> raw::Response {
        raw::Response {
            status: self.status,
            fields: self.fields,
            body: self.body,
        }
    }

    /// What a client sees when the reason is none of its business.
    pub(crate) fn internal_error() -> Self {
        Self::text("Internal Server Error\n").with_status(500)
    }

    fn typed(content_type: &str, body: Vec<u8>) -> Self {
        Self::new()
            .with_field("content-type", content_type)
            .with_body(body)
    }
}

/// What every response has, streamed or not.
impl<B: From<Vec<u8>>> Response<B> {
    /// Sets the status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        if self.refused {
            return self;
        }
        if !(200..=599).contains(&status) {
            return Self::refuse(format_args!("status {status} is not within 200 to 599"));
        }
        self.status = status;
        self
    }

    /// Sets a field, in place of any of the same name.
    #[must_use]
    pub fn with_field(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without_field(name).push(name, value.as_ref())
    }

    /// Adds a field and keeps others of the same name, as `set-cookie` needs it.
    #[must_use]
    pub fn with_added_field(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.push(name, value.as_ref())
    }

    /// Sets a body that is streamed: one made by [`Body::stream`], or one that came in and goes
    /// on as it is.
    #[must_use]
    pub fn with_stream(self, body: impl Into<Body>) -> Response<Body> {
        if self.refused {
            return Response::refuse_quietly();
        }
        Response::from_parts(self.status, self.fields, body.into())
    }

    /// Takes every field of this name away.
    #[must_use]
    pub fn without_field(mut self, name: &str) -> Self {
        self.fields
            .retain(|field| !field.name.eq_ignore_ascii_case(name));
        self
    }

    /// The status.
    #[must_use]
    pub fn status_code(&self) -> u16 {
        self.status
    }

    /// The value of the first field of this name, ignoring case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Every field in the order it will be sent.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields
            .iter()
            .map(|field| (&*field.name, &*field.value))
    }

    /// The body alone, without copying it.
    #[must_use]
    pub fn into_body(self) -> B {
        self.body
    }

    pub(crate) fn from_parts(status: u16, fields: Vec<raw::Field>, body: B) -> Self {
        Self {
            status,
            fields,
            body,
            refused: false,
        }
    }

    pub(crate) fn into_parts(self) -> (u16, Vec<raw::Field>, B) {
        (self.status, self.fields, self.body)
    }

    /// Not generic in the value, so that a guest has it once for all the types it uses.
    fn push(mut self, name: &str, value: &[u8]) -> Self {
        if self.refused {
            return self;
        }
        match check_field(name, value) {
            Ok(()) => {
                let (name, value) = (name.to_owned(), value.to_vec());
                self.fields.push(raw::Field { name, value });
                self
            }
            Err(FieldError::Name) => Self::refuse(format_args!("a field's name is not a token")),
            Err(error) => Self::refuse(format_args!("field {name}: {error}")),
        }
    }

    fn show(&self, body: &dyn fmt::Debug, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Response");
        shown.field("status", &self.status);
        for (name, value) in self.fields() {
            shown.field(name, &String::from_utf8_lossy(value));
        }
        shown
            .field("body", body)
            .field("refused", &self.refused)
            .finish()
    }

    /// A response half as meant is worse than none: this one takes its place.
    fn refuse(why: fmt::Arguments<'_>) -> Self {
        log::error!("response refused: {why}");
        Self::refuse_quietly()
    }

    fn refuse_quietly() -> Self {
        let (status, fields, body) = Response::internal_error().into_parts();
        Self {
            refused: true,
            ..Self::from_parts(status, fields, body.into())
        }
    }
}

/// Bodies that are streamed.
impl Response<Body> {
    /// 200 with a body that `write` makes while it is sent, as [`Body::stream`] tells.
    ///
    /// ```
    /// use httpd_guest::{Body, Request, Response, handler};
    ///
    /// #[handler]
    /// async fn handle(_: Request<Body>) -> Response<Body> {
    ///     Response::stream(async |out| {
    ///         for number in 1..=3 {
    ///             out.write(format!("{number}\n")).await?;
    ///         }
    ///         Ok(())
    ///     })
    ///     .with_field("content-type", "text/plain; charset=utf-8")
    /// }
    /// # fn main() {
    /// let response = httpd_guest::testing::call(handle, Request::get("/"));
    /// assert_eq!(response.body_str(), Some("1\n2\n3\n"));
    /// # }
    /// ```
    pub fn stream<F>(write: F) -> Self
    where
        F: AsyncFnOnce(&mut BodyWriter) -> Result<(), Error> + 'static,
    {
        Response::new().with_stream(Body::stream(write))
    }

    /// 200 with server-sent events, which `send` makes while the client listens.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use httpd_guest::{Body, Event, Request, Response, handler, time};
    ///
    /// #[handler]
    /// async fn handle(_: Request<Body>) -> Response<Body> {
    ///     Response::events(async |events| {
    ///         for second in 1..=3 {
    ///             time::sleep(Duration::from_secs(1)).await;
    ///             events.send(Event::new(second).with_name("tick")).await?;
    ///         }
    ///         Ok(())
    ///     })
    /// }
    /// # fn main() {
    /// let response = httpd_guest::testing::call(handle, Request::get("/"));
    /// assert!(response.body_str().unwrap().ends_with("event: tick\ndata: 3\n\n"));
    /// # }
    /// ```
    pub fn events<F>(send: F) -> Self
    where
        F: AsyncFnOnce(&mut EventWriter<'_>) -> Result<(), Error> + 'static,
    {
        Self::stream(async move |out| send(&mut EventWriter::new(out)).await)
            .with_field("content-type", "text/event-stream")
            .with_field("cache-control", "no-store")
    }

    /// The body, to read it while the head is still of use.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }
}

/// A response that is whole is one that streams, too.
impl From<Response> for Response<Body> {
    fn from(response: Response) -> Self {
        let Response {
            status,
            fields,
            body,
            refused,
        } = response;
        Self {
            status,
            fields,
            body: body.into(),
            refused,
        }
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(&String::from_utf8_lossy(&self.body), f)
    }
}

impl fmt::Debug for Response<Body> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(&self.body, f)
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
