//! Reads a request head as its bytes arrive (RFC 9112 2.2 and 3).
//!
//! The request line is read here, the fields by `section`, both with the same promise: every byte
//! is looked at once, and the first one that decides refuses the request, so that a client which
//! sends junk and waits is answered at once.

use crate::class::{target_end, token_end};
use crate::error::RequestError;
use crate::excerpt::{Excerpt, Place, Section};
use crate::fields::Span;
use crate::head::{RequestHead, Version};
use crate::limits::Limits;
use crate::padded::Padded;
use crate::section::{SectionDecoder, SectionRules};
use crate::{line, meaning, target};

/// RFC 9112 2.2 asks to ignore at least one empty line before a request line.
const EMPTY_LINES_MAX: usize = 8;
/// The longest registered method has 17 bytes.
pub(crate) const METHOD_BYTES_MAX: usize = 64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    EmptyLines,
    Method,
    Target,
    Version,
    LineEnd,
    Fields,
}

/// How far a head was read. Offsets count from the first byte of the method.
#[derive(Debug, Default)]
pub(crate) struct HeadDecoder {
    step: Step,
    scanned: usize,
    mark: usize,
    empty_lines: usize,
    section: SectionDecoder,
}

impl HeadDecoder {
    /// Whether a byte of the request line was read.
    pub(crate) fn begun(&self) -> bool {
        self.step != Step::EmptyLines
    }

    /// Whether nothing was read, not even an empty line.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.begun() && self.empty_lines == 0
    }

    /// Whether the method was read to its end.
    pub(crate) fn method_known(&self) -> bool {
        !matches!(self.step, Step::EmptyLines | Step::Method)
    }

    /// Counts the empty lines at the start of `bytes` and returns how many bytes they are, to be
    /// dropped before [`HeadDecoder::advance`]; nothing once the request line has begun.
    #[inline(always)]
    pub(crate) fn skip_empty_lines(&mut self, bytes: &[u8]) -> Result<usize, RequestError> {
        match bytes.first() {
            Some(b'\r') if !self.begun() => self.empty_lines(bytes),
            Some(_) if !self.begun() => {
                self.step = Step::Method;
                Ok(0)
            }
            _ => Ok(0),
        }
    }

    #[cold]
    fn empty_lines(&mut self, bytes: &[u8]) -> Result<usize, RequestError> {
        let mut skipped = 0;
        while !self.begun() {
            match &bytes[skipped..] {
                [] | [b'\r'] => break,
                [b'\r', b'\n', ..] if self.empty_lines < EMPTY_LINES_MAX => {
                    self.empty_lines += 1;
                    skipped += 2;
                }
                [b'\r', b'\n', ..] => {
                    return Err(RequestError::TooManyEmptyLines {
                        max: EMPTY_LINES_MAX,
                    });
                }
                [b'\r', byte, ..] => return Err(invalid_line_end(*byte)),
                _ => self.step = Step::Method,
            }
        }
        Ok(skipped)
    }

    /// Reads on in `bytes`, which begin with the method, and fills `head`. Returns the length of
    /// the head once it is complete, and `None` while more bytes are needed.
    #[inline(always)]
    pub(crate) fn advance(
        &mut self,
        bytes: Padded<'_>,
        head: &mut RequestHead,
        limits: &Limits,
    ) -> Result<Option<usize>, RequestError> {
        let (max, received) = (limits.head_bytes_max, bytes.len);
        let bytes = bytes.at_most(max);
        match self.scan(bytes, head, limits)? {
            Some(len) => {
                head.fields.fill(bytes.bytes, len);
                meaning::read(head, bytes.bytes)?;
                Ok(Some(len))
            }
            None if received >= max => Err(too_large(max)),
            None => Ok(None),
        }
    }

    #[inline(always)]
    fn scan(
        &mut self,
        bytes: Padded<'_>,
        head: &mut RequestHead,
        limits: &Limits,
    ) -> Result<Option<usize>, RequestError> {
        if self.step == Step::Method && self.scanned == 0 {
            head.begin();
            self.plain_line(bytes, head, limits);
        }
        if self.step != Step::Fields && !self.request_line(bytes.received(), head, limits)? {
            return Ok(None);
        }
        let rules = SectionRules {
            section: Section::Head,
            fields_max: limits.fields_max,
        };
        self.section.advance(bytes, &mut head.fields, rules)
    }

    /// Reads on in the request line and says whether it is complete.
    #[cold]
    fn request_line(
        &mut self,
        window: &[u8],
        head: &mut RequestHead,
        limits: &Limits,
    ) -> Result<bool, RequestError> {
        while self.step != Step::Fields {
            let Some(&byte) = window.get(self.scanned) else {
                return Ok(false);
            };
            match self.step {
                Step::EmptyLines => return Ok(false),
                Step::Method => self.method(window, head)?,
                Step::Target => self.target(window, head, limits.target_bytes_max)?,
                Step::Version => self.version(window, head)?,
                Step::LineEnd | Step::Fields => self.line_end(byte, window, head)?,
            }
        }
        Ok(true)
    }

    /// Reads the request line if it is a plain one; else does nothing.
    #[inline(always)]
    fn plain_line(&mut self, bytes: Padded<'_>, head: &mut RequestHead, limits: &Limits) {
        if let Some(line) = line::plain(bytes.bytes, limits.target_bytes_max)
            && line.len <= bytes.len
        {
            head.method = line.method;
            head.target = line.target;
            head.parts = line.parts;
            head.version = line.version;
            self.step = Step::Fields;
            self.section = SectionDecoder::at(line.len);
        }
    }

    fn method(&mut self, window: &[u8], head: &mut RequestHead) -> Result<(), RequestError> {
        let end = window.len().min(METHOD_BYTES_MAX + 1);
        self.scanned = token_end(&window[..end], self.scanned);
        if self.scanned > METHOD_BYTES_MAX {
            return Err(RequestError::MethodTooLong {
                max: METHOD_BYTES_MAX,
            });
        }
        match window.get(self.scanned) {
            Some(b' ') if self.scanned > 0 => {
                head.method = Span::new(0, self.scanned);
                self.next(Step::Target);
                Ok(())
            }
            Some(&byte) => Err(RequestError::InvalidMethod {
                byte,
                offset: self.scanned,
            }),
            None => Ok(()),
        }
    }

    fn target(
        &mut self,
        window: &[u8],
        head: &mut RequestHead,
        max: usize,
    ) -> Result<(), RequestError> {
        let end = self
            .mark
            .saturating_add(max)
            .saturating_add(1)
            .min(window.len());
        self.scanned = target_end(&window[..end], self.scanned);
        if self.scanned - self.mark > max {
            return Err(RequestError::TargetTooLong { max });
        }
        match window.get(self.scanned) {
            Some(b' ') if self.scanned > self.mark => {
                head.target = Span::new(self.mark, self.scanned);
                self.next(Step::Version);
                Ok(())
            }
            Some(&byte) => Err(RequestError::InvalidTargetByte {
                byte,
                offset: self.scanned,
            }),
            None => Ok(()),
        }
    }

    /// Reads `HTTP/d.d` and the CR after it. The few bytes are compared again when they arrive one
    /// by one.
    fn version(&mut self, window: &[u8], head: &mut RequestHead) -> Result<(), RequestError> {
        const LEN: usize = b"HTTP/1.1\r".len();
        let found = &window[self.mark..window.len().min(self.mark + LEN)];
        self.scanned = self.mark + found.len();
        head.version = match found {
            b"HTTP/1.1\r" => Version::Http11,
            b"HTTP/1.0\r" => Version::Http10,
            _ => other_version(found)?,
        };
        if found.len() == LEN {
            self.step = Step::LineEnd;
        }
        Ok(())
    }

    fn line_end(
        &mut self,
        byte: u8,
        window: &[u8],
        head: &mut RequestHead,
    ) -> Result<(), RequestError> {
        if byte != b'\n' {
            return Err(invalid_line_end(byte));
        }
        // The target's form is judged here, after the version: a client that speaks HTTP/2 sends
        // `PRI * HTTP/2.0` and deserves to hear about its version.
        let (method, target) = (head.method.of(window), head.target.of(window));
        head.parts = target::split(method, target, method.len() + 1)?;
        self.step = Step::Fields;
        self.section = SectionDecoder::at(self.scanned + 1);
        Ok(())
    }

    /// Steps over the space that ended an element.
    fn next(&mut self, step: Step) {
        self.step = step;
        self.scanned += 1;
        self.mark = self.scanned;
    }
}

