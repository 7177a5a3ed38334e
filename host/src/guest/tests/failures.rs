//! Guests that fail: each hurts its own request only, and the reason says what happened.

use super::support::*;
use crate::guest::census::Census;
use crate::guest::direct::Exchange;
use crate::guest::failure;
use crate::guest::limits::Limits;
use crate::guest::log::{GuestLog, LogLimits, RequestLog};
use crate::guest::state::State;
use crate::guest::subject::Subject;
use crate::guest::turn::Turn;
use crate::guest::{CallError, Request};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{Engine, Store};

#[tokio::test]
async fn a_trap_names_its_kind_and_its_functions() {
    let core = format!(
        "(func $inner unreachable) {}",
        handle("(call $inner) i32.const 0")
    );
    let guest = guest(&core);
    for _ in 0..3 {
        match call(&guest).await {
            Err(CallError::Trapped { reason }) => {
                assert!(reason.contains("unreachable"), "{reason}");
                assert!(reason.contains("in inner <- handle"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(guest.running(), 0);
}

#[tokio::test]
async fn a_trap_reason_is_bounded_and_on_one_line() {
    let core = format!(
        "(func $f (@name \"line\\0abreak{}\") unreachable) {}",
        "x".repeat(10_000),
        handle("(call $f) i32.const 0")
    );
    match call(&guest(&core)).await {
        Err(CallError::Trapped { reason }) => {
            assert!(
                reason.contains("line\\nbreak") && reason.len() < 400,
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn endless_recursion_exhausts_the_guests_stack_only() {
    let core = format!(
        "(func $deeper (param i32) (result i32)
           (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
         {}",
        handle("(call $deeper (i32.const 0))")
    );
    match call(&guest(&core)).await {
        Err(CallError::Trapped { reason }) => {
            assert!(reason.contains("call stack exhausted"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_memory_hog_is_refused_at_its_limit() {
    let core = handle(
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
         unreachable",
    );
    let (result, usage) = guest(&core).call(request(), soon(PATIENCE)).await;
    assert!(
        matches!(result, Err(CallError::MemoryExceeded { .. })),
        "{result:?}"
    );
    assert_eq!(usage.memory_peak, MEMORY_MAX);
}

#[tokio::test]
async fn a_guest_that_copes_with_the_refusal_is_answered() {
    let core = handle(
        "(i32.store (i32.const 1024)
           (select (i32.const 200) (i32.const 500)
             (i32.eq (memory.grow (i32.const 60000)) (i32.const -1))))
         (i32.const 1024)",
    );
    assert_eq!(call(&guest(&core)).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_too_large_for_the_guests_memory_is_its_failure() {
    let body = vec![0; usize::try_from(MEMORY_MAX).unwrap()];
    let request = Request {
        body: &body,
        ..request()
    };
    let (result, _) = guest(&answer(200, &[], b""))
        .call(request, soon(PATIENCE))
        .await;
    assert!(
        matches!(result, Err(CallError::MemoryExceeded { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_pointer_out_of_bounds_breaks_the_abi() {
    let result = call(&guest(&handle("i32.const -4"))).await;
    assert!(
        matches!(result, Err(CallError::BrokenAbi { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_field_name_that_is_no_text_breaks_the_abi() {
    let core = handle(
        "(i32.store (i32.const 1024) (i32.const 200))
         (i32.store (i32.const 1028) (i32.const 2048))
         (i32.store (i32.const 1032) (i32.const 1))
         (i32.store (i32.const 2048) (i32.const 3072))
         (i32.store (i32.const 2052) (i32.const 1))
         (i32.store8 (i32.const 3072) (i32.const 0xff))
         (i32.const 1024)",
    );
    match call(&guest(&core)).await {
        Err(CallError::BrokenAbi { reason }) => assert!(reason.contains("utf-8"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_start_function_that_traps_is_the_requests_failure() {
    let core = format!(
        "(func $start unreachable) (start $start) {}",
        handle("i32.const 0")
    );
    let result = call(&guest(&core)).await;
    assert!(
        matches!(result, Err(CallError::Trapped { .. })),
        "{result:?}"
    );
}

/// No guest can bring this about, so it is asked of the classification itself.
#[test]
fn what_the_host_lacks_is_not_called_the_guests_failure() {
    let log_limits = LogLimits {
        line_max: LINE_MAX,
        lines_max: LINES_MAX,
    };
    let state = State {
        deadline: soon(PATIENCE),
        log: RequestLog::Alone(GuestLog::new(
            log_limits,
            Arc::<Subject>::default().into(),
            "request-1",
        )),
        limits: Limits::new(MEMORY_MAX),
        turn: Turn::new(
            Duration::from_millis(1),
            Arc::<Subject>::default().into(),
            None,
        ),
        wasi: None,
        worker: None,
        exchange: Exchange::default(),
        memory: None,
        _counted: Census::count(&Census::new(1)).unwrap(),
    };
    let store = Store::new(&Engine::default(), state);
    let error = wasmtime::Error::msg("mprotect failed").context("no memory\nat all");
    match failure::of_instantiation(&error, &store) {
        CallError::Instantiate { reason } => {
            assert_eq!(reason, "no memory\\nat all: mprotect failed");
        }
        other => panic!("{other:?}"),
    }
}
