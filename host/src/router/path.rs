//! Makes a request's path safe to route by: one form for all spellings of the same path, and no
//! way out of the root. Pure text; what a path leads to is not known here.

use std::borrow::Cow;

/// Why a path is refused; each is the client's fault and answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It does not start with `/`.
    #[error("the path does not start with /")]
    NotAbsolute,
    /// A `%` without two hexadecimal digits behind it.
    #[error("a % in the path is not followed by two hexadecimal digits")]
    Escape,
    /// NUL, plain or escaped, which ends a text for many who read it.
    #[error("the path holds NUL")]
    Nul,
    /// What was captured is not UTF-8 once decoded.
    #[error("a captured part of the path is not UTF-8")]
    NotUtf8,
    /// `%2F` within several captured segments: decoded, it would pass for a separator.
    #[error("%2F in a part of the path where / separates segments")]
    EscapedSlash,
}

/// The path in the one form that all its spellings share: escapes of unreserved characters are
/// decoded, the others are kept with upper-case digits, what a path may not hold unescaped is
/// escaped, and after that dot segments are removed, never above the root (RFC 3986 sections
/// 5.2.4 and 6.2.2). `%2F` stays what it is and `//` is kept. The result is ASCII, and it is
/// `path` itself, not a copy, when there is nothing to change.
///
/// # Errors
/// A path that does not start with `/`, a bad escape, or NUL.
pub fn normalise(path: &str) -> Result<Cow<'_, str>, BadPath> {
    if !path.starts_with('/') {
        return Err(BadPath::NotAbsolute);
    }
    let escaped = normalise_escapes(path)?;
    if escaped.contains("/.") {
        return Ok(without_dot_segments(escaped));
    }
    Ok(escaped)
}

/// A captured part of a normalised path, percent-decoded. `rest` says that it may hold several
/// segments, so that its `/` are separators.
///
/// # Errors
/// Text that is not UTF-8, or an escaped `/` among separators.
pub(super) fn decode_capture(part: &str, rest: bool) -> Result<String, BadPath> {
    if !part.contains('%') {
        return Ok(part.to_owned());
    }
    if rest && part.contains("%2F") {
        return Err(BadPath::EscapedSlash);
    }
    let mut decoded = Vec::with_capacity(part.len());
    let mut bytes = part.as_bytes();
    while let Some((&first, after)) = bytes.split_first() {
        let (byte, after) = if first == b'%' {
            escape(after)?
        } else {
            (first, after)
        };
        decoded.push(byte);
        bytes = after;
    }
    String::from_utf8(decoded).map_err(|_| BadPath::NotUtf8)
}

/// The path with every escape in its one proper form.
fn normalise_escapes(path: &str) -> Result<Cow<'_, str>, BadPath> {
    let plain = path.bytes().take_while(|byte| stays(*byte)).count();
    if plain == path.len() {
        return Ok(Cow::Borrowed(path));
    }
    let (plain, rest) = path.as_bytes().split_at(plain);
    let mut normal = String::with_capacity(path.len() + 8);
    normal.extend(plain.iter().copied().map(char::from));
    let mut bytes = rest;
    while let Some((&first, after)) = bytes.split_first() {
        let escaped = first == b'%';
        let (byte, after) = if escaped {
            escape(after)?
        } else {
            (first, after)
        };
        match byte {
            0 => return Err(BadPath::Nul),
            byte if is_unreserved(byte) || (!escaped && stays(byte)) => normal.push(byte.into()),
            byte => push_escape(&mut normal, byte),
        }
        bytes = after;
    }
    Ok(Cow::Owned(normal))
}

/// The byte that the two digits behind a `%` stand for, and what follows them.
fn escape(bytes: &[u8]) -> Result<(u8, &[u8]), BadPath> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let Some((&[high, low], after)) = bytes.split_first_chunk() else {
        return Err(BadPath::Escape);
    };
    match (digit(high), digit(low)) {
        (Some(high), Some(low)) => Ok((high << 4 | low, after)),
        _ => Err(BadPath::Escape),
    }
}

fn push_escape(text: &mut String, byte: u8) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    text.push('%');
    text.push(DIGITS[usize::from(byte >> 4)]);
    text.push(DIGITS[usize::from(byte & 15)]);
}

/// RFC 3986 section 2.3: these mean the same escaped or not.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What a path may hold as it is: RFC 3986 section 3.3, and `/`.
fn stays(byte: u8) -> bool {
    STAYS[usize::from(byte)]
}

/// A table, because every byte of every request's path is looked up.
const STAYS: [bool; 256] = {
    let mut table = [false; 256];
    let reserved = b"!$&'()*+,;=:@/-._~";
    let mut index = 0;
    while index < reserved.len() {
        table[reserved[index] as usize] = true;
        index += 1;
    }
    let mut byte = 0;
    while byte < 128 {
        table[byte] |= (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// The path without `.` and `..` segments (RFC 3986 section 5.2.4). Segments such as `.x` stay.
fn without_dot_segments(path: Cow<'_, str>) -> Cow<'_, str> {
    let is_dots = |segment: &str| matches!(segment, "." | "..");
    if !path.split('/').any(is_dots) {
        return path;
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
        // A path that ends in a dot segment names a directory and so ends in a slash.
        if last && is_dots(segment) {
            kept.push("");
        }
    }
    Cow::Owned(format!("/{}", kept.join("/")))
}

#[cfg(test)]
mod tests;
