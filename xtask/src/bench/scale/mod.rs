//! What size costs: a thousand guests, idle connections, guests with much memory.

pub(super) mod guests;
pub(super) mod idle;
pub(super) mod memory;
