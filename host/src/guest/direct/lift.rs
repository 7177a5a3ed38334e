//! An answer read out of a guest's memory, as the canonical ABI lays it out there (the component
//! model's CanonicalABI.md, "Loading"). Nothing that the guest wrote is trusted: every address is
//! checked, and what is copied is counted, for lists may overlap.

use super::broken::Broken;
use super::memory;
use crate::guest::interface::{Answer, Field};

/// The record `response` of wit/types.wit: its size, and where its parts are.
const RESPONSE_BYTES: usize = 20;
const STATUS: usize = 0;
const FIELDS: usize = 4;
const BODY: usize = 12;
/// The record `field`.
const FIELD_BYTES: usize = 16;
const NAME: usize = 0;
const VALUE: usize = 8;
/// Where a list's or a string's length is, behind its address.
const LENGTH: usize = 4;
/// Alignment of everything that holds pointers.
const WORD: usize = 4;

/// A guest's memory, and how many bytes may still be copied out of it.
struct Reader<'m> {
    memory: &'m [u8],
    copy_left: usize,
}

/// Reads the answer at an address. No more than `copy_max` bytes are copied, counting what the
/// answer's fields take in the host's own memory.
///
/// # Errors
/// It is out of bounds, not aligned, has names that are no text, or is too much.
pub(super) fn answer(memory: &[u8], address: u32, copy_max: usize) -> Result<Answer, Broken> {
    let mut reader = Reader {
        memory,
        copy_left: copy_max,
    };
    let record = reader.record(address, RESPONSE_BYTES)?;
    let status = u16::from_le_bytes([record[STATUS], record[STATUS + 1]]);
    let fields = reader.fields(word(record, FIELDS), word(record, FIELDS + LENGTH))?;
    let body = reader.copy(record, BODY)?;
    Ok(Answer {
        status,
        fields,
        body,
    })
}

impl<'m> Reader<'m> {
    fn fields(&mut self, address: u32, count: u32) -> Result<Vec<Field>, Broken> {
        let count = count as usize;
        let records = self.record(address, count.saturating_mul(FIELD_BYTES))?;
        self.count(count.saturating_mul(size_of::<Field>()))?;
        let records = records.chunks_exact(FIELD_BYTES);
        records.map(|record| self.field(record)).collect()
    }

    fn field(&mut self, record: &[u8]) -> Result<Field, Broken> {
        let name = self.copy(record, NAME)?;
        let name = String::from_utf8(name).map_err(|error| {
            Broken::Abi(format!("a field's name: {}", error.utf8_error()).into())
        })?;
        let value = self.copy(record, VALUE)?;
        Ok(Field { name, value })
    }

    /// The bytes that a pointer in a record is to.
    fn copy(&mut self, record: &[u8], pointer: usize) -> Result<Vec<u8>, Broken> {
        let size = word(record, pointer + LENGTH) as usize;
        let bytes = self.slice(word(record, pointer), size)?;
        self.count(size)?;
        Ok(bytes.to_vec())
    }

    fn count(&mut self, bytes: usize) -> Result<(), Broken> {
        let left = self.copy_left.checked_sub(bytes);
        self.copy_left = left.ok_or(Broken::TooMuch)?;
        Ok(())
    }

    /// Bytes that hold pointers.
    fn record(&self, address: u32, size: usize) -> Result<&'m [u8], Broken> {
        if !(address as usize).is_multiple_of(WORD) {
            return Err(Broken::abi("an address in the answer is not aligned"));
        }
        self.slice(address, size)
    }

    fn slice(&self, address: u32, size: usize) -> Result<&'m [u8], Broken> {
        let slice = memory::slice(self.memory, address, size);
        slice.ok_or_else(|| Broken::abi("an address in the answer is out of bounds"))
    }
}

fn word(record: &[u8], at: usize) -> u32 {
    let bytes = [record[at], record[at + 1], record[at + 2], record[at + 3]];
    u32::from_le_bytes(bytes)
}
