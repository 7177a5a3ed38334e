//! The patterns of routes: `/hello`, `/users/{id}`, `/static/{*rest}`, checked once.
//! Requests are not matched here; the tree in `methods` does that.

use std::fmt;
use std::str::FromStr;

use super::path::{BadPath, normalise};

/// A checked pattern of a path. It matches normalised paths; `{name}` takes one segment that
/// is not empty, `{*name}` at the end takes all that is left and not nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It does not start at the root.
    #[error("a path starts with /")]
    NotAbsolute,
    /// It holds what a path ends at.
    #[error("{0:?} is no part of a path; it would start a query or a fragment")]
    NotPath(char),
    /// Its literal part breaks the rules of paths.
    #[error("{0}")]
    Path(#[from] BadPath),
    /// No request's path holds these after normalisation, so it could never match.
    #[error("it holds . or .. as a segment, which are taken out of every request's path")]
    DotSegment,
    /// An opening brace without its closing one, or the other way round.
    #[error("a brace has no partner; a literal brace is written %7B or %7D")]
    Braces,
    /// A capture with something before or behind it in its segment. The tree could then miss a
    /// match: it would not come back to `/{x}/y` once `/{x}a/` has failed.
    #[error("a capture must be the whole of its segment, as in /users/{{id}}/posts")]
    Partial,
    /// A capture's name is empty or not a name.
    #[error("{0:?} is not a capture's name: letters, digits and _, not starting with a digit")]
    Name(String),
    /// Two captures share a name.
    #[error("the capture {0:?} is there twice")]
    Twice(String),
    /// A capture of the rest with more behind it.
    #[error("{{*{0}}} takes all that is left and so must be the last segment")]
    NotLast(String),
}

impl Pattern {
    /// The pattern of the path `/` alone.
    pub fn root() -> Pattern {
        Pattern {
            text: "/".to_owned(),
        }
    }

    /// The pattern with its literal parts normalised.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pattern without the captures' names. Patterns that are equal in this cannot be told
    /// apart by any path.
    pub(super) fn shape(&self) -> String {
        let nameless = |segment| match capture(segment) {
            Some(name) if name.starts_with('*') => "{*}",
            Some(_) => "{}",
            None => segment,
        };
        self.text
            .split('/')
            .map(nameless)
            .collect::<Vec<_>>()
            .join("/")
    }

    /// Whether it leaves any segment open.
    pub(super) fn captures(&self) -> bool {
        self.text
            .split('/')
            .any(|segment| capture(segment).is_some())
    }

    /// Whether the last capture takes all that is left of a path.
    pub(super) fn ends_in_rest(&self) -> bool {
        self.text
            .rsplit_once('/')
            .is_some_and(|(_, last)| last.starts_with("{*"))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Pattern, BadPattern> {
        if !text.starts_with('/') {
            return Err(BadPattern::NotAbsolute);
        }
        let mut names = Vec::new();
        let mut segments = Vec::new();
        for part in text.split('/') {
            if let Some(rest) = names.last().and_then(|name: &&str| name.strip_prefix('*')) {
                return Err(BadPattern::NotLast(rest.to_owned()));
            }
            let Some(name) = capture(part) else {
                segments.push(literal(part)?);
                continue;
            };
            check_name(name, &names)?;
            names.push(name);
            segments.push(part.to_owned());
        }
        Ok(Pattern {
            text: segments.join("/"),
        })
    }
}

/// The name of a segment's capture, with its `*` if it takes the rest.
fn capture(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    (!name.contains(['{', '}'])).then_some(name)
}

/// That a capture's name is one, and none of those before it.
fn check_name(name: &str, before: &[&str]) -> Result<(), BadPattern> {
    let bare = name.strip_prefix('*').unwrap_or(name);
    if !is_name(bare) {
        return Err(BadPattern::Name(bare.to_owned()));
    }
    if before.contains(&bare) {
        return Err(BadPattern::Twice(bare.to_owned()));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    let starts_well = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts_well && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A segment without a capture, normalised as a request's path is.
fn literal(text: &str) -> Result<String, BadPattern> {
    let count = |brace| text.matches(brace).count();
    match (count('{'), count('}')) {
        (0, 0) => {}
        (open, closed) if open == closed => return Err(BadPattern::Partial),
        _ => return Err(BadPattern::Braces),
    }
    if let Some(found) = text.chars().find(|c| matches!(c, '?' | '#')) {
        return Err(BadPattern::NotPath(found));
    }
    // Behind a letter no text is a dot segment, so that it is still there to be refused.
    let guarded = format!("/x{text}");
    match &normalise(&guarded)?[2..] {
        "." | ".." => Err(BadPattern::DotSegment),
        normal => Ok(normal.to_owned()),
    }
}

#[cfg(test)]
mod tests;
