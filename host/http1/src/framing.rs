//! How long a body is (RFC 9112 6.3): one pure function for requests, one for responses.
//!
//! A disagreement about framing is a request smuggled, so nothing here guesses, and there is no
//! lenient mode. No other file decides a length.

use crate::error::RequestError;
use crate::excerpt::{Excerpt, Place};
use crate::head::Version;
use crate::{class, list};

/// How the body of a request is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyLength {
    /// There is no body.
    #[default]
    None,
    /// Content-Length: this many bytes, which may be none.
    Known(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

/// How long the body of a response is, as far as the caller knows when it sends the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseLength {
    /// Exactly this many bytes.
    Known(u64),
    /// Unknown: chunked to an HTTP/1.1 client, ended by the close of the connection to another.
    Unknown,
}

/// The length of a request's body from all its fields, given in order with their names in lower
/// case. `place` says how an error names the field of an index.
///
/// # Errors
/// Everything that two recipients might read differently.
pub(crate) fn request_body<'a>(
    version: Version,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    place: impl Fn(usize) -> Place,
) -> Result<BodyLength, RequestError> {
    let mut length = None;
    let mut codings = Codings::default();
    for (index, (name, value)) in fields.enumerate() {
        let is_length = match name {
            b"content-length" => true,
            b"transfer-encoding" => false,
            _ => continue,
        };
        let place = || place(index);
        // 6.3 (3): both are refused, never reconciled by letting one win.
        let other_seen = if is_length {
            codings.any
        } else {
            length.is_some()
        };
        if other_seen {
            return Err(RequestError::LengthAndCoding { place: place() });
        }
        if is_length {
            // 6.3 (5): repeated equal lengths could be merged, and are refused instead.
            if length.is_some() {
                return Err(RequestError::SeveralContentLengths { place: place() });
            }
            length = Some(content_length(value, place)?);
        } else if version == Version::Http10 {
            // 6.1: the framing of such a message is faulty even if its length seems clear.
            return Err(RequestError::CodingInHttp10 { place: place() });
        } else {
            codings.add(value, place)?;
        }
    }
    Ok(match length {
        // 6.3 (4): `chunked` is the final coding, or `codings` had refused it.
        None if codings.any => BodyLength::Chunked,
        // 6.3 (6)
        Some(length) => BodyLength::Known(length),
        // 6.3 (7)
        None => BodyLength::None,
    })
}

/// RFC 9110 8.6: `1*DIGIT`. A sign, a space, a list or an overflow is an error.
fn content_length(value: &[u8], place: impl Fn() -> Place) -> Result<u64, RequestError> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = str::from_utf8(value)
        .ok()
        .filter(|_| digits)
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| RequestError::InvalidContentLength {
        place: place(),
        value: Excerpt::new(value),
    })
}

/// The transfer codings of all field lines so far, of which `chunked` must be the only one.
#[derive(Default)]
struct Codings {
    any: bool,
    chunked: bool,
}

impl Codings {
    fn add(&mut self, value: &[u8], place: impl Fn() -> Place) -> Result<(), RequestError> {
        self.any = true;
        let invalid = || RequestError::InvalidTransferEncoding {
            place: place(),
            value: Excerpt::new(value),
        };
        let mut unsupported = None;
        for coding in list::members(value) {
            // 6.3 (4): nothing may follow `chunked`, nor may it be applied twice (7.1).
            if self.chunked {
                return Err(invalid());
            }
            let name = coding
                .split(|byte| *byte == b';')
                .next()
                .unwrap_or_default();
            if !class::is_token(class::trim_ows(name)) {
                return Err(invalid());
            }
            if coding.eq_ignore_ascii_case(b"chunked") {
                self.chunked = true;
            } else if class::trim_ows(name).eq_ignore_ascii_case(b"chunked") {
                // 7.1: `chunked` has no parameters.
                return Err(invalid());
            } else {
                unsupported = unsupported.or(Some(coding));
            }
        }
        match unsupported {
            // 6.1: 501 for a coding the server does not know.
            Some(coding) => Err(RequestError::UnsupportedCoding {
                place: place(),
                coding: Excerpt::new(coding),
            }),
            None => Ok(()),
        }
    }
}

/// How the body of a response goes onto the wire, and which field says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResponseFraming {
    pub(crate) body: ResponseBody,
    /// The value of Content-Length, if it is sent.
    pub(crate) content_length: Option<u64>,
    /// Whether `Transfer-Encoding: chunked` is sent.
    pub(crate) chunked: bool,
}

/// What happens to the bytes of a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseBody {
    /// There are none on the wire, whatever the caller has.
    Suppressed,
    /// So many follow.
    Length(u64),
    /// Chunks follow.
    Chunked,
    /// They follow until the connection closes.
    UntilClose,
}

/// How a response of `status` to a request of `version` is framed; `is_head` says whether the
/// method was HEAD.
pub(crate) fn response_body(
    version: Version,
    is_head: bool,
    status: u16,
    length: ResponseLength,
) -> ResponseFraming {
    use ResponseBody::{Chunked, Length, Suppressed, UntilClose};
    let framed = match (length, version) {
        (ResponseLength::Known(n), _) => framing(Length(n), Some(n), false),
        (ResponseLength::Unknown, Version::Http11) => framing(Chunked, None, true),
        (ResponseLength::Unknown, Version::Http10) => framing(UntilClose, None, false),
    };
    match status {
        // 6.3 (1) and RFC 9110 8.6: neither body nor framing fields.
        100..=199 | 204 => framing(Suppressed, None, false),
        // RFC 9110 15.3.6: no content, and said in a way that every client understands.
        205 => framing(Suppressed, Some(0), false),
        // RFC 9110 15.4.5: a length here describes what a 200 would have held. A caller that has
        // none in mind gives 0 or `Unknown`, and an absent field claims nothing.
        304 => framing(Suppressed, framed.content_length.filter(|n| *n > 0), false),
        // 6.3 (1): the fields of the answer to GET, without its body.
        _ if is_head => framing(Suppressed, framed.content_length, framed.chunked),
        _ => framed,
    }
}

fn framing(body: ResponseBody, content_length: Option<u64>, chunked: bool) -> ResponseFraming {
    ResponseFraming {
        body,
        content_length,
        chunked,
    }
}
