//! What becomes of memory and addresses that no guest of good will would give. What guests see of
//! direct calls is in the sandbox's own tests.

mod data;
mod shapes;

use super::broken::Broken;
use super::exchange::Exchange;
use super::lift;
use super::parcel::Parcel;
use super::step::{PIECES, Piece, Step};
use crate::guest::interface::{Capture, FieldRef, Request};
use proptest::prelude::*;

#[test]
fn a_step_says_what_in_one_half_and_with_what_in_the_other() {
    let piece = |align, size| Piece { align, size };
    let pieces = [piece(4, u32::MAX), piece(1, 0), piece(8, 1)];
    let mut allocated = [Piece::default(); PIECES];
    allocated[..3].copy_from_slice(&pieces);
    let asked = Step::Allocate(allocated, 2).encode();
    assert_eq!(asked[..3], [4 << 32 | 0xffff_ffff, 1 << 32, 0]);
    assert_eq!(Step::Handle(u32::MAX).encode()[0] >> 32, -1);
    assert_eq!(Step::Handle(7).encode()[0] & 0xffff_ffff, 7);
    let (free, back) = (Step::Free.encode(), Step::Return.encode());
    assert_eq!((free[0] >> 32, back[0]), (-2, 0));
}

/// Memory with an answer at 0: two fields that share their bytes, and a body.
fn memory() -> Vec<u8> {
    let words: [u32; 13] = [200, 20, 2, 52, 3, 52, 1, 53, 2, 52, 3, 52, 0];
    let mut memory: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    memory.extend(b"abc");
    memory
}

#[test]
fn an_answer_is_read_as_it_lies_there() {
    let answer = lift::answer(&memory(), 0, 1000).unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"abc"[..]));
    let fields: Vec<_> = answer
        .fields
        .iter()
        .map(|field| (field.name.as_str(), &field.value[..]))
        .collect();
    assert_eq!(fields, [("a", &b"bc"[..]), ("abc", b"")]);
}

#[test]
fn what_is_copied_is_counted_before_it_is_copied() {
    let all = 2 * size_of::<crate::guest::Field>() + 1 + 2 + 3 + 3;
    assert!(lift::answer(&memory(), 0, all).is_ok());
    assert_eq!(
        lift::answer(&memory(), 0, all - 1).unwrap_err(),
        Broken::TooMuch
    );
    assert_eq!(lift::answer(&memory(), 0, 0).unwrap_err(), Broken::TooMuch);
}

fn request(body: &[u8]) -> Request<'_> {
    Request {
        id: "1",
        client: "unix",
        method: "GET",
        scheme: "http",
        authority: None,
        path: "/",
        query: Some(""),
        fields: &[FieldRef {
            name: "a",
            value: b"b",
        }],
        captures: &[Capture {
            name: "c",
            value: "d",
        }],
        body,
    }
}

#[test]
fn a_large_request_leaves_no_large_buffers_behind() {
    let mut parcel = Parcel::default();
    let mut kept = Vec::new();
    let fields = vec![
        FieldRef {
            name: "a",
            value: b"b"
        };
        100
    ];
    for (body, count) in [(10, 1), (10_000, 1), (10, 100)] {
        let body = vec![0; body];
        let request = Request {
            fields: &fields[..count],
            ..request(&body)
        };
        parcel.pack(&request).unwrap();
        parcel.clear();
        kept.push(parcel.kept());
    }
    let [(bytes, blocks), (none, _), (_, no_blocks)] = kept[..] else {
        panic!("{kept:?}");
    };
    assert!(bytes > 0 && blocks > 0, "{kept:?}");
    assert_eq!((none, no_blocks), (0, 0), "{kept:?}");
}

proptest! {
    /// A guest may write anything, and say that its answer is anywhere.
    #[test]
    fn no_memory_makes_reading_an_answer_panic(
        memory in prop::collection::vec(prop_oneof![0_u8..64, any::<u8>()], 0..200),
        address in prop_oneof![0_u32..256, any::<u32>()],
        copy_max in 0_usize..10_000,
    ) {
        if let Ok(answer) = lift::answer(&memory, address, copy_max) {
            prop_assert!(answer.body.len() <= copy_max);
        }
    }

    /// And allocate anywhere. It is asked for no more than the request needs, and in the end to
    /// handle it or to return.
    #[test]
    fn no_address_makes_placing_a_request_panic(
        addresses in prop::collection::vec(
            prop_oneof![(0_u32..40).prop_map(|at| at * 8), any::<u32>()],
            3 * PIECES,
        ),
        large in any::<bool>(),
    ) {
        let body = vec![7; if large { 20_000 } else { 10 }];
        let mut memory = vec![0; 30_000];
        let mut exchange = Exchange::new(1000, false);
        let first = exchange.begin(&request(&body)).unwrap();
        prop_assert!(matches!(first, Step::Allocate(..)));
        for told in addresses.chunks_exact(PIECES) {
            match exchange.step(&mut memory, told.try_into().unwrap()) {
                Ok(Step::Allocate(pieces, count)) => {
                    prop_assert!((1..=PIECES).contains(&count));
                    for piece in &pieces[..count] {
                        prop_assert!(piece.align.is_power_of_two() && piece.size <= 20_000);
                    }
                }
                Ok(Step::Handle(at)) => {
                    prop_assert!(at as usize + 88 <= memory.len() && !large);
                    break;
                }
                Ok(Step::Return) => {
                    let next = exchange.wants_body().map(|(_, next)| next);
                    prop_assert!(large && matches!(next, Some(Step::Handle(_))));
                    break;
                }
                Ok(Step::Free) => prop_assert!(false, "nothing was answered"),
                Err(_) => break,
            }
        }
        prop_assert!(exchange.end().is_none());
    }
}
