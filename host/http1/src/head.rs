//! A complete request head, as the rest of the host sees it.
//!
//! It owns its bytes in two buffers that can be used again, and only reads them: parsing is in
//! `decode`, `section` and `target`, and what the fields mean is decided in `meaning`.

use crate::excerpt::{Place, Section};
use crate::fields::{Fields, Span};
use crate::framing::BodyLength;
use crate::meaning::Meaning;
use crate::target::TargetParts;

/// The version of a request. A higher minor version counts as 1.1 (RFC 9110 2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
}

/// The forms of a request-target (RFC 9112 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`, the usual one.
    #[default]
    Origin,
    /// A whole URI, which every server must accept.
    Absolute,
    /// `host:port`, for CONNECT only.
    Authority,
    /// `*`, for OPTIONS only.
    Asterisk,
}

/// A request line and its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// The table's bytes are the whole head, so all spans here refer to them.
    pub(crate) fields: Fields,
    pub(crate) method: Span,
    pub(crate) target: Span,
    pub(crate) parts: TargetParts,
    pub(crate) version: Version,
    pub(crate) meaning: Meaning,
}

/// What a request asks for and of whom, as text: each part as the method of [`RequestHead`] with
/// the same name returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestText<'a> {
    /// The method.
    pub method: &'a str,
    /// The request-target.
    pub target: &'a str,
    /// Host and port.
    pub authority: Option<&'a str>,
    /// The path.
    pub path: &'a str,
    /// What follows the first `?`.
    pub query: Option<&'a str>,
}

impl RequestHead {
    /// All of these at once, which takes less time than one after the other.
    pub fn text(&self) -> RequestText<'_> {
        // All but the Host field.
        let line = Span::new(0, self.target.end()).text(self.fields.bytes());
        let of = |span: Span| line.get(span.start()..span.end()).unwrap_or_default();
        RequestText {
            method: of(self.method),
            target: of(self.target),
            authority: self.authority_by(of),
            path: self.path_by(of),
            query: self.parts.query.map(of),
        }
    }

    /// The method, whose case matters.
    pub fn method(&self) -> &str {
        self.method.text(self.fields.bytes())
    }

    /// The version, HTTP/1.0 or HTTP/1.1.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The request-target as received.
    pub fn target(&self) -> &str {
        self.target.text(self.fields.bytes())
    }

    /// The form of the target; it is one the method may use.
    pub fn form(&self) -> TargetForm {
        self.parts.form
    }

    /// `http` or `https` if the target is a whole URI, in lower case.
    pub fn scheme(&self) -> Option<&str> {
        self.parts.scheme.map(crate::target::Scheme::as_str)
    }

    /// Host and port the request is for, as received: the target's if it has one, else the Host
    /// field's (RFC 9112 3.2.2). `None` if the client named no host.
    pub fn authority(&self) -> Option<&str> {
        self.authority_by(|span| span.text(self.fields.bytes()))
    }

    fn authority_by<'a>(&'a self, of: impl Fn(Span) -> &'a str) -> Option<&'a str> {
        let from_host = |index| self.fields.value_span(index).text(self.fields.bytes());
        let of_target = self.parts.authority.map(of);
        let authority = of_target.or_else(|| self.meaning.host.map(from_host))?;
        Some(authority).filter(|authority| !authority.is_empty())
    }

    /// The path as received, percent-encoding and all: `/` if a whole URI has none, `*` for the
    /// asterisk form and empty for the authority form.
    pub fn path(&self) -> &str {
        self.path_by(|span| span.text(self.fields.bytes()))
    }

    fn path_by<'a>(&'a self, of: impl Fn(Span) -> &'a str) -> &'a str {
        match of(self.parts.path) {
            "" if self.parts.form == TargetForm::Absolute => "/",
            path => path,
        }
    }

    /// What follows the first `?`, which may be empty.
    pub fn query(&self) -> Option<&str> {
        self.parts.query.map(|span| span.text(self.fields.bytes()))
    }

    /// Names, in lower case, and values without surrounding white space, in the order received.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.fields.iter_text()
    }

    /// The first value of `name`, which is compared without case.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }

    /// How the body is framed (RFC 9112 6.3).
    pub fn body_length(&self) -> BodyLength {
        self.meaning.body_length
    }

    /// Whether the client asked to see 100 (Continue) before it sends the body, and a body is to
    /// come (RFC 9110 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.meaning.expects_continue
    }

    /// Whether the client wants the connection kept (RFC 9112 9.3).
    pub fn wants_keep_alive(&self) -> bool {
        self.meaning.wants_keep_alive
    }

    /// The size of the head on the wire, from the method to the empty line.
    pub fn head_bytes(&self) -> usize {
        self.fields.bytes().len()
    }

    /// The memory that it keeps when it is used again.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.fields.memory_bytes()
    }

    /// Forgets what a failed or older head left. What is not reset here is set before a head is
    /// complete, and not read sooner.
    pub(crate) fn begin(&mut self) {
        self.fields.clear();
        self.version = Version::default();
    }

    pub(crate) fn method_bytes(&self) -> &[u8] {
        self.method.of(self.fields.bytes())
    }

    pub(crate) fn place(&self, index: usize) -> Place {
        self.fields.place(Section::Head, index)
    }
}
