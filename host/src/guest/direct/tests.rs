//! Which components are called directly, and what becomes of memory and addresses that no guest of
//! good will would give. What guests see is in the sandbox's own tests.

use super::broken::Broken;
use super::driver::{PIECES, Piece, Step};
use super::exchange::Exchange;
use super::{lift, shape};
use crate::guest::WELCOME;
use crate::guest::interface::{Capture, FieldRef, Request};
use crate::guest::tests::{component, component_apart};
use proptest::prelude::*;
use std::fmt::Write;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

const ANSWERS: &str = "(func (export \"handle\") (param i32) (result i32) (i32.const 0))";

fn is_whole(text: &str) -> bool {
    let binary = wat::parse_str(text).unwrap();
    shape::read(&binary).is_some()
}

#[test]
fn a_module_alone_or_with_shim_and_fixup_is_whole() {
    assert!(is_whole(WELCOME));
    let text = component(ANSWERS);
    let binary = wat::parse_str(&text).unwrap();
    let whole = shape::read(&binary).unwrap();
    assert_eq!((whole.log, whole.memory), (Some("log"), "memory"));
    assert_eq!(
        (whole.calls.realloc, whole.calls.handle),
        ("realloc", "handle")
    );
    assert_eq!(whole.calls.post_return, None);
    assert!(!is_whole(&component_apart(ANSWERS)));
}

