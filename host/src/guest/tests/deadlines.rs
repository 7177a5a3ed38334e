//! Guests that do not come back: interrupted, and stopped when nobody waits.

use super::support::*;
use crate::guest::CallError;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_spinning_guest_is_stopped_at_its_deadline() {
    let guest = guest(&spin());
    let deadline = soon(Duration::from_millis(50));
    let (result, usage) = guest.call(request(), deadline).await;
    assert!(
        matches!(result, Err(CallError::Deadline { .. })),
        "{result:?}"
    );
    assert!(Instant::now() >= deadline && Instant::now() < deadline + PATIENCE / 2);
    assert!(usage.run >= Duration::from_millis(40), "{usage:?}");
}

#[tokio::test]
async fn a_start_function_has_the_same_deadline() {
    let core = format!(
        "(func $start (loop $again (br $again))) (start $start) {}",
        handle("i32.const 0")
    );
    let (result, _) = guest(&core)
        .call(request(), soon(Duration::from_millis(20)))
        .await;
    assert!(
        matches!(result, Err(CallError::Deadline { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_deadline_in_the_past_starts_nothing() {
    let (result, usage) = guest(&spin()).call(request(), Instant::now()).await;
    assert!(
        matches!(result, Err(CallError::Deadline { .. })),
        "{result:?}"
    );
    assert!(usage.run.is_zero() && usage.instantiate.is_zero());
}

#[tokio::test]
async fn dropping_a_call_stops_its_guest_and_frees_its_place() {
    let sandbox = sandbox(1);
    let spinning = load(&sandbox, SETTINGS, &spin());
    let hello = load(&sandbox, SETTINGS, &answer(200, &[], b"hello"));
    for _ in 0..3 {
        let impatient = Duration::from_millis(5);
        let call_spinning = spinning.call(request(), soon(PATIENCE));
        assert!(
            tokio::time::timeout(impatient, call_spinning)
                .await
                .is_err()
        );
        assert_eq!(spinning.running(), 0);
        assert_eq!(call(&hello).await.unwrap().body, b"hello");
    }
}
