//! What is found before the first request, and whether the message tells what to do.

use super::support::*;
use crate::guest::{Guest, GuestSettings, LoadError, Priority, Reach};

fn load_bytes(bytes: &[u8]) -> Result<Guest, LoadError> {
    sandbox(1).load("test", SETTINGS, Reach::default(), bytes, Priority::Start)
}

fn refusal(text: &str) -> LoadError {
    load_bytes(text.as_bytes()).unwrap_err()
}

#[test]
fn what_is_not_a_component_is_named() {
    assert!(matches!(load_bytes(b""), Err(LoadError::Empty)));
    assert!(matches!(
        load_bytes(b"\x7fELF\x02\x01"),
        Err(LoadError::NotWasm)
    ));
    assert!(matches!(load_bytes(b"#!/bin/sh"), Err(LoadError::NotWasm)));
    assert!(matches!(
        load_bytes(b"\0asm\x01\0\0\0"),
        Err(LoadError::CoreModule)
    ));
    assert!(matches!(
        load_bytes(b" \n(module)"),
        Err(LoadError::CoreModule)
    ));
}

#[test]
fn damaged_components_are_refused() {
    for bytes in [
        &b"\0asm"[..],
        b"\0asm\x0d\0\x01",
        b"\0asm\x0d\0\x01\0\x01\x20\0asm",
    ] {
        assert!(
            matches!(load_bytes(bytes), Err(LoadError::Invalid { .. })),
            "{bytes:?}"
        );
    }
    assert!(matches!(refusal("(component"), LoadError::Invalid { .. }));
    assert!(matches!(
        refusal("(component (import \"\" (func)))"),
        LoadError::Invalid { .. }
    ));
}

#[test]
fn a_component_without_handle_learns_what_it_exports_and_what_would_fit() {
    let message = refusal("(component)").to_string();
    assert!(
        message.contains("nothing") && message.contains("httpd:guest"),
        "{message}"
    );
    let exporting = |name| format!("(component (instance $i) (export \"{name}\" (instance $i)))");
    let old = "wasi:http/incoming-handler@0.1.0";
    let message = refusal(&exporting(old)).to_string();
    assert!(message.contains(old), "{message}");
    assert!(
        message.contains("another version of wasi:http"),
        "{message}"
    );
    for empty in [
        "wasi:http/incoming-handler@0.2.7",
        "wasi:http/handler@0.3.1",
    ] {
        let error = refusal(&exporting(empty));
        assert!(matches!(error, LoadError::Invalid { .. }), "{error:?}");
        assert!(error.to_string().contains("handle"), "{error}");
    }
}

#[test]
fn a_handle_of_another_type_is_refused() {
    let text = "(component
        (core module $m (func (export \"f\")))
        (core instance $i (instantiate $m))
        (func (export \"handle\") (canon lift (core func $i \"f\"))))";
    let error = refusal(text);
    assert!(matches!(error, LoadError::HandlerType { .. }), "{error:?}");
    let other_record = component(&answer(200, &[], b"")).replace("\"status\"", "\"code\"");
    let error = refusal(&other_record);
    assert!(matches!(error, LoadError::HandlerType { .. }), "{error:?}");
    assert!(error.to_string().contains("status"), "{error}");
}

#[test]
fn all_imports_that_nobody_provides_are_named() {
    let text = component(&answer(200, &[], b"")).replacen(
        "(component",
        "(component
           (import \"wasi:nn/graph@0.2.0\" (instance
             (export \"graph\" (type (sub resource)))))
           (import \"wasi:clocks/wall-clock@0.1.0\" (instance
             (export \"now\" (func (result u64)))
             (export \"resolution\" (func (result u64)))))
           (import \"own\" (func))",
        1,
    );
    match refusal(&text) {
        LoadError::Imports(names) => assert_eq!(
            names,
            [
                "wasi:nn/graph@0.2.0#graph",
                "wasi:clocks/wall-clock@0.1.0#now",
                "wasi:clocks/wall-clock@0.1.0#resolution",
                "own",
            ]
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_log_is_granted_in_compatible_versions_and_nothing_beside_it() {
    let text = component(&answer(200, &[], b""));
    assert!(
        load_bytes(
            text.replace("guest/log@0.1.0", "guest/log@0.1.9")
                .as_bytes()
        )
        .is_ok()
    );
    let incompatible = text.replace("guest/log@0.1.0", "guest/log@0.2.0");
    match refusal(&incompatible) {
        LoadError::Imports(names) => assert_eq!(names, ["httpd:guest/log@0.2.0#write"]),
        other => panic!("{other:?}"),
    }
    let other_type = text.replace("\"warn\" \"error\"", "\"warn\"");
    assert!(matches!(refusal(&other_type), LoadError::Invalid { .. }));
}

#[test]
fn a_memory_that_starts_over_the_limit_is_refused() {
    let text = component(&answer(200, &[], b""));
    let settings = GuestSettings {
        memory_max: 65535,
        ..SETTINGS
    };
    let error = sandbox(1)
        .load(
            "test",
            settings,
            Reach::default(),
            text.as_bytes(),
            Priority::Start,
        )
        .unwrap_err();
    let expected = (65536, 65535);
    match error {
        LoadError::Memory {
            initial,
            memory_max,
        } => assert_eq!((initial, memory_max), expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_knows_its_name() {
    let guest = load_bytes(component(&counter()).as_bytes()).unwrap();
    assert_eq!((guest.name(), guest.running()), ("test", 0));
}
