//! Whatever a guest's code is made for, the sandbox is the same.

use super::support::*;
use crate::guest::{CallError, Guest, GuestSettings, Optimize, Sandbox, Stage};
use std::sync::Arc;
use std::time::Duration;

fn settings(optimize: Optimize) -> GuestSettings {
    GuestSettings {
        optimize,
        ..SETTINGS
    }
}

/// The same guest, made for either, in one sandbox.
fn both(sandbox: &Arc<Sandbox>, core: &str) -> [Guest; 2] {
    [Optimize::Latency, Optimize::Compute].map(|optimize| load(sandbox, settings(optimize), core))
}

#[tokio::test]
async fn an_access_out_of_bounds_is_a_trap() {
    let sandbox = sandbox(4);
    // Just past the memory's end, at the far end of what an address can reach, and past that by
    // an instruction's own offset.
    let end = "(i32.mul (memory.size) (i32.const 65536))";
    let far = "(i32.const -1)";
    for place in [
        end.to_owned(),
        far.to_owned(),
        format!("offset=4294967295 {far}"),
    ] {
        let core = handle(&format!("(i32.load8_u {place})"));
        for guest in both(&sandbox, &core) {
            for _ in 0..2 {
                match call(&guest).await {
                    Err(CallError::Trapped { reason }) => {
                        assert!(reason.contains("out of bounds"), "{place}: {reason}");
                    }
                    other => panic!("{place}: {other:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn memory_ends_at_its_limit_and_is_new_for_each_request() {
    let sandbox = sandbox(4);
    let grow = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";
    let last = MEMORY_MAX - 4;
    // It answers 200 if nobody wrote to its last word before.
    let core = handle(&format!(
        "{grow}
         (i32.store (i32.const 1024)
           (i32.add (i32.const 200) (i32.load (i32.const {last}))))
         (i32.store (i32.const {last}) (i32.const 100))
         (i32.const 1024)"
    ));
    for guest in both(&sandbox, &core) {
        for _ in 0..3 {
            let (answer, usage) = guest.call(request(), soon(PATIENCE)).await;
            assert_eq!(answer.unwrap().status, 200);
            assert_eq!(usage.memory_peak, MEMORY_MAX);
        }
    }
}

#[tokio::test]
async fn a_guest_that_spins_is_stopped() {
    for guest in both(&sandbox(4), &spin()) {
        let guest = Arc::new(guest);
        let deadline = soon(Duration::from_millis(50));
        match run(&guest, deadline).await {
            Some((Err(CallError::Deadline { stage }), _)) => assert_eq!(stage, Stage::Running),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn each_is_compiled_apart_and_shared() {
    let sandbox = sandbox(4);
    let core = answer(200, &[], b"");
    let [latency, compute] = both(&sandbox, &core);
    let [latency_too, compute_too] = both(&sandbox, &core);
    let loaded = |guest: &Guest| Arc::clone(&guest.kit.loaded);
    assert!(!Arc::ptr_eq(&loaded(&latency), &loaded(&compute)));
    assert!(Arc::ptr_eq(&loaded(&latency), &loaded(&latency_too)));
    assert!(Arc::ptr_eq(&loaded(&compute), &loaded(&compute_too)));
    assert_eq!(latency.hash(), compute.hash());
}
