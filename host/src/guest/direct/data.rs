//! What a module's memory begins with, apart from its code. Modules that differ in nothing else are
//! one code with other data: the same program with another text in it. An instance of any of them
//! becomes one of another by what is different, its patches, if nothing of it has run yet. A module
//! with little data is compiled without it, and each instance has it written: the pages of its
//! memory are of one kind then, which the kernel looks through faster for what a guest has written.

use super::memory::slice_mut;
use super::shape::Whole;
use crate::guest::hash::ContentHash;
use crate::guest::limits::PAGE_BYTES;
use smallvec::SmallVec;
use std::ops::Range;
use wasmparser::{ConstExpr, Data, DataKind, DataSectionReader, Operator, Parser, Payload};

/// Bytes in which two modules may differ and still share their code. To write more than these for
/// each instance takes longer than code of their own.
const PATCHES_MAX: usize = 16 << 10;
/// Bytes up to which a module's data is written into each instance, and is no image that the kernel
/// maps there: a request in a fresh instance of a guest with 2.5 KiB takes 0.5 us less in the
/// kernel, and each page more that is to be written and wiped costs about 0.1.
const LIGHT_MAX: usize = 8 << 10;
/// Equal bytes between two patches that make one of them: what else each takes is about as much.
const EQUAL_MIN: usize = 16;

/// A module's code, by a name, and what its memory begins with.
pub(super) struct Split<'a> {
    /// Of everything but the bytes in memory. Where it is equal, those have the same places.
    pub(super) code: ContentHash,
    /// Addresses and bytes; none overlaps another.
    segments: Vec<(u32, &'a [u8])>,
    /// Bytes of memory that an instance starts with.
    memory: u64,
}

/// What makes an instance of one module an instance of another: bytes by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Patches {
    places: SmallVec<[Place; 2]>,
    /// Those of all places, one after the other.
    bytes: SmallVec<[u8; 32]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    address: u32,
    size: u32,
}

impl<'a> Split<'a> {
    /// Splits a component's only module. `None` where data could be seen before it is patched, or
    /// where its place is not known from the module alone.
    pub(super) fn new(whole: &Whole<'a>) -> Option<Split<'a>> {
        if whole.start.is_some() {
            return None;
        }
        let (mut data, mut pages) = (Vec::new(), 0);
        for payload in Parser::new(0).parse_all(whole.module) {
            match payload.ok()? {
                Payload::StartSection { .. } => return None,
                Payload::MemorySection(section) if section.count() != 1 => return None,
                Payload::MemorySection(section) => {
                    pages = section.into_iter().next()?.ok()?.initial;
                }
                Payload::DataSection(section) => data = active(section)?,
                _ => {}
            }
        }
        let names = format!("{:?}", (whole.log, whole.memory, whole.calls));
        let mut code = vec![names.as_bytes()];
        let mut rest = 0;
        for (_, range) in &data {
            code.push(whole.module.get(rest..range.start)?);
            rest = range.end;
        }
        code.push(whole.module.get(rest..)?);
        let bytes = |(address, range): (u32, Range<usize>)| (address, &whole.module[range]);
        Some(Split {
            code: ContentHash::of_parts(code),
            segments: data.into_iter().map(bytes).collect(),
            memory: pages.saturating_mul(PAGE_BYTES),
        })
    }

    /// Bytes of its data, if those are few and lie in the memory that it begins with.
    fn light_bytes(&self) -> Option<usize> {
        let fits = |(address, bytes): &(u32, &[u8])| {
            u64::from(*address) + bytes.len() as u64 <= self.memory
        };
        let size: usize = self.segments.iter().map(|(_, bytes)| bytes.len()).sum();
        (size <= LIGHT_MAX && self.segments.iter().all(fits)).then_some(size)
    }

    /// The bytes of its data, one after the other.
    pub(super) fn base(&self) -> Box<[u8]> {
        let bytes: Vec<&[u8]> = self.segments.iter().map(|(_, bytes)| *bytes).collect();
        bytes.concat().into()
    }

    /// What is to be written into an instance of its code to make it one of this module, if the
    /// code is compiled without data. `None` if it is not: the same for all modules of one code.
    pub(super) fn written(&self) -> Option<Patches> {
        let zeros = |size| self.patches(&vec![0; size]);
        self.light_bytes().and_then(zeros)
    }

    /// What makes an instance of the module of the same code whose [`Split::base`] that is one of
    /// this. `None` if it is too much.
    pub(super) fn patches(&self, base: &[u8]) -> Option<Patches> {
        let mut patches = Patches::default();
        let mut rest = base;
        for &(address, own) in &self.segments {
            let (theirs, others) = rest.split_at_checked(own.len())?;
            rest = others;
            for range in differences(own, theirs) {
                patches.places.push(Place {
                    address: address.checked_add(u32::try_from(range.start).ok()?)?,
                    size: u32::try_from(range.len()).ok()?,
                });
                patches.bytes.extend_from_slice(&own[range]);
                if patches.bytes.len() > PATCHES_MAX {
                    return None;
                }
            }
        }
        Some(patches)
    }
}

impl Patches {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Writes them into an instance's memory. `None` if it ends before they do.
    pub(super) fn apply(&self, memory: &mut [u8]) -> Option<()> {
        let mut rest = &self.bytes[..];
        for place in &self.places {
            let (bytes, others) = rest.split_at_checked(place.size as usize)?;
            slice_mut(memory, place.address, bytes.len())?.copy_from_slice(bytes);
            rest = others;
        }
        Some(())
    }
}

/// The segments that are in memory from the start: where there, and where in the module. `None` if
/// a place is computed, or if a later segment covers some of an earlier one.
fn active(section: DataSectionReader<'_>) -> Option<Vec<(u32, Range<usize>)>> {
    let mut segments = Vec::new();
    let mut free = 0;
    for data in section {
        let data: Data<'_> = data.ok()?;
        let DataKind::Active {
            memory_index: 0,
            offset_expr,
        } = data.kind
        else {
            // Others belong to the code that copies them.
            continue;
        };
        let address = constant(&offset_expr)?;
        if u64::from(address) < free {
            return None;
        }
        free = u64::from(address) + data.data.len() as u64;
        let end = usize::try_from(data.range.end).ok()?;
        segments.push((address, end.checked_sub(data.data.len())?..end));
    }
    Some(segments)
}

fn constant(expression: &ConstExpr<'_>) -> Option<u32> {
    let mut operators = expression.get_operators_reader();
    match (operators.read().ok()?, operators.read().ok()?) {
        (Operator::I32Const { value }, Operator::End) => Some(value.cast_unsigned()),
        _ => None,
    }
}

/// Where two slices of the same length differ.
fn differences(own: &[u8], other: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let unequal = (0..own.len()).filter(|index| own[*index] != other[*index]);
    for index in unequal {
        match found.last_mut() {
            Some(last) if index - last.end < EQUAL_MIN => last.end = index + 1,
            _ => found.push(index..index + 1),
        }
    }
    found
}
