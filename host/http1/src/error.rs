//! What can go wrong: the peer's faults in one enum, our own caller's in another.
//!
//! A variant says what was found and where; it never holds more of the peer's bytes than an
//! [`Excerpt`]. Which answer a fault deserves is decided here and nowhere else.

use crate::excerpt::{Excerpt, Place, Section};
use thiserror::Error;

/// Why a request was refused. The receive side has stopped for good; the send side still works, so
/// that the client can be told, and the connection must be closed afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// More empty lines before a request line than a mistaken client sends.
    #[error("request line: more than {max} empty lines before it")]
    TooManyEmptyLines {
        /// How many are ignored.
        max: usize,
    },
    /// The method is empty or holds a byte that no token holds.
    #[error("request line: byte {byte:#04x} at offset {offset} cannot be part of a method")]
    InvalidMethod {
        /// The byte.
        byte: u8,
        /// Bytes before it in the line.
        offset: usize,
    },
    /// The method is longer than any that exists (RFC 9112 3).
    #[error("request line: the method is longer than {max} bytes")]
    MethodTooLong {
        /// The bound.
        max: usize,
    },
    /// The target is empty or holds a control, a space, a `#` or a byte past ASCII.
    #[error("request line: byte {byte:#04x} at offset {offset} cannot be part of a target")]
    InvalidTargetByte {
        /// The byte.
        byte: u8,
        /// Bytes before it in the line.
        offset: usize,
    },
    /// The target is of no form, or not of a form the method may use (RFC 9112 3.2).
    #[error("request line: target {target}: {reason}")]
    InvalidTarget {
        /// The target.
        target: Excerpt,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The target is longer than [`Limits::target_bytes_max`](crate::Limits::target_bytes_max).
    #[error("request line: the target is longer than {max} bytes")]
    TargetTooLong {
        /// The bound.
        max: usize,
    },
    /// What follows the target is not `HTTP/`, a digit, a dot, a digit and a line end.
    #[error("request line: {found} is not an HTTP version")]
    InvalidVersion {
        /// What stands there.
        found: Excerpt,
    },
    /// A version of another major than 1.
    #[error("request line: HTTP/{major}.{minor} is not supported, HTTP/1.1 is")]
    UnsupportedVersion {
        /// The digit before the dot.
        major: u8,
        /// The digit after it.
        minor: u8,
    },
    /// A head or trailer section past [`Limits::head_bytes_max`](crate::Limits::head_bytes_max).
    #[error("the {section} is larger than {max} bytes")]
    SectionTooLarge {
        /// Which section.
        section: Section,
        /// The bound.
        max: usize,
    },
    /// More fields than [`Limits::fields_max`](crate::Limits::fields_max).
    #[error("the {section} has more than {max} fields")]
    TooManyFields {
        /// Which section.
        section: Section,
        /// The bound.
        max: usize,
    },
    /// A field name is empty or holds a byte that no token holds.
    #[error("{place}: byte {byte:#04x} cannot be part of a field name")]
    InvalidFieldName {
        /// Which field.
        place: Place,
        /// The byte.
        byte: u8,
    },
    /// White space between a field name and its colon (RFC 9112 5.1).
    #[error("{place}: white space before the colon")]
    SpaceBeforeColon {
        /// Which field.
        place: Place,
    },
    /// A line that begins with white space: obsolete line folding (RFC 9112 5.2).
    #[error("{place}: the line begins with white space")]
    FoldedLine {
        /// Which field.
        place: Place,
    },
    /// A field value holds a control, a bare LF among them.
    #[error("{place}: byte {byte:#04x} cannot be part of a field value")]
    InvalidFieldValue {
        /// Which field.
        place: Place,
        /// The byte.
        byte: u8,
    },
    /// A CR that no LF follows, or a LF with no CR before it (RFC 9112 2.2).
    #[error("{place}: byte {byte:#04x} where the line end CR LF belongs")]
    InvalidLineEnd {
        /// Where.
        place: Place,
        /// The byte found instead.
        byte: u8,
    },
    /// An HTTP/1.1 request without Host (RFC 9112 3.2).
    #[error("HTTP/1.1 requires a `host` field")]
    MissingHost,
    /// More than one Host field.
    #[error("{place}: a second `host` field")]
    SeveralHosts {
        /// The second one.
        place: Place,
    },
    /// A Host that is no `uri-host [ ":" port ]`, or is empty although the target needs it.
    #[error("{place}: {host} is not a host with an optional port")]
    InvalidHost {
        /// Which field.
        place: Place,
        /// Its value.
        host: Excerpt,
    },
    /// A Content-Length that is not one decimal number below 2^64; a list is not one number.
    #[error("{place}: {value} is not a decimal length")]
    InvalidContentLength {
        /// Which field.
        place: Place,
        /// Its value.
        value: Excerpt,
    },
    /// More than one Content-Length field, equal or not.
    #[error("{place}: a second `content-length` field")]
    SeveralContentLengths {
        /// The second one.
        place: Place,
    },
    /// Content-Length and Transfer-Encoding in one request (RFC 9112 6.3): request smuggling.
    #[error("{place}: `content-length` and `transfer-encoding` exclude each other")]
    LengthAndCoding {
        /// The later of the two.
        place: Place,
    },
    /// Transfer-Encoding in an HTTP/1.0 request, whose framing it cannot change (RFC 9112 6.1).
    #[error("{place}: HTTP/1.0 has no transfer codings")]
    CodingInHttp10 {
        /// Which field.
        place: Place,
    },
    /// Transfer codings that do not end with exactly one `chunked`, or are no list of codings.
    #[error("{place}: {value} does not end with exactly one `chunked`")]
    InvalidTransferEncoding {
        /// Which field.
        place: Place,
        /// Its value.
        value: Excerpt,
    },
    /// A transfer coding other than `chunked`.
    #[error("{place}: transfer coding {coding} is not supported, `chunked` is")]
    UnsupportedCoding {
        /// Which field.
        place: Place,
        /// The coding.
        coding: Excerpt,
    },
    /// An expectation other than `100-continue` (RFC 9110 10.1.1).
    #[error("{place}: expectation {value} is not supported, `100-continue` is")]
    UnsupportedExpectation {
        /// Which field.
        place: Place,
        /// The list member.
        value: Excerpt,
    },
    /// A byte that is no hexadecimal digit where a chunk size belongs (RFC 9112 7.1).
    #[error("chunk size line: byte {byte:#04x} cannot be part of a chunk size")]
    InvalidChunkSize {
        /// The byte.
        byte: u8,
    },
    /// A chunk size of more digits than any size below 2^64 needs.
    #[error("chunk size line: more than {max} digits")]
    ChunkSizeTooLong {
        /// The bound.
        max: usize,
    },
    /// A control in a chunk extension, or white space after the size with no extension to follow.
    #[error("chunk size line: byte {byte:#04x} cannot be part of a chunk extension")]
    InvalidChunkExtension {
        /// The byte.
        byte: u8,
    },
    /// Extensions past
    /// [`Limits::chunk_extension_bytes_max`](crate::Limits::chunk_extension_bytes_max).
    #[error("the body has more than {max} bytes of chunk extensions")]
    ChunkExtensionsTooLong {
        /// The bound.
        max: usize,
    },
    /// A trailer field that must be known before the body (RFC 9110 6.5.1).
    #[error("{place}: not allowed in a trailer section")]
    ForbiddenTrailer {
        /// Which field.
        place: Place,
    },
    /// The client ended its side in the middle of a request.
    #[error("{place}: the client stopped sending before the request was complete")]
    Truncated {
        /// What was incomplete.
        place: Place,
    },
}

