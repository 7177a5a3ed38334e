//! Blocks that come and go, on native memory.

use super::*;

/// A block that a test holds, filled with a byte of its own.
struct Held {
    block: *mut u8,
    layout: Layout,
    mark: u8,
}

impl Held {
    fn fill(&self) {
        // SAFETY: the block is that long.
        unsafe { self.block.write_bytes(self.mark, self.layout.size()) };
    }

    /// Fails unless so many bytes of it are all the same.
    #[track_caller]
    fn expect(&self, mark: u8, bytes: usize) {
        // SAFETY: the block is at least that long, and every byte of it was written.
        let bytes = unsafe { std::slice::from_raw_parts(self.block, bytes) };
        assert!(bytes.iter().all(|byte| *byte == mark));
    }
}

/// An allocator and what it has handed out.
struct Heap {
    allocator: Allocator,
    held: Vec<Held>,
}

impl Heap {
    fn new() -> Self {
        Self {
            allocator: Allocator::new(),
            held: Vec::new(),
        }
    }

    fn make(&mut self, layout: Layout, mark: u8) {
        // SAFETY: no size here is 0.
        let block = unsafe { self.allocator.alloc(layout) };
        self.hold(block, layout, mark);
    }

    fn make_zeroed(&mut self, layout: Layout, mark: u8) {
        // SAFETY: no size here is 0.
        let block = unsafe { self.allocator.alloc_zeroed(layout) };
        self.hold(block, layout, mark);
        let last = self.held.last().unwrap();
        last.expect(0, layout.size());
        last.fill();
    }

    fn hold(&mut self, block: *mut u8, layout: Layout, mark: u8) {
        assert_eq!(block.addr() % layout.align(), 0);
        let held = Held {
            block,
            layout,
            mark,
        };
        self.held.push(held);
    }

    fn resize(&mut self, at: usize, size: usize) {
        let one = &mut self.held[at];
        let kept = one.layout.size().min(size);
        // SAFETY: it was made with that layout, and no size here is 0.
        one.block = unsafe { self.allocator.realloc(one.block, one.layout, size) };
        one.layout = layout(size, one.layout.align());
        one.expect(one.mark, kept);
        one.fill();
    }

    fn free(&mut self, at: usize) {
        let one = self.held.swap_remove(at);
        one.expect(one.mark, one.layout.size());
        // SAFETY: it was made with that layout, and nobody uses it any more.
        unsafe { self.allocator.dealloc(one.block, one.layout) };
    }

    /// Whether something small had to be put elsewhere.
    fn is_over_full(&self) -> bool {
        let is_out = |one: &Held| class_of(one.layout).is_some() && !self.allocator.owns(one.block);
        self.held.iter().any(is_out)
    }

    fn used(&self) -> usize {
        // SAFETY: nobody else looks at it.
        unsafe { (*self.allocator.lists.get()).used }
    }
}

/// Numbers that look random and are the same in every run.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

#[test]
fn sizes_go_to_the_class_that_holds_them() {
    let cases = [(1, 0), (16, 0), (17, 1), (32, 1), (33, 2), (LARGEST, 8)];
    for (size, class) in cases {
        assert_eq!(class_of(layout(size, 1)), Some(class), "{size}");
        assert!(SMALLEST << class >= size);
    }
    assert_eq!(class_of(layout(LARGEST + 1, 1)), None);
    assert_eq!(
        class_of(layout(64, 32)),
        None,
        "its blocks are aligned to 16"
    );
}

#[test]
fn blocks_in_use_are_left_alone_whatever_comes_and_goes() {
    let (mut heap, mut number) = (Heap::new(), numbers());
    let mut was_over_full = false;
    for step in 0..20_000_usize {
        // The space is filled, emptied, filled again.
        let held_max = if step / 1000 % 2 == 0 { 500 } else { 5 };
        was_over_full |= step % 1000 == 999 && heap.is_over_full();
        let is_large = number(10) == 0;
        let size = 1 + number(if is_large { 3 * LARGEST } else { 200 });
        let layout = layout(size, 1 << number(6));
        let mark = (step % 255) as u8 + 1;
        let (what, count) = (number(6), heap.held.len());
        match what {
            _ if count > held_max => heap.free(number(count)),
            0 if count > 0 => heap.free(number(count)),
            1 if count > 0 => heap.resize(number(count), size),
            2 => heap.make_zeroed(layout, mark),
            _ => {
                heap.make(layout, mark);
                heap.held.last().unwrap().fill();
            }
        }
    }
    assert!(was_over_full, "it never came to more than fits");
    while !heap.held.is_empty() {
        heap.free(0);
    }
    assert_eq!(heap.used(), 0, "the space begins anew");
}

#[test]
fn small_blocks_come_from_the_space_again_and_again() {
    let mut heap = Heap::new();
    heap.make(layout(100, 8), 1);
    heap.held[0].fill();
    for mark in 2..=200 {
        heap.make(layout(100, 8), mark);
        heap.make(layout(LARGEST + 1, 8), mark);
        let owned = heap.held.iter().map(|one| heap.allocator.owns(one.block));
        assert_eq!(owned.collect::<Vec<_>>(), [true, true, false]);
        heap.held.iter().for_each(Held::fill);
        heap.free(2);
        heap.free(1);
    }
    assert_eq!(heap.used(), 2 * 128);
    heap.free(0);
    assert_eq!(heap.used(), 0);
}

#[test]
fn a_full_space_is_no_end() {
    let mut heap = Heap::new();
    let blocks = SPACE_BYTES / LARGEST;
    for _ in 0..2 * blocks {
        heap.make_zeroed(layout(LARGEST, 16), 1);
    }
    let owned = heap
        .held
        .iter()
        .filter(|one| heap.allocator.owns(one.block));
    assert_eq!(owned.count(), blocks);
    while !heap.held.is_empty() {
        heap.free(0);
    }
    heap.make(layout(LARGEST, 16), 1);
    assert!(!heap.is_over_full());
    heap.held[0].fill();
    heap.free(0);
}
