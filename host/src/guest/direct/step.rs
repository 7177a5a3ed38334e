//! What the host asks of a guest during a direct call, and how the function that was added to the
//! guest's module reads it. The words that both sides share, and nothing of either.

/// Pieces of memory that are asked for in one step, at most: as many as a request with one field
/// needs. Lists of more numbers are no tuples, as wasmtime passes them, without further ado.
pub(super) const PIECES: usize = 12;

/// What the host asks of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To allocate memory in so many pieces, which is one at least. The next step is told where
    /// they are.
    Allocate([Piece; PIECES], usize),
    /// To answer the request at this address. The next step is told where the answer is, first.
    Handle(u32),
    /// To free the answer.
    Free,
    /// To return to the host.
    Return,
}

/// A piece of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    /// In bytes, a power of two.
    pub(super) align: u32,
    /// In bytes.
    pub(super) size: u32,
}

/// The addresses that a step is told, of which those count that were asked for.
pub(super) type Told = [u32; PIECES];
/// A step as the added function is given it: what to do in the upper half of each number, with what
/// in the lower one. It reads no further than to the first 0.
pub(super) type Asked = [i64; PIECES];

/// The upper half of a [`Step`] that is no alignment.
pub(super) const HANDLE: i32 = -1;
pub(super) const FREE: i32 = -2;

impl Step {
    /// The step for the added function.
    pub(super) fn encode(self) -> Asked {
        let mut asked = Asked::default();
        match self {
            Step::Allocate(pieces, count) => {
                for (asked, piece) in asked.iter_mut().zip(&pieces[..count]) {
                    *asked = i64::from(piece.align) << 32 | i64::from(piece.size);
                }
            }
            Step::Handle(address) => asked[0] = i64::from(HANDLE) << 32 | i64::from(address),
            Step::Free => asked[0] = i64::from(FREE) << 32,
            Step::Return => {}
        }
        asked
    }
}