impl RequestError {
    /// The status code that tells the client: 400, 414, 417, 431, 501 or 505.
    pub fn status(&self) -> u16 {
        match self {
            Self::TargetTooLong { .. } => 414,
            Self::UnsupportedExpectation { .. } => 417,
            Self::SectionTooLarge { .. } | Self::TooManyFields { .. } => 431,
            Self::MethodTooLong { .. } | Self::UnsupportedCoding { .. } => 501,
            Self::UnsupportedVersion { .. } => 505,
            _ => 400,
        }
    }
}

/// A mistake of the caller in sending. Nothing was written, and except where a variant says
/// otherwise nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// A second final head in one cycle.
    #[error("the response head was already sent")]
    HeadTwice,
    /// Data or the end of a response whose head was not sent.
    #[error("the response head was not sent yet")]
    HeadMissing,
    /// Data or an end after the end.
    #[error("the response is already complete")]
    AlreadyComplete,
    /// A status outside 102..=599, or 101: this server switches to no other protocol.
    #[error("{status} is not a status a response can have")]
    InvalidStatus {
        /// The status.
        status: u16,
    },
    /// A 2xx answer to CONNECT, which would open a tunnel (RFC 9110 9.3.6).
    #[error("{status} would accept a CONNECT, and there are no tunnels here")]
    TunnelAccepted {
        /// The status.
        status: u16,
    },
    /// A field name that is no token.
    #[error("{name} is not a field name")]
    InvalidFieldName {
        /// The name.
        name: Excerpt,
    },
    /// A field value with a control in it.
    #[error("field {name}: the value holds a control character")]
    InvalidFieldValue {
        /// The name.
        name: Excerpt,
    },
    /// A field that only the protocol itself may write, or that no trailer section may hold.
    #[error("field {name} is not the caller's to send")]
    FramingField {
        /// The name.
        name: Excerpt,
    },
    /// More data than the length that the head promised.
    #[error("{excess} bytes more than the response's content-length")]
    BodyTooLong {
        /// Bytes past the promise.
        excess: u64,
    },
    /// The end came before the promised length. The response is over, visibly incomplete, and the
    /// connection must be closed.
    #[error("{missing} bytes less than the response's content-length")]
    BodyTooShort {
        /// Bytes short of the promise.
        missing: u64,
    },
}
