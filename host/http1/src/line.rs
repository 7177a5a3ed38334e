//! A request line as nearly every client sends it, read in one go.
//!
//! It has the origin form, no percent sign, and is there as a whole. Any other line, a wrong one
//! above all, is left to `decode`, which reads it element by element and alone refuses.

use crate::class::{plain_name_len, plain_target_end, plain_value_end};
use crate::fields::Span;
use crate::head::{TargetForm, Version};
use crate::target::TargetParts;

/// The elements of a request line.
pub(crate) struct Line {
    pub(crate) method: Span,
    pub(crate) target: Span,
    pub(crate) parts: TargetParts,
    pub(crate) version: Version,
    /// Bytes up to and including the line end.
    pub(crate) len: usize,
}

/// Reads the line at the start of `bytes`; `None` if it is not there as a whole, or not plain.
#[inline(always)]
pub(crate) fn plain(bytes: &[u8], target_bytes_max: usize) -> Option<Line> {
    // Found before what stands in the line is looked at, so that the processor can go on to the
    // next line at the same time.
    let line_end = plain_value_end(bytes)?;
    let end = line_end.checked_sub(VERSION_BYTES)?;
    let version = version(bytes.get(end..line_end + 2)?)?;
    let method_end = plain_name_len(bytes.first_chunk()?);
    let start = method_end + 1;
    let path_end = plain_target_end(bytes, start)?;
    let (target_end, query) = match bytes.get(path_end)? {
        b'?' => {
            let query = Span::new(path_end + 1, end);
            (query_end(bytes, path_end + 1)?, Some(query))
        }
        _ => (path_end, None),
    };
    let is_plain = method_end > 0
        && *bytes.get(method_end)? == b' '
        && *bytes.get(start)? == b'/'
        && bytes.get(..method_end)? != b"CONNECT"
        && target_end == end
        && end - start <= target_bytes_max;
    if !is_plain {
        return None;
    }
    Some(Line {
        method: Span::new(0, method_end),
        target: Span::new(start, end),
        parts: TargetParts {
            form: TargetForm::Origin,
            path: Span::new(start, path_end),
            query,
            ..TargetParts::default()
        },
        version,
        len: line_end + 2,
    })
}

/// The space and the version after a target.
const VERSION_BYTES: usize = b" HTTP/1.1".len();

/// Where the query ends that begins at `start`, if no percent sign is in it. Further question
/// marks may be.
fn query_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut end = plain_target_end(bytes, start)?;
    while *bytes.get(end)? == b'?' {
        end = plain_target_end(bytes, end + 1)?;
    }
    Some(end)
}

/// The version in the last bytes of a line, which begin with the space before it.
#[inline]
fn version(bytes: &[u8]) -> Option<Version> {
    let (version, end) = bytes.split_first_chunk()?;
    match u64::from_le_bytes(*version) {
        _ if !matches!(end, b"1\r\n" | b"0\r\n") => None,
        version if version != u64::from_le_bytes(*b" HTTP/1.") => None,
        _ if end.starts_with(b"1") => Some(Version::Http11),
        _ => Some(Version::Http10),
    }
}
