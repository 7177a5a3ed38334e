//! One compilation for one content, and threads of low priority to do it on.

use super::support::*;
use crate::guest::load::{self, Loaded};
use crate::guest::{ContentHash, GuestSettings, LoadError, Optimize, Priority, Reach, Sandbox};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

/// Asks the sandbox for a content and counts how often it has to be compiled.
fn compiled(sandbox: &Sandbox, text: &str, compilations: &AtomicUsize) -> Arc<Loaded> {
    let hash = ContentHash::of(text.as_bytes());
    let compile = || {
        compilations.fetch_add(1, SeqCst);
        let jobs = sandbox.compile_pool.at(Priority::Start);
        let bytes = text.as_bytes();
        load::load(&sandbox.workshops, Optimize::Latency, hash, bytes, &jobs)
    };
    let key = (hash, Optimize::Latency);
    sandbox.compiled.get_or_make(key, compile).unwrap()
}

#[tokio::test]
async fn content_that_is_in_use_is_not_compiled_again() {
    let sandbox = sandbox(4);
    let text = component(&answer(200, &[], b"one"));
    let guest = load(&sandbox, SETTINGS, &answer(200, &[], b"one"));
    let compilations = AtomicUsize::new(0);
    let shared = compiled(&sandbox, &text, &compilations);
    drop(guest);
    let guest = sandbox
        .load(
            "again",
            SETTINGS,
            Reach::default(),
            text.as_bytes(),
            Priority::Background,
        )
        .unwrap();
    assert_eq!(compilations.load(SeqCst), 0);
    assert_eq!(guest.hash(), ContentHash::of(text.as_bytes()));
    assert_eq!(call(&guest).await.unwrap().body, b"one");
    drop((guest, shared));
    compiled(&sandbox, &text, &compilations);
    assert_eq!(compilations.load(SeqCst), 1);
}

#[test]
fn those_who_come_during_a_compilation_wait_for_it() {
    let sandbox = sandbox(1);
    let text = component(&answer(200, &[], b""));
    let compilations = AtomicUsize::new(0);
    thread::scope(|scope| {
        let ask = || compiled(&sandbox, &text, &compilations);
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        let shared: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert!(shared.iter().all(|loaded| Arc::ptr_eq(loaded, &shared[0])));
    });
    assert_eq!(compilations.load(SeqCst), 1);
}

#[test]
fn what_is_gone_or_never_was_a_component_leaves_nothing_behind() {
    let sandbox = sandbox(1);
    for number in 0..20_u16 {
        load(&sandbox, SETTINGS, &answer(200 + number, &[], b""));
        let bad = format!("(component {number}");
        let refused = sandbox.load(
            "bad",
            SETTINGS,
            Reach::default(),
            bad.as_bytes(),
            Priority::Start,
        );
        assert!(matches!(refused, Err(LoadError::Invalid { .. })));
    }
    assert!(sandbox.compiled.len() <= 2, "{}", sandbox.compiled.len());
}

#[test]
fn shared_content_keeps_to_each_guests_limits() {
    let sandbox = sandbox(1);
    let core = answer(200, &[], b"");
    let _roomy = load(&sandbox, SETTINGS, &core);
    let settings = GuestSettings {
        memory_max: 1,
        ..SETTINGS
    };
    let text = component(&core);
    let refused = sandbox.load(
        "narrow",
        settings,
        Reach::default(),
        text.as_bytes(),
        Priority::Start,
    );
    assert!(
        matches!(refused, Err(LoadError::Memory { .. })),
        "{refused:?}"
    );
}

/// A thread's priority is its own on Linux, and so is what the system says of it.
#[test]
fn in_the_background_work_is_done_by_threads_that_step_back() {
    let sandbox = sandbox(1);
    let nice = || rustix::process::getpriority_process(None).unwrap();
    let name = || thread::current().name().map(str::to_owned);
    let ours = (name(), nice());
    let theirs = sandbox.run(Priority::Background, || (name(), nice()));
    assert!(theirs.0.unwrap().starts_with("compile-"));
    assert_eq!(theirs.1, (ours.1 + NICE).min(19));
    assert_eq!(sandbox.run(Priority::Start, || (name(), nice())), ours);
}