/// wit-component makes this of a module that has an `_initialize`.
fn started(text: &str) -> String {
    let handle = "  (func (export \"handle\")";
    let starter = "  (core module $starter
    (import \"main\" \"begin\" (func))
    (start 0))
  (core instance (instantiate $starter (with \"main\" (instance $guest))))
";
    text.replacen(handle, &format!("{starter}{handle}"), 1)
}

#[test]
fn a_module_that_another_one_starts_is_whole() {
    let core = format!("(func (export \"begin\")) {ANSWERS}");
    let binary = wat::parse_str(started(&component(&core))).unwrap();
    let whole = shape::read(&binary).unwrap();
    assert_eq!((whole.start, whole.log), (Some("begin"), Some("log")));
    // With two of them nobody knows.
    assert!(!is_whole(&started(
        &started(&component(&core)).replace("$starter", "$first")
    )));
    // Of another instance than the guest's.
    let other = "(core module $other (func (export \"begin\")))
        (core instance $other (instantiate $other))";
    let text = started(&component(&core)).replacen(
        "  (core module $starter",
        &format!("{other} (core module $starter"),
        1,
    );
    assert!(!is_whole(&text));
}

/// Changes after which the component is as good as before, but is not its module any more.
#[test]
fn whatever_differs_is_called_the_usual_way() {
    let text = component(ANSWERS);
    let shim = "(local.get 0) (local.get 1) (local.get 2) (i32.const 0)";
    let changes = [
        (
            shim,
            "(local.get 0) (local.get 2) (local.get 1) (i32.const 0)",
        ),
        (
            shim,
            "(i32.const 4) (local.get 1) (local.get 2) (i32.const 0)",
        ),
        (
            shim,
            "(local.get 0) (local.get 1) (local.get 2) (i32.const 1)",
        ),
        (
            "(export \"$imports\") 1 1 funcref",
            "(export \"$imports\") 2 2 funcref) (memory 1",
        ),
        (
            "(elem (i32.const 0) func $write)",
            "(elem (i32.const 0) func)",
        ),
        ("(elem (i32.const 0) func $write)", "(elem func $write)"),
        (
            "(elem (i32.const 0) func $write)",
            "(elem (i32.const 0) func $write) (func $start) (start $start)",
        ),
        (
            "  (core instance $shim (",
            "  (core instance (instantiate $shim)) (core instance $shim (",
        ),
        (
            "(canon lower (func $log \"write\")",
            "(canon lower (func $log \"write\") string-encoding=latin1+utf16",
        ),
        (
            "      (realloc (core func $guest \"realloc\"))",
            "      (realloc (core func $guest \"realloc\")) string-encoding=utf16",
        ),
        (
            "(memory (export \"memory\") 1)",
            "(memory (export \"memory\") 1) (import \"log\" \"write\" (func))",
        ),
        ("(component\n", "(component (component)\n"),
        (
            "(component\n",
            "(component (import \"other\" (instance (export \"f\" (func))))\n",
        ),
        ("(component\n", "(component (import \"f\" (func))\n"),
        ("\"httpd:guest/log@0.1.0\"", "\"httpd:guest/log@0.2.0\""),
        ("\"write\" (func (param", "\"note\" (func (param"),
    ];
    let mut valid = 0;
    for (from, to) in changes {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let Ok(binary) = wat::parse_str(&changed) else {
            continue;
        };
        assert!(shape::read(&binary).is_none(), "{to}");
        valid += usize::from(Component::from_binary(&engine(), &binary).is_ok());
    }
    assert!(valid >= 9, "{valid} of them are components");
}

/// Its code is not validated before something is added to it: nothing in there may come to mean
/// what was added.
#[test]
fn what_a_module_does_not_have_is_not_what_was_added_to_it() {
    // Behind the last of its own, one of these is the first that is not there.
    let mut codes = vec!["(func (drop (call 4294967295 (i32.const 0))))".to_owned()];
    for number in 0..10 {
        codes.push(format!("(func (call {number}))"));
        codes.push(format!("(func (block (type {number})))"));
    }
    let mut valid = 0;
    for code in &codes {
        for text in [component(&format!("{ANSWERS} {code}")), welcome_and(code)] {
            let binary = wat::parse_str(&text).unwrap();
            let is_valid = Component::from_binary(&engine(), &binary).is_ok();
            assert_eq!(
                super::load(&engine(), &binary).is_some(),
                is_valid,
                "{code}"
            );
            valid += usize::from(is_valid);
        }
    }
    assert!((1..codes.len()).contains(&valid), "{valid}");
}

/// The built-in guest with more in its module.
fn welcome_and(fields: &str) -> String {
    let module = "(core module $page";
    let first = WELCOME.find(module).unwrap() + module.len();
    // Behind all others, so that its own functions keep their numbers.
    let end = WELCOME[first..].find("(core instance").unwrap() + first;
    let last = WELCOME[..end].rfind(')').unwrap();
    format!("{} {fields} {}", &WELCOME[..last], &WELCOME[last..])
}

/// Names are no code, and nobody validates them.
#[test]
fn names_of_what_is_not_there_do_no_harm() {
    for number in [0_u32, 1, 7, 8, 9, u32::MAX] {
        // A name section: a map of functions with one name, by its number as LEB128.
        let mut map = vec![1];
        let mut rest = number;
        loop {
            let byte = (rest & 0x7f) as u8;
            rest >>= 7;
            map.push(byte | if rest == 0 { 0 } else { 0x80 });
            if rest == 0 {
                break;
            }
        }
        map.extend([1, b'x']);
        let mut section = vec![1, u8::try_from(map.len()).unwrap()];
        section.extend(map);
        let mut escaped = String::new();
        for byte in section {
            write!(escaped, "\\{byte:02x}").unwrap();
        }
        let text = welcome_and(&format!("(@custom \"name\" \"{escaped}\")"));
        let binary = wat::parse_str(&text).unwrap();
        assert!(Component::from_binary(&engine(), &binary).is_ok());
        let _ = super::load(&engine(), &binary);
    }
}

/// What the usual way refuses is not accepted for being left out.
#[test]
fn what_is_left_out_of_a_component_must_be_as_good() {
    let module = "  (core module $page";
    let shim = "(local.get 0) (local.get 1) (local.get 2) (i32.const 0))";
    for (text, from, to) in [
        (
            WELCOME.to_owned(),
            module,
            "(core module (func (result i32)))",
        ),
        (
            WELCOME.to_owned(),
            module,
            "(import \"a:b/c\" (instance (export \"r\" (type (sub resource)))))",
        ),
        (
            WELCOME.to_owned(),
            module,
            "(import \"r\" (type (sub resource)))",
        ),
        (
            component(ANSWERS),
            "(call_indirect (type 0)",
            "(local i32) (local i64)",
        ),
        (component(ANSWERS), shim, ""),
    ] {
        let changed = if from == shim {
            text.replacen(shim, &format!("{shim} unreachable"), 1)
        } else {
            text.replacen(from, &format!("{to} {from}"), 1)
        };
        assert_ne!(changed, text, "{from}");
        assert!(!is_whole(&changed), "{to}");
    }
}

fn engine() -> Engine {
    Engine::new(&Config::new()).unwrap()
}

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
        exchange.begin(&request(&body)).unwrap();
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
                    prop_assert!(large && exchange.wants_body().is_some());
                    break;
                }
                Ok(Step::Free) => prop_assert!(false, "nothing was answered"),
                Err(_) => break,
            }
        }
        prop_assert!(exchange.end().is_none());
    }
}
