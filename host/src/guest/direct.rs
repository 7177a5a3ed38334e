//! Guests of the lean lane that are called without the component model's machinery.
//!
//! Most lean components are one module in the clothes of the component model. Of those only the
//! module is compiled and instantiated, and requests and answers pass by the canonical ABI as it is
//! written down here. That saves two more modules with their tables for each instance, and an entry
//! into the guest for each string of a request. Any other component is called the usual way. What a
//! guest can see of the difference: the order in which it is asked for memory, and that it may log
//! where a component would trap, in its module's start function and while it gives or frees memory.
//!
//! No `unsafe`, and no trust: what a guest says is only ever read through slices.

mod broken;
mod code;
mod data;
mod driver;
mod exchange;
mod lift;
mod link;
mod memory;
mod outline;
mod parcel;
mod parts;
mod shape;
mod step;
mod wit;

#[cfg(test)]
mod tests;

pub(super) use broken::Broken;
pub(super) use code::{Codes, Direct, Plain};
pub(super) use exchange::Exchange;
pub(super) use link::Entrance;

use std::borrow::Cow;

/// The binary of a component that is given as that or as text. `None` when there is something wrong
/// with it: whoever makes it ready the usual way will say what.
pub(super) fn binary(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    wat::parse_bytes(bytes).ok()
}
