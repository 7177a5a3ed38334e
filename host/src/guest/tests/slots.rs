//! What instances that have ended leave in the pool: enough for the next ones, and no more.

use super::support::*;
use crate::guest::{Guest, Sandbox, SandboxSettings};
use std::sync::Arc;

/// The memories that wait for another instance, and the bytes that they hold.
fn left(guest: &Guest) -> (u32, usize) {
    let engine = &guest.kit.loaded.workshop.engine;
    let metrics = engine.pooling_allocator_metrics().unwrap();
    (
        metrics.unused_warm_memories(),
        metrics.unused_memory_bytes_resident(),
    )
}

fn sandbox_for(guests: u32, resident_max: u64) -> Arc<Sandbox> {
    Sandbox::new(&SandboxSettings {
        guests,
        resident_max,
        ..sandbox_settings(100)
    })
    .unwrap()
}

/// A guest that answers 200 and something, and shares its code with no other.
fn own_code(number: u16) -> String {
    let global = format!("(global i32 (i32.const {number}))");
    answer(200 + number, &[], b"") + &global
}

#[tokio::test]
async fn guests_that_take_turns_keep_a_slot_each() {
    const GUESTS: u16 = 64;
    let sandbox = sandbox_for(u32::from(GUESTS), 1 << 30);
    let guests: Vec<_> = (0..GUESTS)
        .map(|number| load(&sandbox, SETTINGS, &own_code(number)))
        .collect();
    for _ in 0..3 {
        for (number, guest) in guests.iter().enumerate() {
            let status = call(guest).await.unwrap().status;
            assert_eq!(usize::from(status), 200 + number);
        }
    }
    assert_eq!(left(&guests[0]).0, u32::from(GUESTS));
}

#[tokio::test]
async fn of_much_memory_that_was_touched_little_stays() {
    let core = "(memory.fill (i32.const 4096) (i32.const 1) (i32.const 4194304))";
    let core = handle(&format!(
        "(drop (memory.grow (i32.const 80))) {core}
         (i32.store (i32.const 1024) (i32.const 200)) (i32.const 1024)"
    ));
    for (resident_max, most) in [(1 << 30, 256 << 10), (20 << 20, 40 << 10), (0, 0)] {
        let guest = load(&sandbox_for(1, resident_max), SETTINGS, &core);
        for _ in 0..3 {
            assert_eq!(call(&guest).await.unwrap().status, 200);
        }
        let (slots, bytes) = left(&guest);
        assert_eq!(slots, 1);
        assert!(bytes <= most, "{bytes} bytes of {resident_max}");
    }
}
