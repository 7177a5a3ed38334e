//! How errors quote the peer: bounded, escaped, and with the place the bytes were found.
//!
//! Whatever a client sends may end in a log or in an answer, so nothing here is ever raw or long.

use std::fmt;

/// The most bytes of the peer that an error repeats.
const EXCERPT_BYTES_MAX: usize = 48;

/// A few bytes a client sent, escaped to printable ASCII and cut after 48 of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// Quotes `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        let cut = &bytes[..bytes.len().min(EXCERPT_BYTES_MAX)];
        let mut text = cut.escape_ascii().to_string();
        if cut.len() < bytes.len() {
            text.push_str("...");
        }
        Self(text.into_boxed_str())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

/// Which field section of a request: the one of its head, or the one after a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The fields of the head.
    Head,
    /// The fields after the last chunk (RFC 9112 7.1.2).
    Trailers,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "head",
            Self::Trailers => "trailer section",
        })
    }
}

/// Where in a request something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the request line, or before it.
    RequestLine,
    /// Anywhere in the head.
    Head,
    /// In a field line.
    Field {
        /// Head or trailers.
        section: Section,
        /// Counted from 1.
        number: usize,
        /// The name, if any of it was read.
        name: Excerpt,
    },
    /// At the end of the head or of the trailer section.
    SectionEnd(Section),
    /// In the line that gives a chunk's size.
    ChunkLine,
    /// In the line end after a chunk's data.
    ChunkEnd,
    /// In the body.
    Body,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestLine => f.write_str("request line"),
            Self::Head => f.write_str("head"),
            Self::Field {
                section,
                number,
                name,
            } => {
                f.write_str(if *section == Section::Trailers {
                    "trailer "
                } else {
                    ""
                })?;
                write!(f, "field {number}")?;
                if name.0.is_empty() {
                    Ok(())
                } else {
                    write!(f, " {name}")
                }
            }
            Self::SectionEnd(section) => write!(f, "end of the {section}"),
            Self::ChunkLine => f.write_str("chunk size line"),
            Self::ChunkEnd => f.write_str("end of a chunk"),
            Self::Body => f.write_str("body"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_escaped_and_cut() {
        assert_eq!(
            Excerpt::new(b"a\r\n\x00\xff`").to_string(),
            "`a\\r\\n\\x00\\xff``"
        );
        let long = Excerpt::new(&[b'x'; 1000]).to_string();
        assert_eq!(long.len(), EXCERPT_BYTES_MAX + "``...".len());
    }
}
