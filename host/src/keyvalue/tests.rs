//! The embedded store: what is kept, what is refused, and that nothing acknowledged is lost.

mod crash;
mod failing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::config::Keyvalue;

/// Bounds that a test can reach.
fn small() -> Keyvalue {
    Keyvalue {
        key_max: 16,
        value_max: 100,
        keys_max: 3,
        size_max: 250,
        batch_max: 500,
        ..Keyvalue::default()
    }
}

/// Opens a store. One that was just dropped gives its file free a moment later.
fn open(directory: &Path, limits: &Keyvalue) -> Embedded {
    for _ in 0..500 {
        match Embedded::open(directory, limits.clone()) {
            Ok(store) => return store,
            Err(OpenError::File { reason, .. }) if reason.contains("already open") => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the store before stays open");
}

fn set(key: &str, value: &[u8]) -> Change {
    Change::Set(key.to_owned(), value.to_owned())
}

async fn add(store: &Embedded, bucket: &str, key: &str, delta: i128) -> Result<i128, StoreError> {
    let range = -1000..=1000;
    store.increment(bucket, key.to_owned(), delta, range).await
}

async fn value(store: &Embedded, bucket: &str, key: &str) -> Option<Vec<u8>> {
    store.get(bucket, key.to_owned()).await.unwrap()
}

#[tokio::test]
async fn values_are_kept_by_bucket_and_key() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path(), &Keyvalue::default());
    assert_eq!(value(&store, "a", "k").await, None);
    assert!(!store.exists("a", "k".to_owned()).await.unwrap());

    store.change("a", vec![set("k", b"1")]).await.unwrap();
    store.change("b", vec![set("k", b"")]).await.unwrap();
    assert_eq!(value(&store, "a", "k").await.unwrap(), b"1");
    assert_eq!(value(&store, "b", "k").await.unwrap(), b"");
    assert!(store.exists("b", "k".to_owned()).await.unwrap());

    let delete = Change::Delete("k".to_owned());
    store.change("a", vec![delete.clone()]).await.unwrap();
    store.change("a", vec![delete]).await.unwrap();
    assert_eq!(value(&store, "a", "k").await, None);
    assert_eq!(value(&store, "b", "k").await.unwrap(), b"");
}

#[tokio::test]
async fn several_keys_are_one_change() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path(), &small());
    let changes = vec![
        set("a", b"1"),
        set("b", b"2"),
        Change::Delete("a".to_owned()),
        set("b", b"3"),
    ];
    store.change("x", changes).await.unwrap();
    let keys = ["b", "a", "b"].map(str::to_owned).to_vec();
    let found = store.get_many("x", keys).await.unwrap();
    let b = Some(("b".to_owned(), b"3".to_vec()));
    assert_eq!(found, [b.clone(), None, b]);

    // The fourth key does not fit, and so none of them is there.
    let changes = ["c", "d", "e"].map(|key| set(key, b"")).to_vec();
    let refused = store.change("x", changes).await;
    assert_eq!(refused, Err(StoreError::Keys(3)));
    assert_eq!(store.keys("x", None).await.unwrap().keys, ["b"]);
}

#[tokio::test]
async fn bounds_hold_and_room_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path(), &small());
    let change = |key: &str, bytes: usize| store.change("x", vec![set(key, &vec![0; bytes])]);
    assert_eq!(change("", 1).await, Err(StoreError::Key(16)));
    assert_eq!(change(&"k".repeat(17), 1).await, Err(StoreError::Key(16)));
    assert_eq!(change("k", 101).await, Err(StoreError::Value(100)));
    change(&"k".repeat(16), 100).await.unwrap();
    change("b", 100).await.unwrap();
    assert_eq!(change("c", 100).await, Err(StoreError::Size(250)));
    change("c", 10).await.unwrap();
    assert_eq!(change("d", 1).await, Err(StoreError::Keys(3)));
    // What is there can change, and another bucket has room of its own.
    change("b", 99).await.unwrap();
    store.change("y", vec![set("d", b"1")]).await.unwrap();

    let delete = vec![Change::Delete("b".to_owned())];
    store.change("x", delete).await.unwrap();
    change("d", 100).await.unwrap();

    let many = vec![set("a", &[0; 100]); 4];
    assert_eq!(store.change("x", many).await, Err(StoreError::Batch(500)));
    let keys = vec!["a".to_owned(); 100];
    assert_eq!(store.get_many("x", keys).await, Err(StoreError::Batch(500)));
}

#[tokio::test]
async fn what_is_asked_for_in_one_call_is_bounded_by_its_values() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path(), &small());
    store.change("x", vec![set("a", &[7; 100])]).await.unwrap();
    let keys = |count| vec!["a".to_owned(); count];
    assert_eq!(store.get_many("x", keys(4)).await.unwrap().len(), 4);
    assert_eq!(
        store.get_many("x", keys(5)).await,
        Err(StoreError::Batch(500))
    );
}

