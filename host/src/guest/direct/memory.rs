//! Bytes of a guest's memory, by an address and a size that nobody has checked.

/// These bytes; `None` if they are not all in there.
pub(super) fn slice(memory: &[u8], address: u32, size: usize) -> Option<&[u8]> {
    memory.get(address as usize..)?.get(..size)
}

/// The same, to be written.
pub(super) fn slice_mut(memory: &mut [u8], address: u32, size: usize) -> Option<&mut [u8]> {
    memory.get_mut(address as usize..)?.get_mut(..size)
}
