//! Files that others may be writing at this moment: told apart without reading, and read only once
//! they have stopped changing. What is in them is for others to judge.

mod fingerprint;
mod read;

pub(crate) use fingerprint::GRAIN;
pub use fingerprint::{Fingerprint, Stamp};
pub use read::{ReadError, read_stable};
