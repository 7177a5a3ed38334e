//! Who runs where and when: quick calls where they are asked for, slow ones in the background, in
//! turns, and none in the way of another.

use super::support::*;
use crate::guest::{CallError, Guest, Sandbox};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const BRIEFLY: Duration = Duration::from_millis(30);

/// A guest that never comes back and one that does at once.
fn spin_and_hello(sandbox: &Arc<Sandbox>) -> (Arc<Guest>, Arc<Guest>) {
    let hello = load(sandbox, SETTINGS, &answer(200, &[], b"hello"));
    (Arc::new(load(sandbox, SETTINGS, &spin())), Arc::new(hello))
}

/// Starts so many calls and waits until all of them run.
async fn start(guest: &Arc<Guest>, calls: u64) -> Vec<tokio::task::JoinHandle<()>> {
    let call = |guest: Arc<Guest>| async move { drop(run(&guest, soon(PATIENCE)).await) };
    let started = (0..calls).map(|_| tokio::spawn(call(Arc::clone(guest))));
    let started = started.collect();
    while guest.running() < calls {
        tokio::task::yield_now().await;
    }
    started
}

async fn stop(calls: Vec<tokio::task::JoinHandle<()>>) {
    for call in calls {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
}

async fn until_free(guest: &Guest) {
    let end = soon(PATIENCE);
    while guest.running() > 0 {
        assert!(Instant::now() < end, "{} still run", guest.running());
        tokio::task::yield_now().await;
    }
}

/// Whether the guest's next call would begin on this thread.
async fn begins_here(guest: &Guest) -> bool {
    let call = async { thread::current().id() };
    guest.run(soon(PATIENCE), call).await == Some(thread::current().id())
}

#[tokio::test]
async fn others_on_the_same_thread_go_on_while_guests_spin() {
    let (spinning, hello) = spin_and_hello(&sandbox(40));
    let spinners = start(&spinning, 32).await;
    let begun = Instant::now();
    for _ in 0..20 {
        let (result, _) = run(&hello, soon(PATIENCE)).await.unwrap();
        assert_eq!(result.unwrap().body, b"hello");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(
        begun.elapsed() < PATIENCE / 3,
        "the spinners were in the way"
    );
    assert_eq!(spinning.running(), 32);
    stop(spinners).await;
    until_free(&spinning).await;
}

#[tokio::test]
async fn another_slow_guest_gets_its_turns_as_well() {
    let sandbox = sandbox(40);
    let (spinning, _) = spin_and_hello(&sandbox);
    let spinners = start(&spinning, 32).await;
    // Some tens of milliseconds of work.
    let core = handle(
        "(local $left i32) (local.set $left (i32.const 20000000))
         (loop $again
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $again (local.get $left)))
         (i32.store (i32.const 1024) (i32.const 200)) (i32.const 1024)",
    );
    let slow = Arc::new(load(&sandbox, SETTINGS, &core));
    for _ in 0..2 {
        let (result, _) = run(&slow, soon(PATIENCE)).await.unwrap();
        assert_eq!(result.unwrap().status, 200);
    }
    assert_eq!(spinning.running(), 32);
    stop(spinners).await;
}

#[tokio::test]
async fn a_dropped_call_is_free_at_once_or_after_its_turn() {
    let (spinning, hello) = spin_and_hello(&sandbox(32));
    let mut spinners = start(&spinning, 32).await;
    // At most three of them run, one of them because the guest starves: the others are free when
    // their future is.
    let rest = spinners.split_off(8);
    stop(rest).await;
    assert!(spinning.running() <= 8 + 3);
    stop(spinners).await;
    assert!(spinning.running() <= 3);
    until_free(&spinning).await;
    assert_eq!(call(&hello).await.unwrap().body, b"hello");
}

#[tokio::test]
async fn deadlines_hold_in_the_background() {
    let (spinning, _) = spin_and_hello(&sandbox(40));
    let spinners = start(&spinning, 31).await;
    for _ in 0..5 {
        let deadline = soon(BRIEFLY);
        let (result, usage) = run(&spinning, deadline).await.unwrap();
        assert!(
            matches!(result, Err(CallError::Deadline { .. })),
            "{result:?}"
        );
        assert!(Instant::now() >= deadline && usage.run < PATIENCE / 3);
    }
    stop(spinners).await;
}

#[tokio::test]
async fn a_call_whose_deadline_passed_before_its_first_turn_starts_nothing() {
    let sandbox = sandbox(4);
    let guest = Arc::new(load(&sandbox, SETTINGS, &spin()));
    let spinners = start(&guest, 2).await;
    let deadline = Instant::now();
    let (result, usage) = run(&guest, deadline).await.unwrap();
    assert!(
        matches!(result, Err(CallError::Deadline { .. })),
        "{result:?}"
    );
    assert!(usage.run.is_zero(), "{usage:?}");
    stop(spinners).await;
}

#[tokio::test]
async fn a_guest_begins_where_its_recent_calls_ended() {
    let core = "(if (i32.eq (i32.load8_u (i32.load offset=16 (local.get $request))) (i32.const 80))
         (then (loop $again (br $again))))
         (i32.store (i32.const 1024) (i32.const 200)) (i32.const 1024)";
    let guest = Arc::new(load(&sandbox(4), SETTINGS, &handle(core)));
    assert!(begins_here(&guest).await);
    call(&guest).await.unwrap();
    assert!(begins_here(&guest).await);
    // A thread that the system holds up until the deadline tells nothing about its guest.
    while begins_here(&guest).await {
        let (result, _) = run_as(&guest, "POST", soon(BRIEFLY)).await.unwrap();
        assert!(
            matches!(result, Err(CallError::Deadline { .. })),
            "{result:?}"
        );
    }
    // A tick may hit a few of these by chance; far more of them than the score can hold do not.
    for _ in 0..300 {
        run(&guest, soon(PATIENCE)).await.unwrap().0.unwrap();
    }
    assert!(begins_here(&guest).await);
}

#[tokio::test]
async fn a_panic_is_no_result_here_and_in_the_background() {
    let (spinning, _) = spin_and_hello(&sandbox(4));
    let panicking = || spinning.run(soon(PATIENCE), async { panic!("for the test") });
    assert_eq!(panicking().await, None::<()>);
    while begins_here(&spinning).await {
        let (result, _) = run(&spinning, soon(BRIEFLY)).await.unwrap();
        assert!(
            matches!(result, Err(CallError::Deadline { .. })),
            "{result:?}"
        );
    }
    assert_eq!(panicking().await, None::<()>);
    // The threads still work.
    assert!(!begins_here(&spinning).await);
}

#[tokio::test]
async fn nothing_keeps_the_sandbox_when_its_guests_are_gone() {
    let sandbox = sandbox(4);
    let (spinning, hello) = spin_and_hello(&sandbox);
    let weak = Arc::downgrade(&sandbox);
    let spinners = start(&spinning, 3).await;
    drop((sandbox, spinning, hello));
    stop(spinners).await;
    let end = soon(PATIENCE);
    while weak.strong_count() > 0 {
        assert!(Instant::now() < end, "a call keeps the sandbox");
        tokio::task::yield_now().await;
    }
}
