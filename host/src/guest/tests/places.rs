//! Places run out: a guest's own, and those of the pool that all guests share.

use super::support::*;
use crate::guest::{CallError, Guest, GuestSettings, SandboxError, SandboxSettings};
use std::sync::Arc;
use std::time::Duration;

const BRIEFLY: Duration = Duration::from_millis(30);

/// Does something while a call of this guest, begun before, never ends.
async fn while_it_spins<T>(spinning: &Guest, something: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        ended = spinning.call(request(), soon(PATIENCE)) => panic!("{ended:?}"),
        result = something => result,
    }
}

#[tokio::test]
async fn a_guest_that_spins_counts_as_running_and_others_are_not_affected() {
    let sandbox = sandbox(4);
    let spinning = load(&sandbox, SETTINGS, &spin());
    let other = load(&sandbox, SETTINGS, &answer(200, &[], b""));
    let answered = while_it_spins(&spinning, async {
        assert_eq!(spinning.running(), 1);
        call(&other).await
    });
    assert_eq!(answered.await.unwrap().status, 200);
    assert_eq!(spinning.running(), 0);
}

#[tokio::test]
async fn an_exhausted_pool_says_so_and_recovers() {
    let sandbox = sandbox(1);
    let spinning = load(&sandbox, SETTINGS, &spin());
    let other = load(&sandbox, SETTINGS, &answer(200, &[], b""));
    let second = while_it_spins(&spinning, call(&other)).await;
    assert!(matches!(second, Err(CallError::Exhausted)), "{second:?}");
    assert_eq!(call(&other).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_waiting_instance_makes_way_for_a_guest_in_need() {
    let sandbox = sandbox(1);
    let reused = GuestSettings {
        instances: reuse(100),
        ..SETTINGS
    };
    let (first, second) = (
        load(&sandbox, reused.clone(), &counter()),
        load(&sandbox, reused, &counter()),
    );
    assert_eq!(call(&first).await.unwrap().body, [1]);
    assert_eq!(call(&first).await.unwrap().body, [2]);
    assert_eq!(call(&second).await.unwrap().body, [1]);
    assert_eq!(
        call(&first).await.unwrap().body,
        [1],
        "the first guest's instance had to go"
    );
}

/// Good, failing and spinning calls at once, over several threads and more of them than places:
/// each ends in one of the expected ways, and afterwards every place is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mixed_crowd_leaves_every_place_free() {
    let sandbox = sandbox(8);
    let reused = GuestSettings {
        instances: reuse(3),
        ..SETTINGS
    };
    let guests = [
        load(&sandbox, SETTINGS, &answer(200, &[], b"hello")),
        load(&sandbox, reused, &answer(200, &[], b"hello")),
        load(&sandbox, SETTINGS, &handle("unreachable")),
        load(&sandbox, SETTINGS, &spin()),
    ]
    .map(Arc::new);
    let crowd: Vec<_> = (0..200)
        .map(|number| {
            let guest = Arc::clone(&guests[number % guests.len()]);
            let time = if number % guests.len() == 3 {
                BRIEFLY
            } else {
                PATIENCE
            };
            tokio::spawn(async move { guest.call(request(), soon(time)).await.0 })
        })
        .collect();
    for (number, call) in crowd.into_iter().enumerate() {
        match (number % guests.len(), call.await.unwrap()) {
            (0 | 1, Ok(response)) => assert_eq!(response.body, b"hello"),
            (2, Err(CallError::Trapped { .. })) | (3, Err(CallError::Deadline { .. })) => {}
            (_, Err(CallError::Exhausted)) => {}
            (kind, other) => panic!("{kind}: {other:?}"),
        }
    }
    assert!(guests.iter().all(|guest| guest.running() == 0));
    let everywhere: Vec<_> = (0..8)
        .map(|_| {
            let spinning = Arc::clone(&guests[3]);
            tokio::spawn(async move { spinning.call(request(), soon(BRIEFLY)).await.0 })
        })
        .collect();
    for call in everywhere {
        let result = call.await.unwrap();
        assert!(
            matches!(result, Err(CallError::Deadline { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn a_pool_that_does_not_fit_the_address_space_is_an_error() {
    let settings = SandboxSettings {
        instances_max: 1_000_000,
        // Over the whole address space: less would use up the process's mappings, which the tests
        // beside this one need.
        memory_max: 4 << 30,
        ..sandbox_settings(1)
    };
    let sandbox = crate::guest::Sandbox::new(&settings).unwrap();
    let error = sandbox.usable().unwrap_err();
    assert!(
        matches!(
            *error,
            SandboxError::Engine {
                instances_max: 1_000_000,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("sandbox.instances_max"),
        "{error}"
    );
}
