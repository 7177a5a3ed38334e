//! Guests that do not come back: interrupted, made to take turns, and stopped when nobody waits.

use super::support::*;
use crate::guest::CallError;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_spinning_guest_is_stopped_at_its_deadline() {
    let guest = guest(&spin());
    let deadline = soon(Duration::from_millis(50));
    let (result, usage) = guest.call(request(), deadline).await;
    assert!(matches!(result, Err(CallError::Deadline)), "{result:?}");
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
    assert!(matches!(result, Err(CallError::Deadline)), "{result:?}");
}

#[tokio::test]
async fn a_deadline_in_the_past_starts_nothing() {
    let (result, usage) = guest(&spin()).call(request(), Instant::now()).await;
    assert!(matches!(result, Err(CallError::Deadline)), "{result:?}");
    assert!(usage.run.is_zero() && usage.instantiate.is_zero());
}

/// One thread runs the spinning guests, the others and the timers.
#[tokio::test]
async fn others_on_the_same_thread_go_on_while_guests_spin() {
    let sandbox = sandbox(8);
    let spinning = Arc::new(load(&sandbox, SETTINGS, &spin()));
    let hello = load(&sandbox, SETTINGS, &answer(200, &[], b"hello"));
    let deadline = soon(PATIENCE);
    let spinners: Vec<_> = (0..3)
        .map(|_| {
            let spinning = Arc::clone(&spinning);
            tokio::spawn(async move { spinning.call(request(), deadline).await.0 })
        })
        .collect();
    while spinning.running() < 3 {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        assert_eq!(call(&hello).await.unwrap().body, b"hello");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(spinning.running(), 3);
    assert!(
        Instant::now() < deadline,
        "the spinning guests were in the way"
    );
    spinners.iter().for_each(tokio::task::JoinHandle::abort);
    for spinner in spinners {
        assert!(spinner.await.unwrap_err().is_cancelled());
    }
    assert_eq!(spinning.running(), 0);
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
