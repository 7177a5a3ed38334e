//! A table of field lines: one copy of their bytes and four offsets a line.
//!
//! Heads and trailers share it. It holds what was received in the order it was received and gives
//! no field a meaning.

use crate::block;
use crate::class::copy_lower;
use crate::excerpt::{Excerpt, Place, Section};

/// A range of bytes relative to the start of a section. Sections are bounded far below 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    #[inline]
    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    #[inline]
    pub(crate) fn end(self) -> usize {
        self.end as usize
    }

    /// The bytes the span means; none if it lies outside, which a span made from `bytes` never is.
    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// As [`Span::of`], for ranges that were checked to be ASCII.
    #[inline]
    pub(crate) fn text(self, bytes: &[u8]) -> &str {
        str::from_utf8(self.of(bytes)).unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldSpan {
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// The field lines of one section. Emptied and filled again it allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    bytes: Vec<u8>,
    spans: Vec<FieldSpan>,
}

impl Fields {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.spans.capacity() * size_of::<FieldSpan>()
    }

    pub(crate) fn push(&mut self, field: FieldSpan) {
        self.spans.push(field);
    }

    /// Copies the section that the spans refer to, with its field names in lower case. It is the
    /// first `len` bytes of `bytes`.
    #[inline(never)]
    pub(crate) fn fill(&mut self, bytes: &[u8], len: usize) {
        // Names at the end can be copied by the block too if something stands behind them.
        let source = bytes.get(..len + block::LEN).unwrap_or(bytes);
        self.bytes.clear();
        self.bytes.extend_from_slice(source);
        let Some(copy) = self.bytes.get_mut(..source.len()) else {
            return;
        };
        for field in &self.spans {
            // Read from where it was received: what was just written is slow to read back.
            copy_lower(source, copy, field.name.start(), field.name.end());
        }
        self.bytes.truncate(len);
    }

    /// The section as received, but for the case of the names.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The lines, in the order received.
    #[inline]
    pub(crate) fn spans(&self) -> &[FieldSpan] {
        &self.spans
    }

    /// Names, in lower case, and values, in the order received.
    #[inline]
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.spans
            .iter()
            .map(|field| (field.name.of(&self.bytes), field.value.of(&self.bytes)))
    }

    pub(crate) fn iter_text(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.spans
            .iter()
            .map(|field| (field.name.text(&self.bytes), field.value.of(&self.bytes)))
    }

    /// The first value of `name`, which is compared without case.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let wanted = name.as_bytes();
        self.iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    }

    /// Where the value of field `index` lies.
    pub(crate) fn value_span(&self, index: usize) -> Span {
        self.spans
            .get(index)
            .map(|field| field.value)
            .unwrap_or_default()
    }

    /// How an error names field `index`.
    pub(crate) fn place(&self, section: Section, index: usize) -> Place {
        let name = self
            .spans
            .get(index)
            .map(|field| field.name.of(&self.bytes));
        Place::Field {
            section,
            number: index + 1,
            name: Excerpt::new(name.unwrap_or_default()),
        }
    }
}
