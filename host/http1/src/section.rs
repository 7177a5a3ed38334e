//! Reads a field section (RFC 9112 5) as its bytes arrive: the head's and the trailers' alike.
//!
//! Every byte is looked at once, whatever pieces it came in, and the first byte that makes the
//! section invalid refuses it. What the fields mean is decided elsewhere.

use crate::class::{is_ows, token_len, value_len};
use crate::error::RequestError;
use crate::excerpt::{Excerpt, Place, Section};
use crate::fields::{FieldSpan, Fields, Span};

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
    pub(crate) fn advance(
        &mut self,
        bytes: &[u8],
        fields: &mut Fields,
        rules: SectionRules,
    ) -> Result<Option<usize>, RequestError> {
        if self.step == Step::LineStart {
            self.plain_lines(bytes, fields, rules);
        }
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

    /// Reads lines that are there as a whole and have nothing wrong with them. Whatever line it
    /// stops at is left to the step by step reading, which alone refuses.
    fn plain_lines(&mut self, bytes: &[u8], fields: &mut Fields, rules: SectionRules) {
        while fields.len() < rules.fields_max
            && let Some((field, end)) = plain_line(bytes, self.scanned)
        {
            fields.push(field);
            self.scanned = end;
        }
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
        self.scanned += token_len(&bytes[self.scanned..]);
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
        self.scanned += value_len(&bytes[self.scanned..]);
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
        fields.push(FieldSpan {
            name: Span::new(self.name_start, self.name_end),
            value: Span::new(self.value_start, end),
        });
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

/// The field in the line that begins at `start`, and where the next line begins.
#[inline]
fn plain_line(bytes: &[u8], start: usize) -> Option<(FieldSpan, usize)> {
    let name_end = start + token_len(bytes.get(start..)?);
    if name_end == start || *bytes.get(name_end)? != b':' {
        return None;
    }
    let mut value_start = name_end + 1;
    while is_ows(*bytes.get(value_start)?) {
        value_start += 1;
    }
    let value_end = value_start + value_len(&bytes[value_start..]);
    if bytes.get(value_end..value_end + 2)? != b"\r\n" {
        return None;
    }
    let value = Span::new(value_start, trimmed_end(bytes, value_start, value_end));
    let name = Span::new(start, name_end);
    Some((FieldSpan { name, value }, value_end + 2))
}

/// `end` moved back over white space, but not before `start`.
#[inline]
fn trimmed_end(bytes: &[u8], start: usize, mut end: usize) -> usize {
    while end > start && is_ows(bytes[end - 1]) {
        end -= 1;
    }
    end
}
