//! Which modules are the same code, and how one becomes another.

use super::super::data::{Patches, Split};
use super::super::shape;
use crate::guest::hash::ContentHash;
use crate::guest::tests::component;
use proptest::prelude::*;
use std::fmt::Write;

const HANDLE: &str = "(func (export \"handle\") (param i32) (result i32) (i32.const 0))";

/// The code of a guest with these fields, and its bytes in memory; none if it is not to be split.
fn split(fields: &str) -> Option<(ContentHash, Vec<u8>)> {
    let binary = binary(fields);
    let whole = shape::read(&binary).unwrap();
    let split = Split::new(&whole)?;
    Some((split.code, split.base().into()))
}

fn code(fields: &str) -> ContentHash {
    split(fields).unwrap().0
}

fn binary(fields: &str) -> Vec<u8> {
    wat::parse_str(component(&format!("{HANDLE} {fields}"))).unwrap()
}

/// What makes the first of two guests the second.
fn patches(base: &str, own: &str) -> Option<Patches> {
    let (code, base) = split(base).unwrap();
    let binary = binary(own);
    let own = Split::new(&shape::read(&binary).unwrap()).unwrap();
    assert_eq!(code, own.code);
    own.patches(&base)
}

/// What is written into an instance of the guest, if its code is compiled without data.
fn written(fields: &str) -> Option<Patches> {
    let binary = binary(fields);
    let split = Split::new(&shape::read(&binary).unwrap());
    split.unwrap().written()
}

fn segment(address: usize, bytes: &[u8]) -> String {
    let mut text = format!("(data (i32.const {address}) \"");
    for byte in bytes {
        write!(text, "\\{byte:02x}").unwrap();
    }
    text + "\")"
}

/// So much data that code is compiled with it.
fn much() -> String {
    segment(4096, &[1; (8 << 10) + 1])
}

#[test]
fn little_data_is_left_out_of_the_code_if_it_fits_into_memory() {
    let is_light = |fields: &str| written(fields).is_some();
    let end = 64 << 10;
    assert!(is_light("") && is_light(&segment(end - 8, &[1; 8])));
    assert!(!is_light(&segment(end - 8, &[1; 9])));
    let last = usize::try_from(u32::MAX).unwrap();
    assert!(!is_light(&segment(last, &[1])));
    assert!(is_light(&segment(0, &[1; 8 << 10])));
    assert!(!is_light(&(segment(0, &[1]) + &much())));
}

#[test]
fn guests_with_other_bytes_in_the_same_places_are_one_code() {
    let one = segment(16, b"one") + &segment(32, b"1");
    assert_eq!(
        code(&one),
        code(&(segment(16, b"two") + &segment(32, b"2")))
    );
    assert_eq!(split(&one).unwrap().1, b"one1");
    for other in [
        segment(17, b"one") + &segment(32, b"1"),
        segment(16, b"ones") + &segment(32, b"1"),
        segment(16, b"one1"),
        format!("{one} (global i32 (i32.const 0))"),
        format!("{one} (data \"passive\")"),
    ] {
        assert_ne!(code(&one), code(&other), "{other}");
    }
    assert_eq!(code(""), code(""));
}

/// What is copied by the code itself is code.
#[test]
fn passive_bytes_make_another_code() {
    assert_ne!(code("(data \"one\")"), code("(data \"two\")"));
}

#[test]
fn what_could_be_seen_before_it_is_patched_is_not_split() {
    let data = segment(16, b"one");
    for fields in [
        format!("{data} (func $begin) (start $begin)"),
        segment(16, b"one") + &segment(18, b"two"),
        segment(16, b"one") + &segment(8, b"two"),
        "(global $at i32 (i32.const 8)) (data (global.get $at) \"one\")".to_owned(),
        "(data (i32.add (i32.const 8) (i32.const 8)) \"one\")".to_owned(),
    ] {
        assert!(split(&fields).is_none(), "{fields}");
    }
    assert!(split(&(segment(16, b"one") + &segment(19, b"two"))).is_some());
}

#[test]
fn a_patch_is_no_larger_than_what_differs() {
    let of = |bytes: &[u8]| segment(100, bytes);
    assert!(patches(&of(b"same"), &of(b"same")).unwrap().is_empty());
    let (mut base, mut own) = ([0; 64], [0; 64]);
    // The first two are near each other.
    for at in [3, 19, 40] {
        (base[at], own[at]) = (1, 2);
    }
    let patches = patches(&of(&base), &of(&own)).unwrap();
    // Whatever else is in the memory stays.
    let mut memory = [9; 256];
    patches.apply(&mut memory).unwrap();
    let changed: Vec<_> = (0..256).filter(|at| memory[*at] != 9).collect();
    assert_eq!(changed, (103..120).chain([140]).collect::<Vec<_>>());
}

#[test]
fn modules_that_differ_too_much_are_not_patched() {
    let of = |size, byte| segment(0, &vec![byte; size]);
    assert!(patches(&of(16 << 10, 1), &of(16 << 10, 2)).is_some());
    assert!(patches(&of((16 << 10) + 1, 1), &of((16 << 10) + 1, 2)).is_none());
}

#[test]
fn a_memory_that_ends_too_early_is_not_patched() {
    let patches = patches(&segment(250, b"one"), &segment(250, b"two")).unwrap();
    assert_eq!(patches.apply(&mut [0; 253]), Some(()));
    assert_eq!(patches.apply(&mut [0; 252]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_patched_memory_is_the_others(
        pairs in prop::collection::vec((any::<u8>(), any::<bool>(), any::<u8>()), 0..200),
        cut in 0..200_usize,
        is_light: bool,
    ) {
        let base: Vec<u8> = pairs.iter().map(|(base, ..)| *base).collect();
        let own: Vec<u8> = pairs
            .iter()
            .map(|(base, is_same, own)| if *is_same { *base } else { *own })
            .collect();
        let cut = cut.min(base.len());
        let more = if is_light { String::new() } else { much() };
        let of = |bytes: &[u8]| {
            segment(8, &bytes[..cut]) + &segment(300, &bytes[cut..]) + &more
        };
        let begun = |bytes: &[u8]| {
            let mut memory = vec![0; 600];
            memory[8..8 + cut].copy_from_slice(&bytes[..cut]);
            memory[300..300 + bytes.len() - cut].copy_from_slice(&bytes[cut..]);
            memory
        };
        let mut memory = if is_light { vec![0; 600] } else { begun(&base) };
        if let Some(written) = written(&of(&base)) {
            written.apply(&mut memory).unwrap();
        }
        prop_assert_eq!(&memory, &begun(&base));
        patches(&of(&base), &of(&own)).unwrap().apply(&mut memory).unwrap();
        prop_assert_eq!(memory, begun(&own));
    }
}
