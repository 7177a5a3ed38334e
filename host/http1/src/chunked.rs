//! Takes the chunked transfer coding off a request body (RFC 9112 7.1).
//!
//! Data is never copied: the decoder says which of the bytes it was shown are content.

use crate::class::value_end;
use crate::encode::is_forbidden_trailer;
use crate::error::RequestError;
use crate::excerpt::{Place, Section};
use crate::fields::Fields;
use crate::limits::Limits;
use crate::padded::Padded;
use crate::section::{SectionDecoder, SectionRules};

/// 2^64 - 1 has 16 hexadecimal digits. Leading zeros count: a size needs none.
const SIZE_DIGITS_MAX: usize = 16;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Size,
    BeforeExtension,
    Extension,
    LineEnd,
    Data,
    DataCr,
    DataLf,
    Trailers,
}

/// How far a chunked body was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChunkedDecoder {
    step: Step,
    /// The digits of the current size.
    digits: usize,
    /// The current chunk's size, then what of it is still to come.
    remaining: u64,
    extension_bytes: usize,
    trailers: SectionDecoder,
}

/// What reading on in a chunked body came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChunkStep {
    /// All that could be read was.
    NeedData,
    /// The last so many of the consumed bytes are content.
    Data(usize),
    /// The body and its trailers are complete.
    End,
}

impl ChunkedDecoder {
    /// Reads on in `bytes` and returns how many of them it is done with. Bytes not consumed must
    /// be shown again. Trailers go to `trailers`.
    pub(crate) fn advance(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        trailers: &mut Fields,
    ) -> Result<(usize, ChunkStep), RequestError> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.step {
                Step::Size => self.size(byte, limits)?,
                Step::BeforeExtension => self.before_extension(byte, limits)?,
                Step::Extension => {
                    at += self.extension(&bytes[at..], limits)?;
                    continue;
                }
                Step::LineEnd => self.line_end(byte)?,
                Step::Data => {
                    let len = self.data(bytes.len() - at);
                    return Ok((at + len, ChunkStep::Data(len)));
                }
                Step::DataCr => self.data_end(byte, b'\r', Step::DataLf)?,
                Step::DataLf => self.data_end(byte, b'\n', Step::Size)?,
                Step::Trailers => {
                    let len = self.trailers(&bytes[at..], limits, trailers)?;
                    return Ok(match len {
                        Some(len) => (at + len, ChunkStep::End),
                        None => (at, ChunkStep::NeedData),
                    });
                }
            }
            at += 1;
        }
        Ok((at, ChunkStep::NeedData))
    }

    fn size(&mut self, byte: u8, limits: &Limits) -> Result<(), RequestError> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if self.digits > 0 => {
                self.step = Step::LineEnd;
                return Ok(());
            }
            b';' | b' ' | b'\t' if self.digits > 0 => return self.before_extension(byte, limits),
            _ => return Err(RequestError::InvalidChunkSize { byte }),
        };
        if self.digits == SIZE_DIGITS_MAX {
            return Err(RequestError::ChunkSizeTooLong {
                max: SIZE_DIGITS_MAX,
            });
        }
        self.digits += 1;
        self.remaining = self.remaining << 4 | u64::from(digit);
        Ok(())
    }

    /// White space may follow the size if an extension does (RFC 9112 7.1.1).
    fn before_extension(&mut self, byte: u8, limits: &Limits) -> Result<(), RequestError> {
        self.step = match byte {
            b';' => Step::Extension,
            b' ' | b'\t' => Step::BeforeExtension,
            _ => return Err(RequestError::InvalidChunkExtension { byte }),
        };
        self.count_extension(1, limits)
    }

    /// Skips an extension up to and including the CR. Its inner grammar does not matter, because
    /// nothing that could end the line is allowed in it, quoted or not.
    #[cold]
    fn extension(&mut self, bytes: &[u8], limits: &Limits) -> Result<usize, RequestError> {
        let allowed = limits.chunk_extension_bytes_max - self.extension_bytes;
        let window = bytes.len().min(allowed.saturating_add(1));
        let len = value_end(&bytes[..window], 0);
        self.count_extension(len, limits)?;
        match bytes.get(len) {
            Some(b'\r') => {
                self.step = Step::LineEnd;
                Ok(len + 1)
            }
            Some(&byte) => Err(RequestError::InvalidChunkExtension { byte }),
            None => Ok(len),
        }
    }

    fn count_extension(&mut self, len: usize, limits: &Limits) -> Result<(), RequestError> {
        let max = limits.chunk_extension_bytes_max;
        self.extension_bytes += len;
        if self.extension_bytes > max {
            return Err(RequestError::ChunkExtensionsTooLong { max });
        }
        Ok(())
    }

    fn line_end(&mut self, byte: u8) -> Result<(), RequestError> {
        if byte != b'\n' {
            return Err(RequestError::InvalidLineEnd {
                place: Place::ChunkLine,
                byte,
            });
        }
        self.digits = 0;
        self.step = if self.remaining == 0 {
            Step::Trailers
        } else {
            Step::Data
        };
        Ok(())
    }

    fn data(&mut self, available: usize) -> usize {
        let wanted = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let len = wanted.min(available);
        self.remaining -= len as u64;
        if self.remaining == 0 {
            self.step = Step::DataCr;
        }
        len
    }

    fn data_end(&mut self, byte: u8, expected: u8, next: Step) -> Result<(), RequestError> {
        if byte != expected {
            return Err(RequestError::InvalidLineEnd {
                place: Place::ChunkEnd,
                byte,
            });
        }
        self.step = next;
        Ok(())
    }

    #[cold]
    fn trailers(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        fields: &mut Fields,
    ) -> Result<Option<usize>, RequestError> {
        let (section, max) = (Section::Trailers, limits.head_bytes_max);
        let rules = SectionRules {
            section,
            fields_max: limits.fields_max,
        };
        let window = Padded::bare(bytes).at_most(max);
        let len = self.trailers.advance(window, fields, rules)?;
        if len.is_none() && bytes.len() >= max {
            return Err(RequestError::SectionTooLarge { section, max });
        }
        if let Some(len) = len.filter(|_| fields.len() > 0) {
            fields.fill(bytes, len);
            check_trailers(fields)?;
        }
        Ok(len)
    }
}

/// RFC 9110 6.5.1 lets a recipient ignore these or refuse them. They are refused: no honest client
/// sends them, and ignoring them hides an attempt to be read in two ways.
fn check_trailers(fields: &Fields) -> Result<(), RequestError> {
    match fields
        .iter_text()
        .position(|(name, _)| is_forbidden_trailer(name))
    {
        Some(index) => Err(RequestError::ForbiddenTrailer {
            place: fields.place(Section::Trailers, index),
        }),
        None => Ok(()),
    }
}