#[tokio::test]
async fn numbers_are_added_to_one_after_the_other() {
    let place = tempfile::tempdir().unwrap();
    let store = Arc::new(open(place.path(), &Keyvalue::default()));
    let add_aside = |delta| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { add(&store, "x", "n", delta).await })
    };
    let mut sums = Vec::new();
    for task in (0..100).map(|_| add_aside(2)).collect::<Vec<_>>() {
        sums.push(task.await.unwrap().unwrap());
    }
    sums.sort_unstable();
    assert_eq!(sums, (1..=100).map(|n| n * 2).collect::<Vec<i128>>());
    assert_eq!(value(&store, "x", "n").await.unwrap(), b"200");

    let too_long = "9".repeat(60);
    for text in ["", "-", "x", "+1", "--1", "1.0", " 1", "1000", &too_long] {
        store
            .change("x", vec![set("n", text.as_bytes())])
            .await
            .unwrap();
        let refused = add(&store, "x", "n", 1).await;
        assert_eq!(refused, Err(StoreError::Number), "{text}");
    }
    assert_eq!(add(&store, "x", "m", -1000).await, Ok(-1000));
    assert_eq!(value(&store, "x", "m").await.unwrap(), b"-1000");
    let refused = add(&store, "x", "m", -1).await;
    assert_eq!(refused, Err(StoreError::Number));
    assert_eq!(add(&store, "x", "m", 1).await, Ok(-999));
}

#[tokio::test]
async fn a_value_is_swapped_only_for_what_was_seen() {
    let place = tempfile::tempdir().unwrap();
    let store = Arc::new(open(place.path(), &small()));
    let swap = |seen: Option<&[u8]>, value: &[u8]| {
        store.swap("x", "k".to_owned(), Seen::of(seen), value.to_owned())
    };
    assert_eq!(swap(Some(b""), b"1").await, Ok(false));
    assert_eq!(value(&store, "x", "k").await, None);
    assert_eq!(swap(None, b"1").await, Ok(true));
    for (seen, swapped) in [(None, false), (Some(&b"2"[..]), false), (Some(b"1"), true)] {
        assert_eq!(swap(seen, b"3").await, Ok(swapped), "{seen:?}");
    }
    assert_eq!(value(&store, "x", "k").await.unwrap(), b"3");
    assert_eq!(
        swap(Some(b"3"), &[0; 101]).await,
        Err(StoreError::Value(100))
    );

    // Of many that have seen the same, one comes first.
    let all: Vec<_> = (0..50)
        .map(|number: u8| {
            let store = Arc::clone(&store);
            let seen = Seen::of(Some(b"3"));
            tokio::spawn(async move { store.swap("x", "k".to_owned(), seen, vec![number]).await })
        })
        .collect();
    let mut swapped = 0;
    for one in all {
        swapped += u32::from(one.await.unwrap().unwrap());
    }
    assert_eq!(swapped, 1);
}

#[tokio::test]
async fn keys_come_in_pages() {
    let place = tempfile::tempdir().unwrap();
    let store = open(place.path(), &Keyvalue::default());
    let empty = store.keys("x", Some(7)).await.unwrap();
    assert_eq!((empty.keys.len(), empty.cursor), (0, None));
    let names: Vec<_> = (0..2500).map(|number| format!("{number:05}")).collect();
    let changes = names.iter().map(|name| set(name, b"")).collect();
    store.change("x", changes).await.unwrap();

    let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.keys("x", cursor).await.unwrap();
        found.extend(page.keys);
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((pages, found), (3, names));
    let beyond = store.keys("x", Some(u64::MAX)).await.unwrap();
    assert_eq!((beyond.keys.len(), beyond.cursor), (0, None));
}

#[tokio::test]
async fn a_store_that_was_only_dropped_has_everything_when_it_is_opened_again() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("not/there/yet");
    for round in 0..3 {
        let store = open(&directory, &small());
        assert_eq!(add(&store, "x", "n", 1).await, Ok(round + 1));
    }
    // The bounds go on counting what was there before.
    let store = open(&directory, &small());
    let changes = ["b", "c", "d"].map(|key| set(key, b"")).to_vec();
    assert_eq!(store.change("x", changes).await, Err(StoreError::Keys(3)));
}

#[test]
fn two_hosts_cannot_have_the_same_store() {
    let place = tempfile::tempdir().unwrap();
    let _first = open(place.path(), &small());
    let error = Embedded::open(place.path(), small()).err().unwrap();
    assert!(error.to_string().contains("keyvalue.redb: "), "{error}");
}

#[test]
fn a_file_that_is_no_store_is_told_and_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("keyvalue.redb");
    std::fs::write(&file, "not a store, but perhaps dear to somebody").unwrap();
    let error = Embedded::open(place.path(), small()).err().unwrap();
    assert!(matches!(error, OpenError::File { .. }), "{error}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("not a store"), "{text}");
}
