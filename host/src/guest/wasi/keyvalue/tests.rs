//! The interfaces of `wasi:keyvalue`, called as a guest would, over the store in a file.

use super::atomics::Host as _;
use super::batch::Host as _;
use super::store::{Host as _, HostBucket as _};
use super::*;
use crate::config;
use crate::keyvalue::Embedded;

struct Guest {
    buckets: Buckets,
    table: ResourceTable,
}

impl Guest {
    fn new(store: Option<Arc<dyn Store>>, names: &[(&str, &str)]) -> Guest {
        let owned = |(name, bucket): &(&str, &str)| ((*name).to_owned(), (*bucket).to_owned());
        let names = names.iter().map(owned).collect();
        let refusals = Arc::new(Refusals::new("a".into(), 1));
        Guest {
            buckets: Buckets::new(store, &names, refusals),
            table: ResourceTable::new(),
        }
    }

    fn view(&mut self) -> KeyvalueView<'_> {
        KeyvalueView {
            buckets: &self.buckets,
            table: &mut self.table,
        }
    }

    async fn open(&mut self, name: &str) -> Handle {
        self.view().open(name.to_owned()).await.unwrap()
    }

    fn told(&mut self, failure: Failure) -> store::Error {
        self.view().convert_error(failure).unwrap()
    }
}

fn store(place: &tempfile::TempDir) -> Arc<dyn Store> {
    let limits = config::Keyvalue {
        value_max: 10,
        ..config::Keyvalue::default()
    };
    Arc::new(Embedded::open(place.path(), limits).unwrap())
}

/// A second handle of the same bucket, as a borrow has it.
fn again(handle: &Handle) -> Handle {
    Resource::new_borrow(handle.rep())
}

#[tokio::test]
async fn only_granted_buckets_can_be_opened_and_each_refusal_is_noted_once() {
    let place = tempfile::tempdir().unwrap();
    let mut guest = Guest::new(Some(store(&place)), &[("default", "counter")]);
    guest.open("default").await;
    for name in ["counter", "", "other", "other"] {
        let failure = guest.view().open(name.to_owned()).await.unwrap_err();
        assert!(
            matches!(guest.told(failure), store::Error::AccessDenied),
            "{name}"
        );
    }
    let told = guest.buckets.refusals.told();
    let names = ["", "counter", "other"];
    assert_eq!(
        told,
        names.map(|name| format!("buckets not in keyvalue {name}"))
    );

    let mut without = Guest::new(None, &[("a", "a")]);
    let failure = without.view().open("a".to_owned()).await.unwrap_err();
    assert!(matches!(without.told(failure), store::Error::NoSuchStore));
}

#[tokio::test]
async fn guests_share_a_bucket_by_its_name_in_the_store() {
    let place = tempfile::tempdir().unwrap();
    let store = store(&place);
    let mut one = Guest::new(
        Some(Arc::clone(&store)),
        &[("mine", "shared"), ("x", "own-1")],
    );
    let mut two = Guest::new(Some(store), &[("default", "shared"), ("x", "own-2")]);
    let (mine, x) = (one.open("mine").await, one.open("x").await);
    one.view()
        .set(again(&mine), "k".to_owned(), b"1".to_vec())
        .await
        .unwrap();
    one.view()
        .set(again(&x), "k".to_owned(), b"2".to_vec())
        .await
        .unwrap();
    let (theirs, x) = (two.open("default").await, two.open("x").await);
    let shared = two
        .view()
        .get(again(&theirs), "k".to_owned())
        .await
        .unwrap();
    assert_eq!(shared.unwrap(), b"1");
    assert_eq!(
        two.view().get(again(&x), "k".to_owned()).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn all_functions_do_what_they_say() {
    let place = tempfile::tempdir().unwrap();
    let mut guest = Guest::new(Some(store(&place)), &[("b", "b")]);
    let bucket = guest.open("b").await;
    let key = || "k".to_owned();
    let view = &mut guest.view();
    assert!(!view.exists(again(&bucket), key()).await.unwrap());
    view.set(again(&bucket), key(), b"5".to_vec())
        .await
        .unwrap();
    assert!(view.exists(again(&bucket), key()).await.unwrap());
    assert_eq!(view.increment(again(&bucket), key(), 37).await.unwrap(), 42);
    let pairs = ["x", "y"].map(|key| (key.to_owned(), key.as_bytes().to_vec()));
    view.set_many(again(&bucket), pairs.to_vec()).await.unwrap();
    let keys = ["y", "none"].map(str::to_owned).to_vec();
    let found = view.get_many(again(&bucket), keys).await.unwrap();
    assert_eq!(found, [Some(pairs[1].clone()), None]);
    let page = view.list_keys(again(&bucket), None).await.unwrap();
    assert_eq!(
        (page.keys, page.cursor),
        (["k", "x", "y"].map(str::to_owned).to_vec(), None)
    );
    let keys = ["x", "y", "none"].map(str::to_owned).to_vec();
    view.delete_many(again(&bucket), keys).await.unwrap();
    view.delete(again(&bucket), key()).await.unwrap();
    let page = view.list_keys(again(&bucket), Some(0)).await.unwrap();
    assert!(page.keys.is_empty());

    let large = view
        .set(again(&bucket), key(), vec![0; 11])
        .await
        .unwrap_err();
    let told = view.convert_error(large).unwrap();
    assert!(matches!(told, store::Error::Other(why) if why.contains("at most 10 bytes")));

    let other = again(&bucket);
    view.drop(bucket).await.unwrap();
    let gone = view.get(other, key()).await.unwrap_err();
    assert!(
        view.convert_error(gone).is_err(),
        "a handle that is gone ends the guest"
    );
}

#[test]
fn a_linker_takes_the_interfaces_once() {
    let engine = wasmtime::Engine::default();
    let mut linker = Linker::<Guest>::new(&engine);
    add_to_linker(&mut linker, Guest::view).unwrap();
    assert!(add_to_linker(&mut linker, Guest::view).is_err());
}
