//! How long an instance lives: for one request, or for several.

use super::support::*;
use crate::guest::{CallError, GuestSettings};
use std::time::{Duration, Instant};

fn reuse(uses: u32) -> GuestSettings {
    GuestSettings {
        instances: super::support::reuse(uses),
        ..SETTINGS
    }
}

#[tokio::test]
async fn fresh_instances_share_nothing() {
    let guest = guest(&counter());
    for _ in 0..5 {
        assert_eq!(call(&guest).await.unwrap().body, [1]);
    }
}

#[tokio::test]
async fn a_reused_instance_serves_so_many_requests() {
    let guest = load(&sandbox(2), reuse(3), &counter());
    let mut counts = Vec::new();
    for _ in 0..7 {
        counts.extend(call(&guest).await.unwrap().body);
    }
    assert_eq!(counts, [1, 2, 3, 1, 2, 3, 1]);
}

#[tokio::test]
async fn an_instance_serves_one_request_at_a_time() {
    let guest = load(&sandbox(2), reuse(100), &counter());
    let (first, second) = tokio::join!(call(&guest), call(&guest));
    let mut counts = [first.unwrap().body, second.unwrap().body].concat();
    counts.extend(call(&guest).await.unwrap().body);
    assert!(counts == [1, 1, 2] || counts == [1, 2, 3], "{counts:?}");
}

/// Counts like `counter`, and does `then` from the second request on.
fn second_time(then: &str) -> String {
    let count = counter();
    let check = format!("(if (i32.ge_u (i32.load8_u (i32.const 8)) (i32.const 2)) (then {then}))");
    let at = count.rfind("(i32.const 1024)").unwrap();
    format!("{}{check}{}", &count[..at], &count[at..])
}

#[tokio::test]
async fn an_instance_that_trapped_is_not_used_again() {
    let guest = load(&sandbox(1), reuse(100), &second_time("unreachable"));
    for _ in 0..3 {
        assert_eq!(call(&guest).await.unwrap().body, [1]);
        let second = call(&guest).await;
        assert!(
            matches!(second, Err(CallError::Trapped { .. })),
            "{second:?}"
        );
    }
}

#[tokio::test]
async fn an_instance_that_ran_out_of_time_is_not_used_again() {
    let guest = load(
        &sandbox(1),
        reuse(100),
        &second_time("(loop $again (br $again))"),
    );
    for _ in 0..2 {
        assert_eq!(call(&guest).await.unwrap().body, [1]);
        let started = Instant::now();
        let (second, _) = guest.call(request(), soon(Duration::from_millis(10))).await;
        assert!(
            matches!(second, Err(CallError::Deadline { .. })),
            "{second:?}"
        );
        assert!(
            started.elapsed() < PATIENCE / 2,
            "the first request's deadline counted"
        );
    }
}

#[tokio::test]
async fn an_instance_whose_call_was_dropped_is_not_used_again() {
    let guest = load(
        &sandbox(1),
        reuse(100),
        &second_time("(loop $again (br $again))"),
    );
    for _ in 0..2 {
        assert_eq!(call(&guest).await.unwrap().body, [1]);
        let second = tokio::time::timeout(Duration::from_millis(10), call(&guest)).await;
        assert!(second.is_err());
    }
}

#[tokio::test]
async fn an_instance_whose_answer_was_refused_is_not_used_again() {
    let bad_status = "(i32.store (i32.const 1024) (i32.const 7))";
    let guest = load(&sandbox(1), reuse(100), &second_time(bad_status));
    for _ in 0..2 {
        assert_eq!(call(&guest).await.unwrap().body, [1]);
        assert!(matches!(call(&guest).await, Err(CallError::BadAnswer(_))));
    }
}

#[tokio::test]
async fn memory_refused_to_one_request_does_not_explain_the_next_ones_trap() {
    let refused = "(drop (memory.grow (i32.const 60000)))";
    let counting = second_time("unreachable");
    let at = counting.find("(i32.store8").unwrap();
    let first_only = format!("(if (i32.eqz (i32.load8_u (i32.const 8))) (then {refused}))");
    let core = format!("{}{first_only}{}", &counting[..at], &counting[at..]);
    let guest = load(&sandbox(1), reuse(100), &core);
    assert_eq!(call(&guest).await.unwrap().body, [1]);
    let second = call(&guest).await;
    assert!(
        matches!(second, Err(CallError::Trapped { .. })),
        "{second:?}"
    );
}

#[tokio::test]
async fn an_instance_that_nobody_uses_is_dropped_in_time() {
    let sandbox = sandbox(2);
    let guest = load(&sandbox, reuse(100), &counter());
    let called = Instant::now();
    assert_eq!(call(&guest).await.unwrap().body, [1]);
    let next = sandbox.idle.sweep(called).unwrap();
    assert!(next >= called + PATIENCE);
    assert_eq!(guest.instances(), (1, 0));
    assert!(sandbox.idle.sweep(next).is_none());
    assert_eq!(guest.instances(), (0, 0));
    assert_eq!(call(&guest).await.unwrap().body, [1]);
    assert_eq!(call(&guest).await.unwrap().body, [2]);
}
