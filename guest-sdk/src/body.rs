//! A body that is read, or made, piece by piece. Where the pieces of one come from is told in the
//! modules below: from the host in `incoming`, from this guest's own code in `made`.

#[cfg(target_family = "wasm")]
pub(crate) mod incoming;
pub(crate) mod made;

use std::fmt;

use crate::request::bad_request;
use crate::{Error, raw};

use made::Made;
pub use made::{BodyWriter, Gone};

/// A body that is read piece by piece, made piece by piece, or handed on as it is.
///
/// ```
/// use httpd_guest::{Body, Error, Request, Response, handler};
///
/// #[handler]
/// async fn handle(mut request: Request<Body>) -> Result<Response, Error> {
///     let mut longest = 0;
///     while let Some(piece) = request.body_mut().next().await? {
///         longest = longest.max(piece.len());
///     }
///     Ok(Response::text(format!("the longest piece had {longest} bytes")))
/// }
/// # fn main() {
/// let response = httpd_guest::testing::call(handle, Request::post("/").with_body("abc"));
/// assert_eq!(response.body_str(), Some("the longest piece had 3 bytes"));
/// # }
/// ```
///
/// No more of an upload arrives than is asked for. A guest that drops the body need not read it:
/// the host takes care of the rest.
pub struct Body {
    source: Source,
    trailers: Vec<raw::Field>,
}

enum Source {
    Bytes(Vec<u8>),
    Made(Made),
    #[cfg(target_family = "wasm")]
    Host(incoming::Incoming),
    /// It broke and was reported; a second look must not find it complete.
    Broken,
}

/// What becomes of a body when it is a message's: it is sent as it came, or written by a task.
#[cfg(target_family = "wasm")]
pub(crate) enum Lowered {
    Empty,
    Passed(incoming::Incoming),
    Pumped(Body),
}

impl Body {
    /// A body that `write` makes while it is sent: each piece waits until the one before is on its
    /// way, so that a slow reader slows the writer down and nothing piles up.
    ///
    /// An error ends the body before its end, and the reader can tell. A reader that is gone makes
    /// [`BodyWriter::write`] fail, so that `?` ends the work.
    pub fn stream<F>(write: F) -> Self
    where
        F: AsyncFnOnce(&mut BodyWriter) -> Result<(), Error> + 'static,
    {
        Self::from_source(Source::Made(Made::new(write)))
    }

    /// The next piece; `None` after the last. Pieces are as they come: where they are cut has no
    /// meaning.
    ///
    /// # Errors
    /// When the body ended before its end: 400 for a request's, 502 for a response's.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let next = match &mut self.source {
            Source::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                return Ok((!bytes.is_empty()).then_some(bytes));
            }
            Source::Made(made) => made.next(&mut self.trailers).await,
            #[cfg(target_family = "wasm")]
            Source::Host(incoming) => incoming.next(&mut self.trailers).await,
            Source::Broken => Err(Error::new(502, "the body is broken")),
        };
        match &next {
            Ok(Some(_)) => {}
            Ok(None) => self.source = Source::Bytes(Vec::new()),
            Err(_) => self.source = Source::Broken,
        }
        next
    }

    /// The whole body, if it has at most `bytes_max` bytes.
    ///
    /// # Errors
    /// 413 when it is longer; what [`next`](Self::next) gives when it breaks off.
    pub async fn bytes(&mut self, bytes_max: usize) -> Result<Vec<u8>, Error> {
        let too_long = || {
            Error::new(
                413,
                format_args!("the body has more than {bytes_max} bytes"),
            )
        };
        if self
            .length()
            .is_some_and(|length| length > bytes_max as u64)
        {
            return Err(too_long());
        }
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            if piece.len() > bytes_max - whole.len() {
                return Err(too_long());
            }
            if whole.is_empty() {
                whole = piece;
            } else {
                whole.extend_from_slice(&piece);
            }
        }
        Ok(whole)
    }

    /// The whole body as text, if it has at most `bytes_max` bytes.
    ///
    /// # Errors
    /// 400 when it is not UTF-8; otherwise as [`bytes`](Self::bytes).
    pub async fn text(&mut self, bytes_max: usize) -> Result<String, Error> {
        String::from_utf8(self.bytes(bytes_max).await?).map_err(|error| bad_request("text", &error))
    }

    /// The whole body read as JSON, if it has at most `bytes_max` bytes.
    ///
    /// # Errors
    /// 400 when it is no JSON, or not of the shape `T` wants; otherwise as [`bytes`](Self::bytes).
    #[cfg(feature = "json")]
    pub async fn json<T: serde::de::DeserializeOwned>(
        &mut self,
        bytes_max: usize,
    ) -> Result<T, Error> {
        let bytes = self.bytes(bytes_max).await?;
        serde_json::from_slice(&bytes).map_err(|error| bad_request("JSON", &error))
    }

    /// How many bytes are still to come, where that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Bytes(bytes) => Some(bytes.len() as u64),
            #[cfg(target_family = "wasm")]
            Source::Host(incoming) => incoming.length(),
            Source::Made(made) => made.length(),
            Source::Broken => None,
        }
    }

    /// Says how long a body will be that [`stream`](Self::stream) makes. The host breaks off one
    /// that turns out to be of another length.
    #[must_use]
    pub fn with_length(mut self, length: u64) -> Self {
        if let Source::Made(made) = &mut self.source {
            made.set_length(length);
        }
        self
    }

    /// The fields after the body, known once [`next`](Self::next) gave `None`.
    pub fn trailers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.trailers
            .iter()
            .map(|field| (&*field.name, &*field.value))
    }

    /// Adds a field to be sent after the body. The host sends it to clients that can take it.
    #[must_use]
    pub fn with_trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (name.to_ascii_lowercase(), value.as_ref().to_vec());
        self.trailers.push(raw::Field { name, value });
        self
    }

    /// Lets a body made by this guest's code go on to its end though nobody reads it any more: its
    /// writes fail from now on.
    #[cfg_attr(
        not(target_family = "wasm"),
        allow(dead_code, reason = "only hosts leave")
    )]
    pub(crate) async fn abandon(self) {
        if let Source::Made(made) = self.source {
            made.abandon().await;
        }
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn from_incoming(incoming: incoming::Incoming) -> Self {
        Self::from_source(Source::Host(incoming))
    }

    /// Only what is untouched can be passed on as it is: trailers that were added need a writer.
    #[cfg(target_family = "wasm")]
    pub(crate) fn lower(self) -> Lowered {
        match self {
            Self {
                source: Source::Host(incoming),
                trailers,
            } if trailers.is_empty() => Lowered::Passed(incoming),
            body if body.is_empty() => Lowered::Empty,
            body => Lowered::Pumped(body),
        }
    }

    /// Whether it is known that nothing comes. What a writer does it is left to do.
    #[cfg(target_family = "wasm")]
    fn is_empty(&self) -> bool {
        matches!(&self.source, Source::Bytes(bytes) if bytes.is_empty()) && self.trailers.is_empty()
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn take_trailers(&mut self) -> Vec<raw::Field> {
        std::mem::take(&mut self.trailers)
    }

    fn from_source(source: Source) -> Self {
        Self {
            source,
            trailers: Vec::new(),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_source(Source::Bytes(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

impl Default for Body {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Bytes(bytes) => write!(f, "Body({:?})", String::from_utf8_lossy(bytes)),
            _ => f.write_str("Body(..)"),
        }
    }
}

#[cfg(test)]
#[path = "body/body_tests.rs"]
mod tests;
