//! Guests that are called directly, beside the same guests called as components: nobody can tell
//! which is which.

mod log;

use super::support::*;
use crate::guest::{CallError, Capture, FieldRef, Guest, GuestSettings, Request, Stage, WELCOME};
use proptest::prelude::*;
use std::fmt::Write;
use std::time::Duration;

/// The same guest, called in either way.
fn both(settings: &GuestSettings, core: &str) -> [Guest; 2] {
    let direct = load_text(&sandbox(4), settings.clone(), &component(core));
    let apart = load_text(&sandbox(4), settings.clone(), &component_apart(core));
    assert_eq!((direct.is_direct(), apart.is_direct()), (true, false));
    [direct, apart]
}

/// What a request came to, in words; of what is wrong with an answer's memory each way has its own.
fn told(result: &Result<crate::guest::Response, CallError>) -> String {
    match result {
        Err(CallError::BrokenAbi { .. }) => "broken".to_owned(),
        Err(CallError::Trapped { reason }) => {
            reason.split(" in ").next().unwrap_or_default().to_owned()
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn the_built_in_guest_is_called_directly() {
    assert!(load_text(&sandbox(1), SETTINGS, WELCOME).is_direct());
}

#[tokio::test]
async fn every_kind_of_answer_and_failure_is_the_same() {
    let word = |at: u32, value: i64| format!("(i32.store (i32.const {at}) (i32.const {value}))");
    // An answer of 200 with these words behind the status: fields and body, by address and length.
    let answering = |words: [i64; 4]| {
        let mut code = word(1024, 200);
        for (at, value) in (1028..).step_by(4).zip(words) {
            code += &word(at, value);
        }
        handle(&format!("{code} (i32.const 1024)"))
    };
    let field = |words: [i64; 4]| {
        let mut code = word(1024, 200) + &word(1028, 2048) + &word(1032, 1);
        for (at, value) in (2048..).step_by(4).zip(words) {
            code += &word(at, value);
        }
        handle(&format!("{code} (i32.const 1024)"))
    };
    // The heap has grown by a page for the request.
    let page = 131_072;
    let cores = [
        answer(200, &[("a", b"b"), ("C", b"\xff")], b"body"),
        answer(99, &[], b""),
        handle("unreachable"),
        handle("(i32.div_u (i32.const 1) (i32.const 0))"),
        handle(
            "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
             unreachable",
        ),
        handle("(i32.const 1026)"),
        handle("(i32.const -4)"),
        handle(&format!("(i32.const {})", page - 16)),
        answering([0, 0, page - 4, 4]),
        answering([0, 0, page - 4, 5]),
        answering([0, 0, -1, 1]),
        answering([0, 0, 1, 0]),
        answering([0, 0, page, 0]),
        answering([0, 0, page + 1, 0]),
        answering([2, 1, 0, 0]),
        answering([2, 0, 0, 0]),
        answering([page - 16, 1, 0, 0]),
        answering([page - 12, 1, 0, 0]),
        answering([0, 0x1000_0001, 0, 0]),
        answering([0, -1, 0, 0]),
        answering([0, 0, 0, -1]),
        field([page - 1, 1, 0, 0]),
        field([page, 1, 0, 0]),
        field([16, 1, page - 1, 2]),
        field([16, 1, 0, 0x7fff_ffff]),
        field([1024, 1, 0, 0]),
        format!(
            "(func $start unreachable) (start $start) {}",
            handle("i32.const 0")
        ),
    ];
    for core in cores {
        let [direct, apart] = both(&SETTINGS, &core);
        for _ in 0..2 {
            let (here, there) = (call(&direct).await, call(&apart).await);
            assert_eq!(told(&here), told(&there), "{core}");
        }
    }
}

/// What stops a guest stops it in either way, and the next call finds everything as before.
#[tokio::test]
async fn a_guest_that_does_not_end_is_stopped() {
    let deeper = format!(
        "(func $deeper (param i32) (result i32)
           (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
         {}",
        handle("(call $deeper (i32.const 0))")
    );
    for _ in 0..2 {
        for guest in both(&SETTINGS, &deeper) {
            let ended = call(&guest).await;
            let told = told(&ended);
            assert!(told.contains("call stack exhausted"), "{ended:?}");
        }
        for guest in both(&SETTINGS, &spin()) {
            let deadline = soon(Duration::from_millis(20));
            let ended = guest.call(request(), deadline).await.0;
            assert!(
                matches!(ended, Err(CallError::Deadline { .. })),
                "{ended:?}"
            );
            // Dropped while it runs.
            let call = guest.call(request(), soon(PATIENCE));
            let dropped = tokio::time::timeout(Duration::from_millis(20), call).await;
            assert!(dropped.is_err() && guest.running() == 0);
        }
    }
}

#[tokio::test]
async fn an_instance_used_again_and_again_sees_each_request_anew() {
    let settings = GuestSettings {
        instances: reuse(1000),
        response_max: 1 << 20,
        ..SETTINGS
    };
    let echo = "(i32.store (i32.const 1024) (i32.const 200))
        (i64.store (i32.const 1036) (i64.load offset=80 (local.get $request)))
        (i32.const 1024)";
    let [direct, apart] = both(&settings, &handle(echo));
    // Small ones are packed with the request, large ones copied behind it.
    for size in [0, 1, 16 << 10, (16 << 10) + 1, 300_000, 5, 70_000] {
        let body: Vec<u8> = (0..size).map(|at: u32| (at % 251) as u8).collect();
        let request = Request {
            body: &body,
            ..request()
        };
        for guest in [&direct, &apart] {
            let answered = guest.call(request, soon(PATIENCE)).await.0.unwrap();
            assert!(answered.body == body, "{size}");
        }
    }
    assert_eq!(direct.instances(), (1, 0));
}

/// Once for each instance, and before it is asked for anything.
#[tokio::test]
async fn a_guest_that_another_module_starts_is_started() {
    let core = format!(
        "(func (export \"begin\")
           (i32.store8 (i32.const 8) (i32.add (i32.const 40) (i32.load8_u (i32.const 8))))) {}",
        counter()
    );
    let starter = "(core module $starter (import \"main\" \"begin\" (func)) (start 0))
        (core instance (instantiate $starter (with \"main\" (instance $guest))))";
    let handle = "  (func (export \"handle\")";
    let settings = GuestSettings {
        instances: reuse(1000),
        ..SETTINGS
    };
    for (text, is_direct) in [(component(&core), true), (component_apart(&core), false)] {
        let text = text.replacen(handle, &format!("{starter} {handle}"), 1);
        let guest = load_text(&sandbox(4), settings.clone(), &text);
        assert_eq!(guest.is_direct(), is_direct);
        for count in [41, 42] {
            assert_eq!(call(&guest).await.unwrap().body, [count]);
        }
    }
}

/// Neither the function that was added to a guest nor the memory it asks for gets past a deadline.
#[tokio::test]
async fn a_guest_that_never_gives_memory_meets_its_deadline() {
    let whole = component(&answer(200, &[], b""));
    let locals = "(local $block i32) (local $missing i32)";
    let spins = whole.replacen(locals, &format!("{locals} (loop $again (br $again))"), 1);
    assert_ne!(spins, whole);
    let guest = load_text(&sandbox(4), SETTINGS, &spins);
    assert!(guest.is_direct());
    let ended = guest
        .call(request(), soon(Duration::from_millis(20)))
        .await
        .0;
    let stage = Stage::Running;
    assert!(
        matches!(ended, Err(CallError::Deadline { stage: at }) if at == stage),
        "{ended:?}"
    );
}

/// Memory that is out of bounds or not aligned, for what the guest was asked to allocate.
#[tokio::test]
async fn memory_that_a_guest_does_not_have_breaks_the_abi() {
    let whole = component(&answer(200, &[], b""));
    for given in ["(i32.const -8)", "(i32.const 65533)", "(i32.const 2)"] {
        let text = whole.replacen("(local.get $block))", &format!("{given})"), 1);
        assert_ne!(text, whole);
        let guest = load_text(&sandbox(1), SETTINGS, &text);
        assert!(guest.is_direct());
        let ended = call(&guest).await;
        assert!(
            matches!(ended, Err(CallError::BrokenAbi { .. })),
            "{given}: {ended:?}"
        );
    }
}

/// Where the strings and lists of a request begin in its record.
const PARTS: [u32; 10] = [0, 8, 16, 24, 36, 44, 56, 64, 72, 80];

/// A guest that answers with one part of its request, by number, as its body or as its fields, and
/// with the bytes that say whether authority and query are there.
fn mirror() -> String {
    let mut code = String::from("(i32.store (i32.const 1024) (i32.const 200))");
    let to = "(i32.const 1036)";
    let method = "(i32.load8_u (i32.load offset=16 (local.get $request)))";
    for (number, part) in PARTS.iter().enumerate() {
        let to = if matches!(part, 64 | 72) {
            "(i32.const 1028)"
        } else {
            to
        };
        let letter = u32::try_from(number).unwrap() + u32::from(b'A');
        write!(
            code,
            "(if (i32.eq {method} (i32.const {letter})) (then
               (i64.store {to} (i64.load offset={part} (local.get $request)))))"
        )
        .unwrap();
    }
    // What is there, as a status.
    code += "(i32.store16 (i32.const 1024) (i32.add (i32.const 200) (i32.add
        (i32.load8_u offset=32 (local.get $request))
        (i32.mul (i32.const 2) (i32.load8_u offset=52 (local.get $request))))))
        (i32.const 1024)";
    handle(&code)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a request holds, a guest sees the same of it in both ways.
    #[test]
    fn every_part_of_a_request_arrives(
        texts in prop::array::uniform4("\\PC{0,40}"),
        (authority, query) in (prop::option::of("[a-z:0-9]{0,30}"), prop::option::of("\\PC{0,30}")),
        // Not such as an answer may not have: the guest sends them back.
        fields in prop::collection::vec(("x[a-z-]{0,19}", "[ -~]{0,30}"), 0..20),
        captures in prop::collection::vec(("[a-z]{1,10}", "[ -~]{0,20}"), 0..5),
        body in prop::collection::vec(any::<u8>(), 0..40_000),
    ) {
        let settings = GuestSettings {
            instances: reuse(1000),
            response_fields_max: 100,
            response_head_max: 100_000,
            ..SETTINGS
        };
        let [id, client, scheme, path] = &texts;
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| FieldRef { name, value: value.as_bytes() })
            .collect();
        let captures: Vec<_> = captures
            .iter()
            .map(|(name, value)| Capture { name, value })
            .collect();
        let guests = both(&settings, &mirror());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for letter in "ABCDEFGHIJ".chars() {
            let method = format!("{letter}ETHOD");
            let request = Request {
                id,
                client,
                method: &method,
                scheme,
                authority: authority.as_deref(),
                path,
                query: query.as_deref(),
                fields: &fields,
                captures: &captures,
                body: &body,
            };
            let [direct, apart] = guests
                .each_ref()
                .map(|guest| runtime.block_on(guest.call(request, soon(PATIENCE))).0);
            let (direct, apart) = (direct.unwrap(), apart.unwrap());
            prop_assert_eq!(&direct, &apart);
            let there = u16::from(authority.is_some()) + 2 * u16::from(query.is_some());
            prop_assert_eq!(direct.status, 200 + there);
            match letter {
                'A' => prop_assert_eq!(&direct.body[..], id.as_bytes()),
                'F' => prop_assert_eq!(&direct.body[..], path.as_bytes()),
                'H' => prop_assert_eq!(direct.fields.len(), fields.len()),
                'J' => prop_assert!(direct.body == body),
                _ => {}
            }
        }
    }
}
