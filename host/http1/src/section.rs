//! Reads a field section (RFC 9112 5) as its bytes arrive: the head's and the trailers' alike.
//!
//! Every byte is looked at once, whatever pieces it came in, and the first byte that makes the
//! section invalid refuses it. What the fields mean is decided elsewhere.

use crate::class::{controls, is_ows, long_token_end, plain_name_len, token_end, value_end};
use crate::error::RequestError;
use crate::excerpt::{Excerpt, Place, Section};
use crate::fields::{FieldSpan, Fields, Span};
use crate::padded::Padded;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    LineStart,
    Name,
    Padding,
    Value,
    ValueEnd,
    SectionEnd,
}

/// How far a section was read. Offsets are relative to the slice given to
/// [`SectionDecoder::advance`], which must begin at the same byte every time.
#[derive(Clone, Debug, Default)]
pub(crate) struct SectionDecoder {
    step: Step,
    scanned: usize,
    name_start: usize,
    name_end: usize,
    value_start: usize,
}

/// What a decoder of a section may accept and into which errors it writes.
#[derive(Clone, Copy)]
pub(crate) struct SectionRules {
    pub(crate) section: Section,
    pub(crate) fields_max: usize,
}

impl SectionDecoder {
    /// A decoder whose section begins `offset` bytes into the slice it will be given.
    pub(crate) fn at(offset: usize) -> Self {
        Self {
            scanned: offset,
            ..Self::default()
        }
    }

    /// Reads on in `bytes` and appends to `fields`. Returns the length up to and including the
    /// empty line once that is there, and `None` while more bytes are needed.
    #[inline(always)]
    pub(crate) fn advance(
        &mut self,
        bytes: Padded<'_>,
        fields: &mut Fields,
        rules: SectionRules,
    ) -> Result<Option<usize>, RequestError> {
        let Padded { bytes, len } = bytes;
        if self.step == Step::LineStart {
            self.scanned = plain_lines(bytes, self.scanned, len, fields, rules.fields_max);
            if bytes.get(self.scanned..self.scanned + 2) == Some(b"\r\n") && self.scanned + 2 <= len
            {
                return Ok(Some(self.scanned + 2));
            }
        }
        self.step_by_step(&bytes[..len], fields, rules)
    }

    #[cold]
    fn step_by_step(
        &mut self,
        bytes: &[u8],
        fields: &mut Fields,
        rules: SectionRules,
    ) -> Result<Option<usize>, RequestError> {
        while let Some(&byte) = bytes.get(self.scanned) {
            match self.step {
                Step::LineStart => self.line_start(byte, fields, rules)?,
                Step::Name => self.name(bytes, fields, rules)?,
                Step::Padding if is_ows(byte) => self.scanned += 1,
                Step::Padding => self.begin_value(),
                Step::Value => self.value(bytes, fields, rules)?,
                Step::ValueEnd if byte == b'\n' => self.end_line(bytes, fields),
                Step::SectionEnd if byte == b'\n' => return Ok(Some(self.scanned + 1)),
                Step::ValueEnd => {
                    let place = self.place(bytes, fields, rules);
                    return Err(RequestError::InvalidLineEnd { place, byte });
                }
                Step::SectionEnd => {
                    let place = Place::SectionEnd(rules.section);
                    return Err(RequestError::InvalidLineEnd { place, byte });
                }
            }
        }
        Ok(None)
    }

    fn line_start(
        &mut self,
        byte: u8,
        fields: &Fields,
        rules: SectionRules,
    ) -> Result<(), RequestError> {
        let section = rules.section;
        if byte == b'\r' {
            self.scanned += 1;
            self.step = Step::SectionEnd;
            return Ok(());
        }
        if is_ows(byte) {
            let place = self.place(&[], fields, rules);
            return Err(RequestError::FoldedLine { place });
        }
        if byte == b'\n' {
            return Err(RequestError::InvalidLineEnd {
                place: Place::SectionEnd(section),
                byte,
            });
        }
        if fields.len() >= rules.fields_max {
            return Err(RequestError::TooManyFields {
                section,
                max: rules.fields_max,
            });
        }
        self.name_start = self.scanned;
        self.step = Step::Name;
        Ok(())
    }

    fn name(
        &mut self,
        bytes: &[u8],
        fields: &Fields,
        rules: SectionRules,
    ) -> Result<(), RequestError> {
        self.scanned = token_end(bytes, self.scanned);
        self.name_end = self.scanned;
        match bytes.get(self.scanned) {
            Some(b':') if self.name_end > self.name_start => {
                self.scanned += 1;
                self.step = Step::Padding;
                Ok(())
            }
            Some(&byte) => Err(self.invalid_name(bytes, byte, fields, rules)),
            None => Ok(()),
        }
    }

    fn begin_value(&mut self) {
        self.value_start = self.scanned;
        self.step = Step::Value;
    }

    fn value(
        &mut self,
        bytes: &[u8],
        fields: &Fields,
        rules: SectionRules,
    ) -> Result<(), RequestError> {
        self.scanned = value_end(bytes, self.scanned);
        match bytes.get(self.scanned) {
            Some(b'\r') => {
                self.scanned += 1;
                self.step = Step::ValueEnd;
                Ok(())
            }
            Some(&byte) => {
                let place = self.place(bytes, fields, rules);
                Err(RequestError::InvalidFieldValue { place, byte })
            }
            None => Ok(()),
        }
    }

