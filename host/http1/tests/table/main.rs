//! Table cases for the receive side: what is accepted and how it reads, what is refused and when.
//!
//! The runner is here, the cases are in the modules, and no case may bring code of its own. Every
//! case runs whole, byte by byte, and with a further request behind it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test helpers"
)]

mod body;
mod case;
mod connection;
mod fields;
mod framing;
mod host;
mod limits;
mod request_line;
mod run;
mod target;

use case::{Case, Expected};
use std::collections::HashSet;

/// The request behind a case. Its method marks it in the trace.
const TRAILING: &[u8] = b"TRAILING /next HTTP/1.1\r\nhost: next\r\n\r\n";

fn all() -> Vec<Case> {
    let modules = [
        body::cases(),
        connection::cases(),
        fields::cases(),
        framing::cases(),
        host::cases(),
        limits::cases(),
        request_line::cases(),
        target::cases(),
    ];
    modules.into_iter().flatten().collect()
}

#[test]
fn there_are_enough_cases_and_no_two_alike() {
    let cases = all();
    let accepted = cases
        .iter()
        .filter(|case| matches!(case.expected, Expected::Accepted(_)));
    let accepted = accepted.count();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    assert!(
        accepted >= 80 && cases.len() - accepted >= 100,
        "{accepted} accepted"
    );
    let names: HashSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "a name is used twice");
    let mut inputs = HashSet::new();
    for case in &cases {
        let new = inputs.insert((&case.input, case.limits_key()));
        assert!(new, "{}: another case has the same input", case.name);
    }
}

#[test]
fn every_case_whole() {
    for case in all() {
        case.check(&run::whole(&case.input, case.limits), "whole");
        let trace = run::whole_with_room(&case.input, case.limits);
        case.check(&trace, "whole, with room behind it");
    }
}

#[test]
fn every_case_byte_by_byte() {
    for case in all() {
        let trace = run::byte_by_byte(&case.input, case.limits);
        case.check(&trace, "byte by byte");
        assert_eq!(
            trace,
            run::whole(&case.input, case.limits),
            "{}: split",
            case.name
        );
    }
}

/// A refusal comes with the very byte that decides it, which is the last of a case's input: a
/// client that sends junk and then waits must not wait for a timeout.
#[test]
fn every_refusal_comes_at_the_last_byte() {
    for case in all() {
        if let Expected::Refused { .. } = case.expected {
            let before = run::whole(&case.input[..case.input.len() - 1], case.limits);
            assert!(
                before.refusal.is_none(),
                "{}: refused before its last byte",
                case.name
            );
        }
    }
}

#[test]
fn every_case_with_a_request_behind_it() {
    for case in all() {
        let alone = run::whole(&case.input, case.limits);
        let followed = [&case.input[..], TRAILING].concat();
        for trace in [
            run::whole(&followed, case.limits),
            run::whole_with_room(&followed, case.limits),
            run::byte_by_byte(&followed, case.limits),
        ] {
            assert_eq!(
                trace.refusal, alone.refusal,
                "{}: with trailing bytes",
                case.name
            );
            assert!(
                trace.text.starts_with(&alone.text),
                "{}: with trailing bytes",
                case.name
            );
            let read = trace.text[alone.text.len()..].starts_with("TRAILING ");
            assert_eq!(read, alone.open, "{}: {}", case.name, trace.text);
        }
    }
}

/// A refusal is the same when the line it came in goes on as if nothing were wrong.
#[test]
fn every_refusal_with_a_field_behind_it() {
    for case in all() {
        if let Expected::Refused { .. } = case.expected {
            let followed = [&case.input[..], b": y\r\nx: y\r\n\r\n"].concat();
            case.check(&run::whole(&followed, case.limits), "followed by a field");
        }
    }
}

/// Writes each case where cargo-fuzz looks for its first inputs: once to be read only, and once
/// with bytes behind it that have the fuzz target receive, read, answer and go on.
#[test]
#[ignore = "writes files, wanted only before fuzzing"]
fn write_seeds_for_fuzzing() {
    const STEERING: [u8; 9] = [0xf0, 0x0f, 0x0a, 0xf0, 0x0f, 0x86, 0x28, 0x0b, 8];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/connection");
    std::fs::create_dir_all(folder).unwrap();
    for (number, case) in all().iter().enumerate() {
        let read_only = [&case.input[..], &[0]].concat();
        let answered = [&case.input[..], &STEERING].concat();
        std::fs::write(format!("{folder}/seed-{number}-read"), read_only).unwrap();
        std::fs::write(format!("{folder}/seed-{number}-answered"), answered).unwrap();
    }
}

/// After an accepted case the client's end is a clean one.
#[test]
fn every_accepted_case_ends_cleanly() {
    for case in all() {
        if let Expected::Accepted(_) = case.expected {
            let trace = run::with_eof(&case.input, case.limits);
            assert_eq!(trace.refusal, None, "{}", case.name);
            assert!(!trace.open, "{}: not closed", case.name);
        }
    }
}

/// An accepted request that is cut anywhere is refused as truncated, and never read as complete
/// earlier than its last byte.
#[test]
fn no_accepted_case_is_complete_before_its_last_byte() {
    for case in all() {
        if let Expected::Accepted(_) = case.expected {
            let complete = run::whole(&case.input, case.limits).text;
            let before = run::whole(&case.input[..case.input.len() - 1], case.limits).text;
            assert_ne!(complete, before, "{}", case.name);
        }
    }
}
