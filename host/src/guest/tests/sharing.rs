//! Guests of the same code with other data: they share what was compiled, and nothing else.

use super::support::*;
use crate::guest::{CallError, Guest, GuestSettings, Priority, Reach, Sandbox};
use std::sync::Arc;
use std::thread;

/// A guest that answers this with its last byte one higher: two, if its memory is not new.
fn saying(text: &[u8]) -> String {
    let last = 1024 + 20 + text.len() - 1;
    let add = format!(
        "(i32.store8 (i32.const {last})
           (i32.add (i32.load8_u (i32.const {last})) (i32.const 1)))"
    );
    let answers = answer(200, &[], text);
    let with =
        |code: &str| answers.replace("result i32) i32.const", &format!("result i32) {code}"));
    with(&format!("{add} i32.const"))
}

/// What it answers then.
fn said(text: &[u8]) -> Vec<u8> {
    let mut said = text.to_vec();
    *said.last_mut().unwrap() += 1;
    said
}

fn guests(sandbox: &Arc<Sandbox>, settings: &GuestSettings, texts: &[&[u8]]) -> Vec<Guest> {
    let load = |text: &&[u8]| load(sandbox, settings.clone(), &saying(text));
    texts.iter().map(load).collect()
}

#[tokio::test]
async fn each_has_its_own_data_and_none_the_others() {
    let sandbox = sandbox(8);
    let texts: [&[u8]; 3] = [b"one", b"two", b"six"];
    let guests = guests(&sandbox, &SETTINGS, &texts);
    let codes = guests[0].code().unwrap();
    assert!(guests.iter().all(|guest| guest.code() == Some(codes)));
    for _ in 0..5 {
        for (guest, text) in guests.iter().zip(&texts) {
            // One of these has an instance that was made ahead.
            for _ in 0..2 {
                assert_eq!(call(guest).await.unwrap().body, said(text));
                guest.restock();
            }
        }
    }
}

/// The data that a memory begins with is left out of the code, and what the code copies is not.
#[tokio::test]
async fn what_the_code_copies_into_memory_is_what_it_was() {
    let text = b"old and old";
    let copy = |from: &str| {
        let to = 1024 + 20 + text.len() - 3;
        let copies = format!("(memory.init {from} (i32.const {to}) (i32.const 0) (i32.const 3))");
        let code = format!("result i32) {copies} i32.const");
        let data = "(data $passive \"new\") (data $active (i32.const 0) \"sly\")";
        answer(200, &[], text).replace("result i32) i32.const", &code) + data
    };
    assert_eq!(
        call(&guest(&copy("$passive"))).await.unwrap().body,
        *b"old and new"
    );
    // It was dropped when the instance was made.
    assert!(matches!(
        call(&guest(&copy("$active"))).await,
        Err(CallError::Trapped { .. })
    ));
}

#[tokio::test]
async fn what_is_ready_becomes_that_of_whoever_comes_first() {
    let sandbox = sandbox(8);
    let mut guests = guests(&sandbox, &SETTINGS, &[b"one", b"two"]);
    assert_eq!(call(&guests[1]).await.unwrap().body, said(b"two"));
    for (maker, user, text) in [(0, 1, b"two"), (1, 0, b"one"), (0, 0, b"one")] {
        guests[maker].restock();
        assert_eq!(guests[user].instances(), (1, 0));
        assert_eq!(call(&guests[user]).await.unwrap().body, said(text));
        assert_eq!(guests[maker].instances(), (0, 0));
    }
    guests[0].restock();
    drop(guests.remove(0));
    assert_eq!(guests[0].instances(), (1, 0));
    assert_eq!(call(&guests[0]).await.unwrap().body, said(b"two"));
}

#[tokio::test]
async fn what_is_ready_for_other_settings_is_left_alone() {
    let sandbox = sandbox(8);
    let settings = GuestSettings {
        response_max: RESPONSE_MAX - 1,
        ..SETTINGS
    };
    let one = load(&sandbox, SETTINGS, &saying(b"one"));
    let two = load(&sandbox, settings, &saying(b"two"));
    assert_eq!(one.code(), two.code());
    for (guest, text, other) in [(&one, b"one", &two), (&two, b"two", &one)] {
        assert_eq!(call(guest).await.unwrap().body, said(text));
        guest.restock();
        assert_eq!(guest.instances(), (1, 0));
        assert!(call(other).await.is_ok());
        assert_eq!(guest.instances(), (1, 0));
    }
}

#[tokio::test]
async fn what_one_instance_left_is_there_for_its_own_guest_only() {
    let sandbox = sandbox(8);
    let settings = GuestSettings {
        instances: reuse(100),
        ..SETTINGS
    };
    let counter = |text: &str| format!("(data (i32.const 64) \"{text}\") {}", counter());
    let [one, two] = ["one", "two"].map(|text| load(&sandbox, settings.clone(), &counter(text)));
    assert_eq!(one.code(), two.code());
    for count in 1..4 {
        assert_eq!(call(&one).await.unwrap().body, [count]);
        assert_eq!(call(&two).await.unwrap().body, [count]);
    }
}

#[tokio::test]
async fn a_code_outlives_its_first_guest() {
    let sandbox = sandbox(2);
    let mut guests = guests(&sandbox, &SETTINGS, &[b"one", b"two"]);
    let code = guests[0].code();
    drop(guests.remove(0));
    assert_eq!(call(&guests[0]).await.unwrap().body, said(b"two"));
    let again = load(&sandbox, SETTINGS, &saying(b"one"));
    assert_eq!(again.code(), code);
    assert_eq!(call(&again).await.unwrap().body, said(b"one"));
}

#[tokio::test]
async fn other_code_and_too_much_other_data_are_not_shared() {
    let sandbox = sandbox(4);
    let (ones, twos) = ([b'1'; 17 << 10], [b'2'; 17 << 10]);
    let guests = guests(&sandbox, &SETTINGS, &[&ones, &twos, b"one"]);
    let codes: Vec<_> = guests.iter().map(Guest::code).collect();
    assert!(codes[0] != codes[1] && codes[0] != codes[2] && codes[1] != codes[2]);
    assert_eq!(call(&guests[1]).await.unwrap().body, said(&twos));
}

/// A thread that waits for a compilation must not be one that the compilation needs.
#[tokio::test]
async fn many_that_are_loaded_at_once_wait_for_the_first() {
    let sandbox = sandbox(4);
    let text = |number: u32| format!("{number:03}").into_bytes();
    let load = &|number: u32| {
        let component = component(&saying(&text(number)));
        let (reach, bytes) = (Reach::default(), component.as_bytes());
        sandbox.load("test", SETTINGS, reach, bytes, Priority::Background)
    };
    let guests: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..32).map(|n| scope.spawn(move || load(n))).collect();
        let loaded = threads.into_iter().map(|thread| thread.join().unwrap());
        loaded.map(Result::unwrap).collect()
    });
    for (number, guest) in (0..).zip(&guests) {
        assert_eq!(guest.code(), guests[0].code());
        assert_eq!(call(guest).await.unwrap().body, said(&text(number)));
    }
}