/// The version in `found`, the first bytes of `HTTP/d.d` CR, that is neither plain 1.0 nor 1.1 or
/// not complete. While it may still become valid, the answer stands for nothing.
fn other_version(found: &[u8]) -> Result<Version, RequestError> {
    for (at, (byte, expected)) in found.iter().zip(b"HTTP/0.0").enumerate() {
        let digit = *expected == b'0' && byte.is_ascii_digit();
        if !digit && byte != expected {
            return Err(invalid_version(&found[..=at]));
        }
    }
    match found {
        [_, _, _, _, _, major, _, minor, ..] if *major != b'1' => {
            let (major, minor) = (major - b'0', minor - b'0');
            Err(RequestError::UnsupportedVersion { major, minor })
        }
        [_, _, _, _, _, _, _, _, end] if *end != b'\r' => Err(invalid_version(found)),
        _ => Ok(Version::Http11),
    }
}

#[cold]
fn invalid_version(found: &[u8]) -> RequestError {
    let found = Excerpt::new(found);
    RequestError::InvalidVersion { found }
}

#[cold]
fn too_large(max: usize) -> RequestError {
    RequestError::SectionTooLarge {
        section: Section::Head,
        max,
    }
}

#[cold]
fn invalid_line_end(byte: u8) -> RequestError {
    RequestError::InvalidLineEnd {
        place: Place::RequestLine,
        byte,
    }
}
