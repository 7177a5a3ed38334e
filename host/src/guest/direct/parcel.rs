//! A request as the canonical ABI lays it out in a guest's memory (the component model's
//! CanonicalABI.md, "Storing"): blocks of bytes, each of which the guest allocates, and which point
//! to each other. Blocks come before those that point to them.

use super::broken::Broken;
use super::memory::slice_mut;
use super::step::{PIECES, Piece, Told};
use crate::guest::interface::Request;

/// The record `request` of wit/types.wit: its size, and where its parts are.
const REQUEST_BYTES: usize = 88;
const ID: usize = 0;
const CLIENT: usize = 8;
const METHOD: usize = 16;
const SCHEME: usize = 24;
const AUTHORITY: usize = 32;
const PATH: usize = 44;
const QUERY: usize = 52;
const FIELDS: usize = 64;
const CAPTURES: usize = 72;
const BODY: usize = 80;
/// The records `field` and `capture`: two pointers with lengths.
const PAIR_BYTES: usize = 16;
const SECOND: usize = 8;
/// Where an option's value is.
const SOME: usize = 4;
/// Where a list's or a string's length is, behind its address.
const LENGTH: usize = 4;
/// Alignment of everything that holds pointers.
const WORD: u32 = 4;
/// Bodies larger than this are not packed, but copied when their place is known.
const PACKED_BODY_MAX: usize = 16 << 10;

/// A thread keeps buffers of this size at most for its next request.
const KEPT_BYTES_MAX: usize = 4 << 10;
const KEPT_BLOCKS_MAX: usize = 64;

/// What a guest is to allocate, and what belongs there.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    bytes: Vec<u8>,
    blocks: Vec<Block>,
    /// How many blocks have their place.
    placed: usize,
    /// How many have been asked for.
    asked: usize,
    /// Where the request itself begins.
    request: u32,
    /// Where a body that is not packed begins.
    body: Option<u32>,
}

/// What is allocated in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    piece: Piece,
    /// Where it is in the parcel.
    content: Content,
    /// Where its address goes to.
    pointer: Pointer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// From here on in the parcel's bytes.
    At(usize),
    /// Somebody else copies it.
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pointer {
    /// Into the parcel's bytes, here.
    At(usize),
    /// To whoever handles the request.
    Request,
}

impl Parcel {
    /// The request has been handled.
    pub(super) fn clear(&mut self) {
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        if self.blocks.capacity() > KEPT_BLOCKS_MAX {
            self.blocks = Vec::new();
        }
    }

