//! The allocator of a component: most blocks that a request needs are small, short-lived and there
//! a moment later in the same number. They come from a space inside the memory that an instance
//! begins with, in a few instructions, and so a fresh instance answers without growing its memory.
//! Whatever does not fit there comes from Rust's own allocator, as without this file.
//!
//! This is the only file written by hand that may be `unsafe`, for `GlobalAlloc` is; nothing but
//! memory is its affair.

#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;

/// Bytes of the space. What a guest keeps for longer than a request takes away from it; so do the
/// guest's own data from the page that both are in, where there is one.
const SPACE_BYTES: usize = 32 << 10;
/// Sizes of blocks are powers of two from 16 bytes on; so many of them.
const CLASSES: usize = 9;
const SMALLEST: usize = 16;
const LARGEST: usize = SMALLEST << (CLASSES - 1);

/// The space in front of [`System`], for one thread.
///
/// A block that is freed goes to a list of those of its size, from where the next one of that size
/// is taken; the first word of a free block is the next one's address. When no block is in use, as
/// between two requests, all lists are forgotten and the space begins anew: it has no fragments
/// then, whatever the sizes were before.
pub(crate) struct Allocator {
    lists: UnsafeCell<Lists>,
    space: UnsafeCell<Space>,
}

#[repr(align(16))]
struct Space(#[expect(dead_code, reason = "used by address only")] MaybeUninit<[u8; SPACE_BYTES]>);

/// What is known of the space. All zeros is a space that nobody used, so that no byte of it is in
/// the component.
struct Lists {
    /// The bytes at the space's start that have been handed out at least once.
    used: usize,
    /// Blocks that are in use.
    live: usize,
    /// The first free block of each size.
    free: [*mut u8; CLASSES],
}

impl Lists {
    const EMPTY: Self = Self {
        used: 0,
        live: 0,
        free: [ptr::null_mut(); CLASSES],
    };
}

// SAFETY: a component has one thread, or this file is not compiled into it; a test keeps its own.
unsafe impl Sync for Allocator {}

impl Allocator {
    pub(crate) const fn new() -> Self {
        Self {
            lists: UnsafeCell::new(Lists::EMPTY),
            space: UnsafeCell::new(Space(MaybeUninit::uninit())),
        }
    }

    fn start(&self) -> *mut u8 {
        self.space.get().cast()
    }

    /// Whether a block is of the space.
    fn owns(&self, block: *mut u8) -> bool {
        block.addr().wrapping_sub(self.start().addr()) < SPACE_BYTES
    }

    /// A block of the space; none when it has no room for one.
    #[inline]
    fn take(&self, class: usize) -> Option<*mut u8> {
        // SAFETY: the reference ends with this function, which calls nothing that comes back here,
        // and there is one thread.
        let lists = unsafe { &mut *self.lists.get() };
        let free = lists.free[class];
        if !free.is_null() {
            // SAFETY: a block on a list is free, is at least a word, and was given its first word
            // by `give_back`.
            lists.free[class] = unsafe { free.cast::<*mut u8>().read() };
            lists.live += 1;
            return Some(free);
        }
        let size = SMALLEST << class;
        if size > SPACE_BYTES - lists.used {
            return None;
        }
        // SAFETY: it is inside of the space, as has just been checked.
        let block = unsafe { self.start().add(lists.used) };
        lists.used += size;
        lists.live += 1;
        Some(block)
    }

    /// # Safety
    /// The block was taken of that class and is not used any more.
    #[inline]
    unsafe fn give_back(&self, block: *mut u8, class: usize) {
        // SAFETY: as in `take`.
        let lists = unsafe { &mut *self.lists.get() };
        lists.live -= 1;
        if lists.live == 0 {
            *lists = Lists::EMPTY;
            return;
        }
        // SAFETY: nobody uses the block, it is at least a word and aligned for one.
        unsafe { block.cast::<*mut u8>().write(lists.free[class]) };
        lists.free[class] = block;
    }
}

/// Which list a block of this layout belongs to; none for one that is not for the space.
#[inline]
fn class_of(layout: Layout) -> Option<usize> {
    if layout.size() > LARGEST || layout.align() > SMALLEST {
        return None;
    }
    Some(class_of_size(layout.size()))
}

/// The same for a size up to [`LARGEST`]: 16 and less is 0, 32 is 1.
#[inline]
fn class_of_size(size: usize) -> usize {
    let above = (size.saturating_sub(1) | (SMALLEST - 1)).ilog2() + 1;
    (above - SMALLEST.ilog2()) as usize
}

// SAFETY: a block of the space is one of a class that its layout fits into, is aligned to 16
// bytes as the space and all sizes are, and is on a list or in use, never both; other blocks are
// `System`'s from beginning to end. Which of the two one is of, its address says.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class_of(layout).and_then(|class| self.take(class)) {
            Some(block) => block,
            // SAFETY: the caller's promises are those that it asks for.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match class_of(layout).and_then(|class| self.take(class)) {
            Some(block) => {
                // SAFETY: the block is at least that long.
                unsafe { block.write_bytes(0, layout.size()) };
                block
            }
            // SAFETY: as in `alloc`.
            None => unsafe { System.alloc_zeroed(layout) },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.owns(block) {
            // SAFETY: it is the caller's, with the layout that it was taken with.
            unsafe { self.give_back(block, class_of_size(layout.size())) };
        } else {
            // SAFETY: what is not of the space is of `System`.
            unsafe { System.dealloc(block, layout) };
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.owns(block) {
            // SAFETY: as in `dealloc`.
            return unsafe { System.realloc(block, layout, size) };
        }
        if size <= LARGEST && class_of_size(size) == class_of_size(layout.size()) {
            return block;
        }
        // SAFETY: the caller says that the size is a valid one for this alignment.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both blocks are at least that long, and apart from each other.
            unsafe {
                ptr::copy_nonoverlapping(block, new, size.min(layout.size()));
                self.dealloc(block, layout);
            }
        }
        new
    }
}

#[cfg(test)]
#[path = "allocator_tests.rs"]
mod tests;