    fn end_line(&mut self, bytes: &[u8], fields: &mut Fields) {
        let end = trimmed_end(bytes, self.value_start, self.scanned - 1);
        let name = Span::new(self.name_start, self.name_end);
        let value = Span::new(self.value_start, end);
        fields.push(FieldSpan { name, value });
        self.scanned += 1;
        self.step = Step::LineStart;
    }

    #[cold]
    fn invalid_name(
        &self,
        bytes: &[u8],
        byte: u8,
        fields: &Fields,
        rules: SectionRules,
    ) -> RequestError {
        let place = self.place(bytes, fields, rules);
        if is_ows(byte) && self.name_end > self.name_start {
            return RequestError::SpaceBeforeColon { place };
        }
        RequestError::InvalidFieldName { place, byte }
    }

    #[cold]
    fn place(&self, bytes: &[u8], fields: &Fields, rules: SectionRules) -> Place {
        let name = bytes
            .get(self.name_start..self.name_end)
            .unwrap_or_default();
        let name = Excerpt::new(name);
        Place::Field {
            section: rules.section,
            number: fields.len() + 1,
            name,
        }
    }
}

/// Reads lines that are there as a whole and have nothing wrong with them, from `start` on, and
/// returns where it stopped. Whatever line that is, it is left to the step by step reading, which
/// alone refuses.
#[inline(never)]
fn plain_lines(
    bytes: &[u8],
    start: usize,
    len: usize,
    fields: &mut Fields,
    fields_max: usize,
) -> usize {
    let mut at = start;
    let mut controls = controls(bytes, start);
    while fields.len() < fields_max
        && let Some(end) = controls.next()
        && end > at
        && end + 2 <= len
        && push_plain(bytes, at, end, fields).is_some()
    {
        // The LF of this line.
        controls.next();
        at = end + 2;
    }
    at
}

/// Appends the field in the line that begins at `start` and whose first control is at `end`, if it
/// is plain: with one space or none before the value and none after it.
#[inline(always)]
fn push_plain(bytes: &[u8], start: usize, end: usize, fields: &mut Fields) -> Option<()> {
    let name_len = plain_name_len(bytes.get(start..)?.first_chunk()?);
    let line = bytes.get(start..end + 2)?;
    match line.get(name_len..name_len + 3)? {
        [b':', ..] => push_named(line, start, name_len, fields),
        _ => push_rare(bytes, start, line, fields),
    }
}

/// As [`push_plain`] for any name.
#[inline(never)]
fn push_rare(bytes: &[u8], start: usize, line: &[u8], fields: &mut Fields) -> Option<()> {
    push_named(line, start, long_token_end(bytes, start) - start, fields)
}

/// Appends the field in a `line` that begins at `start` and has `name_len` bytes before what must
/// be the colon.
#[inline(always)]
fn push_named(line: &[u8], start: usize, name_len: usize, fields: &mut Fields) -> Option<()> {
    let [b':', padding @ ..] = line.get(name_len..name_len + 3)? else {
        return None;
    };
    let [last, line_end @ ..] = line.last_chunk::<3>()?;
    if name_len == 0 || line_end != b"\r\n" || padding == b"  " || *last == b' ' {
        return None;
    }
    let name = Span::new(start, start + name_len);
    let value_start = name.end() + 1 + usize::from(padding[0] == b' ');
    let value = Span::new(value_start, start + line.len() - 2);
    fields.push(FieldSpan { name, value });
    Some(())
}

/// `end` moved back over white space, but not before `start`.
#[inline]
fn trimmed_end(bytes: &[u8], start: usize, mut end: usize) -> usize {
    while end > start && is_ows(bytes[end - 1]) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: SectionRules = SectionRules {
        section: Section::Head,
        fields_max: 10,
    };

    /// A client that sends byte by byte must not have the bytes before each be read again.
    #[test]
    fn what_was_read_is_not_read_again() {
        let section = b"Name: a value\r\nother_name:\tx\ty\r\nEmpty:\r\n\r\n";
        let (mut decoder, mut fields) = (SectionDecoder::default(), Fields::default());
        let mut end = None;
        for len in 1..=section.len() {
            assert_eq!(end, None);
            let mut bytes = section[..len].to_vec();
            // Whoever reads these again finds them forbidden.
            bytes[..len - 1].fill(0);
            end = decoder
                .advance(Padded::bare(&bytes), &mut fields, RULES)
                .unwrap();
        }
        assert_eq!(end, Some(section.len()));
        let mut whole = Fields::default();
        let bytes = Padded::bare(section);
        let len = SectionDecoder::default().advance(bytes, &mut whole, RULES);
        assert_eq!(len, Ok(end));
        assert_eq!(fields, whole);
    }

    /// Padding is no part of what was received, and limits hold with bytes behind them.
    #[test]
    fn lines_end_before_the_length() {
        let section = b"a: b\r\nc: d\r\n\r\n and as much again behind them";
        for len in 0..=14 {
            let mut fields = Fields::default();
            let bytes = Padded::bare(section).at_most(len);
            let end = SectionDecoder::default().advance(bytes, &mut fields, RULES);
            assert_eq!(end, Ok((len == 14).then_some(14)), "{len}");
            assert_eq!(fields.len(), len.div_euclid(6).min(2), "{len}");
        }
    }
}