    /// What is kept for the next request.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.bytes.capacity(), self.blocks.capacity())
    }

    /// Packs a request. What was packed before is forgotten.
    ///
    /// # Errors
    /// It does not fit into any guest's memory.
    pub(super) fn pack(&mut self, request: &Request<'_>) -> Result<(), Broken> {
        self.bytes.clear();
        self.blocks.clear();
        (self.placed, self.asked, self.body) = (0, 0, None);
        let (fields, captures) = (request.fields, request.captures);
        let fields_at = REQUEST_BYTES;
        let captures_at = fields_at + fields.len() * PAIR_BYTES;
        self.bytes
            .resize(captures_at + captures.len() * PAIR_BYTES, 0);
        for (at, text) in [
            (ID, request.id),
            (CLIENT, request.client),
            (METHOD, request.method),
            (SCHEME, request.scheme),
            (PATH, request.path),
        ] {
            self.pack_bytes(at, text.as_bytes())?;
        }
        for (at, text) in [(AUTHORITY, request.authority), (QUERY, request.query)] {
            if let Some(text) = text {
                self.bytes[at] = 1;
                self.pack_bytes(at + SOME, text.as_bytes())?;
            }
        }
        for (index, field) in fields.iter().enumerate() {
            let at = fields_at + index * PAIR_BYTES;
            self.pack_bytes(at, field.name.as_bytes())?;
            self.pack_bytes(at + SECOND, field.value)?;
        }
        self.pack_pairs(FIELDS, fields_at, fields.len())?;
        for (index, capture) in captures.iter().enumerate() {
            let at = captures_at + index * PAIR_BYTES;
            self.pack_bytes(at, capture.name.as_bytes())?;
            self.pack_bytes(at + SECOND, capture.value.as_bytes())?;
        }
        self.pack_pairs(CAPTURES, captures_at, captures.len())?;
        self.pack_body(request.body)?;
        self.push(WORD, REQUEST_BYTES, Content::At(0), Pointer::Request)
    }

    /// The pieces that the guest allocates next, and how many they are: none when all blocks have
    /// been asked for.
    pub(super) fn ask(&mut self) -> ([Piece; PIECES], usize) {
        let mut pieces = [Piece::default(); PIECES];
        let blocks = self.blocks[self.asked..].iter().take(PIECES);
        let count = blocks.len();
        for (piece, block) in pieces.iter_mut().zip(blocks) {
            *piece = block.piece;
        }
        self.asked += count;
        (pieces, count)
    }

    /// What was asked for was allocated at these addresses of a guest's memory: it is copied there.
    ///
    /// # Errors
    /// Nothing can be there.
    pub(super) fn place(&mut self, memory: &mut [u8], told: &Told) -> Result<(), Broken> {
        let asked = self.placed..self.asked;
        self.placed = self.asked;
        for (index, address) in asked.zip(told) {
            let block = self.blocks[index];
            let place = block.piece.place(memory, *address)?;
            match block.content {
                Content::At(start) => place.copy_from_slice(&self.bytes[start..][..place.len()]),
                Content::Elsewhere => self.body = Some(*address),
            }
            match block.pointer {
                Pointer::At(at) => self.put(at, *address),
                Pointer::Request => self.request = *address,
            }
        }
        Ok(())
    }

    /// Where the request is, when all blocks have their place.
    pub(super) fn request(&self) -> u32 {
        self.request
    }

    /// Whether all is in place but the body.
    pub(super) fn lacks_body(&self) -> bool {
        self.body.is_some()
    }

    /// Where a body that was not packed is to be copied to, once.
    pub(super) fn take_body(&mut self) -> Option<u32> {
        self.body.take()
    }

    fn pack_bytes(&mut self, pointer: usize, bytes: &[u8]) -> Result<(), Broken> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.put(pointer + LENGTH, length(bytes.len())?);
        self.push(1, bytes.len(), Content::At(start), Pointer::At(pointer))
    }

    /// A list whose records are at `start`.
    fn pack_pairs(&mut self, pointer: usize, start: usize, count: usize) -> Result<(), Broken> {
        self.put(pointer + LENGTH, length(count)?);
        let size = count * PAIR_BYTES;
        self.push(WORD, size, Content::At(start), Pointer::At(pointer))
    }

    fn pack_body(&mut self, body: &[u8]) -> Result<(), Broken> {
        if body.len() <= PACKED_BODY_MAX {
            return self.pack_bytes(BODY, body);
        }
        self.put(BODY + LENGTH, length(body.len())?);
        self.push(1, body.len(), Content::Elsewhere, Pointer::At(BODY))
    }

    fn push(
        &mut self,
        align: u32,
        size: usize,
        content: Content,
        pointer: Pointer,
    ) -> Result<(), Broken> {
        self.blocks.push(Block {
            piece: Piece {
                align,
                size: length(size)?,
            },
            content,
            pointer,
        });
        Ok(())
    }

    fn put(&mut self, at: usize, word: u32) {
        self.bytes[at..][..size_of::<u32>()].copy_from_slice(&word.to_le_bytes());
    }
}

impl Piece {
    /// The memory at an address where this was allocated.
    fn place<'m>(&self, memory: &'m mut [u8], address: u32) -> Result<&'m mut [u8], Broken> {
        // A power of two: there is no need to divide.
        if address & (self.align - 1) != 0 {
            return Err(Broken::abi(
                "realloc returned an address that is not aligned",
            ));
        }
        let place = slice_mut(memory, address, self.size as usize);
        place.ok_or_else(|| Broken::abi("realloc returned memory that is out of bounds"))
    }
}

fn length(length: usize) -> Result<u32, Broken> {
    u32::try_from(length).map_err(|_| Broken::abi("the request is larger than any memory"))
}
