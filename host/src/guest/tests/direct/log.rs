//! The log of guests that are called directly, beside that of the same guests as components.

use super::super::support::*;
use super::both;
use crate::guest::CallError;

#[tokio::test]
async fn a_broken_line_for_the_log_is_the_same() {
    let line = |level: u32, address: u32, size: u32| {
        handle(&format!(
            "(i32.store8 (i32.const 9) (i32.const 255))
             (call $write (i32.const {level}) (i32.const {address}) (i32.const {size}))
             (i32.const 2048)"
        ))
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::sink)
        .finish();
    let _subscribed = tracing::subscriber::set_default(subscriber);
    let memory = 131_072;
    for (level, address, size) in [
        (4, 0, 9),
        (5, 0, 9),
        (4, 9, 1),
        (0, 9, 1),
        (4, memory, 0),
        (4, memory - 6, 7),
        (0, memory - 6, 7),
        (4, u32::MAX, 2),
    ] {
        let [direct, apart] = both(&SETTINGS, &line(level, address, size));
        let (here, there) = (call(&direct).await, call(&apart).await);
        let kind = |result| matches!(result, Err(CallError::Trapped { .. }));
        let told = format!("{level} {address} {size}: {here:?} {there:?}");
        assert_eq!(kind(here), kind(there), "{told}");
    }
}

/// Lines over the limit are counted, and nobody reads them.
#[tokio::test]
async fn a_line_that_is_not_written_is_not_read() {
    let good = "(call $write (i32.const 4) (i32.const 0) (i32.const 1))".repeat(LINES_MAX as usize);
    let core = handle(&format!(
        "(i32.store8 (i32.const 9) (i32.const 255)) {good}
         (call $write (i32.const 4) (i32.const 9) (i32.const 1))
         (i32.store (i32.const 2048) (i32.const 200)) (i32.const 2048)"
    ));
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::sink)
        .finish();
    let _subscribed = tracing::subscriber::set_default(subscriber);
    for guest in both(&SETTINGS, &core) {
        let (ended, usage) = guest.call(request(), soon(PATIENCE)).await;
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!((usage.log_lines, usage.log_lines_dropped), (LINES_MAX, 1));
    }
}

/// What a guest may do more than it could within its component.
#[tokio::test]
async fn a_direct_guest_may_log_where_a_component_traps() {
    let line = "(call $write (i32.const 4) (i32.const 0) (i32.const 1))";
    let starts = format!("(func $start {line}) (start $start)");
    let locals = "(local $block i32) (local $missing i32)";
    let plain = component(&answer(200, &[], b""));
    // What is not instantiated changes nothing but the way in.
    let with_junk =
        |text: &str| text.replacen("(core module $shim", "(core module) (core module $shim", 1);
    for text in [
        component(&format!("{starts} {}", answer(200, &[], b""))),
        plain.replacen(locals, &format!("{locals} {line}"), 1),
    ] {
        assert_ne!(text, plain);
        let direct = load_text(&sandbox(1), SETTINGS, &text);
        let usual = load_text(&sandbox(1), SETTINGS, &with_junk(&text));
        assert_eq!((direct.is_direct(), usual.is_direct()), (true, false));
        assert!(call(&direct).await.is_ok());
        let ended = call(&usual).await;
        assert!(matches!(ended, Err(CallError::Trapped { .. })), "{ended:?}");
    }
}

/// Far more than is ever written of it.
#[tokio::test]
async fn a_line_that_is_larger_than_an_answer_is_a_failure() {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::sink)
        .finish();
    let _subscribed = tracing::subscriber::set_default(subscriber);
    // One that is written, and one below the configured level.
    for level in [4, 0] {
        let core = handle(&format!(
            "(drop (memory.grow (i32.const 40)))
             (call $write (i32.const {level}) (i32.const 0) (i32.const 2000000))
             (i32.store (i32.const 2048) (i32.const 200)) (i32.const 2048)"
        ));
        for guest in both(&SETTINGS, &core) {
            let ended = call(&guest).await;
            assert!(matches!(ended, Err(CallError::Trapped { .. })), "{ended:?}");
        }
    }
}
