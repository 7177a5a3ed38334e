//! The forms of a request-target (RFC 9112 3.2) and which method may use which.
//!
//! The target is split and checked here, never decoded or normalised: that is the router's matter.

use crate::authority::{self, Port};
use crate::class::is_hex;
use crate::error::RequestError;
use crate::excerpt::Excerpt;
use crate::fields::Span;
use crate::head::TargetForm;

/// Where the parts of a target lie, counted like the span of the target itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TargetParts {
    pub(crate) form: TargetForm,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) authority: Option<Span>,
    pub(crate) path: Span,
    pub(crate) query: Option<Span>,
}

/// The schemes an origin server answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Splits `target`, whose bytes are known to be in the class of targets and which begins `offset`
/// bytes into the head.
///
/// # Errors
/// A target of no form, or of a form that `method` may not use.
pub(crate) fn split(
    method: &[u8],
    target: &[u8],
    offset: usize,
) -> Result<TargetParts, RequestError> {
    let parts = match (method, target) {
        (b"CONNECT", _) => authority_form(target, offset),
        (_, [b'/', ..]) => Ok(with_path(TargetForm::Origin, target, 0, offset)),
        (b"OPTIONS", b"*") => Ok(asterisk_form(offset)),
        (_, b"*") => Err("the asterisk form is for OPTIONS only"),
        _ => absolute_form(target, offset),
    };
    parts
        .and_then(|parts| check_percent(target).map(|()| parts))
        .map_err(|reason| RequestError::InvalidTarget {
            target: Excerpt::new(target),
            reason,
        })
}

fn asterisk_form(offset: usize) -> TargetParts {
    let path = Span::new(offset, offset + 1);
    TargetParts {
        form: TargetForm::Asterisk,
        path,
        ..TargetParts::default()
    }
}

/// RFC 9110 9.3.6: a CONNECT without a valid port must be refused.
fn authority_form(target: &[u8], offset: usize) -> Result<TargetParts, &'static str> {
    match authority::parse(target) {
        Some(Port::Number(1..)) => Ok(TargetParts {
            form: TargetForm::Authority,
            authority: Some(Span::new(offset, offset + target.len())),
            path: Span::new(offset, offset),
            ..TargetParts::default()
        }),
        _ => Err("CONNECT requires a host and a port"),
    }
}

fn absolute_form(target: &[u8], offset: usize) -> Result<TargetParts, &'static str> {
    let (scheme, start) = scheme(target).ok_or("neither a path nor an http or https URI")?;
    let rest = &target[start..];
    let len = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    authority::parse(&rest[..len]).ok_or("the URI's authority is not a host and a port")?;
    let end = start + len;
    Ok(TargetParts {
        scheme: Some(scheme),
        authority: Some(Span::new(offset + start, offset + end)),
        ..with_path(TargetForm::Absolute, target, end, offset)
    })
}

/// The scheme of an absolute target and where its authority begins.
fn scheme(target: &[u8]) -> Option<(Scheme, usize)> {
    let colon = memchr::memchr(b':', target)?;
    let scheme = match &target[..colon] {
        name if name.eq_ignore_ascii_case(b"http") => Scheme::Http,
        name if name.eq_ignore_ascii_case(b"https") => Scheme::Https,
        _ => return None,
    };
    target[colon..]
        .starts_with(b"://")
        .then_some((scheme, colon + 3))
}

/// The path that begins `start` bytes into the target, and the query after it.
fn with_path(form: TargetForm, target: &[u8], start: usize, offset: usize) -> TargetParts {
    let question = memchr::memchr(b'?', &target[start..]).map(|at| start + at);
    let path_end = question.unwrap_or(target.len());
    TargetParts {
        form,
        path: Span::new(offset + start, offset + path_end),
        query: question.map(|at| Span::new(offset + at + 1, offset + target.len())),
        ..TargetParts::default()
    }
}

/// RFC 3986 2.1: a percent sign begins a triplet. Recipients disagree about any other, and a
/// disagreement about a path is a way around a rule on paths.
fn check_percent(target: &[u8]) -> Result<(), &'static str> {
    for at in memchr::memchr_iter(b'%', target) {
        match target.get(at + 1..at + 3) {
            Some([high, low]) if is_hex(*high) && is_hex(*low) => {}
            _ => return Err("a percent sign without two hexadecimal digits"),
        }
    }
    Ok(())
}
