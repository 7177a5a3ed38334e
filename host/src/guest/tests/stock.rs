//! Instances made ahead of the requests that use them.

use super::support::*;
use crate::guest::GuestSettings;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_request_finds_an_instance_ready_that_nobody_used() {
    let guest = guest(&counter());
    guest.restock();
    assert_eq!(guest.instances(), (0, 0), "nobody was in want of one");
    for _ in 0..3 {
        assert_eq!(call(&guest).await.unwrap().body, [1]);
        assert_eq!(guest.instances(), (0, 0), "a call takes what is ready");
        guest.restock();
        guest.restock();
        assert_eq!(guest.instances(), (1, 0), "one request at a time needs one");
    }
}

#[tokio::test]
async fn a_guest_that_may_have_none_ready_has_none() {
    let settings = GuestSettings {
        ready_max: 0,
        ..SETTINGS
    };
    let guest = load(&sandbox(2), settings, &counter());
    assert_eq!(call(&guest).await.unwrap().body, [1]);
    guest.restock();
    assert_eq!(guest.instances(), (0, 0));
}

#[tokio::test]
async fn it_runs_within_the_bounds_of_its_request() {
    let spinning = guest(&spin());
    for _ in 0..2 {
        let (result, usage) = spinning
            .call(request(), soon(Duration::from_millis(20)))
            .await;
        assert!(result.is_err(), "{result:?}");
        assert!(usage.run >= Duration::from_millis(10), "{usage:?}");
        spinning.restock();
        assert_eq!(spinning.instances(), (1, 0));
    }
}

#[tokio::test]
async fn what_is_ready_makes_way_for_a_guest_in_need() {
    let sandbox = sandbox(1);
    let first = load(&sandbox, SETTINGS, &counter());
    // With the same settings they would share it.
    let settings = GuestSettings {
        response_max: RESPONSE_MAX + 1,
        ..SETTINGS
    };
    let second = load(&sandbox, settings, &counter());
    assert_eq!(call(&first).await.unwrap().body, [1]);
    first.restock();
    assert_eq!(call(&second).await.unwrap().body, [1]);
    assert_eq!(first.instances(), (0, 0));
    first.restock();
    second.restock();
    assert_eq!(second.instances(), (0, 0), "it takes nobody's place");
}

#[tokio::test]
async fn what_nobody_wants_is_dropped_and_not_made_again() {
    let sandbox = sandbox(2);
    let guest = load(&sandbox, SETTINGS, &counter());
    let called = Instant::now();
    assert_eq!(call(&guest).await.unwrap().body, [1]);
    guest.restock();
    let next = sandbox.idle.sweep(called).unwrap();
    assert!(next >= called + PATIENCE);
    assert!(sandbox.idle.sweep(next).is_none());
    guest.restock();
    assert_eq!(guest.instances(), (0, 0));
}

#[tokio::test]
async fn a_start_that_takes_long_or_fails_is_left_to_the_requests() {
    for start in ["(loop $again (br $again))", "unreachable"] {
        let start = format!("(func $start {start}) (start $start) {}", counter());
        let guest = guest(&start);
        assert!(
            guest
                .call(request(), soon(Duration::from_millis(20)))
                .await
                .0
                .is_err()
        );
        guest.restock();
        assert_eq!(guest.instances(), (0, 0));
    }
}

#[tokio::test]
async fn an_answer_is_there_before_the_instance_is_cleared_away() {
    let sandbox = sandbox(1);
    let guest = load(&sandbox, SETTINGS, &counter());
    let (first, _, remains) = guest
        .call_and_leave(request(), Instant::now(), soon(PATIENCE))
        .await;
    assert_eq!(first.unwrap().body, [1]);
    assert!(
        call(&guest).await.is_err(),
        "its place is taken for as long"
    );
    drop(remains);
    assert_eq!(call(&guest).await.unwrap().body, [1]);
}
