//! What the second draft has beside the first, called as a guest would, over the store in a file.

use super::super::Refusals;
use super::super::{Buckets, Store};
use super::atomics::{Host as _, HostCas};
use super::batch::Host as _;
use super::store::{Host as _, HostBucket as _};
use super::*;
use crate::config;
use crate::keyvalue::Embedded;
use std::sync::Arc;
use wasmtime::component::ResourceTable;

struct Guest {
    _place: tempfile::TempDir,
    buckets: Buckets,
    table: ResourceTable,
}

impl Guest {
    fn new() -> Guest {
        let place = tempfile::tempdir().unwrap();
        let limits = config::Keyvalue::default();
        let store: Arc<dyn Store> = Arc::new(Embedded::open(place.path(), limits).unwrap());
        let names = [("b".to_owned(), "b".to_owned())].into();
        let refusals = Arc::new(Refusals::new("a".into(), 1));
        Guest {
            _place: place,
            buckets: Buckets::new(Some(store), &names, refusals),
            table: ResourceTable::new(),
        }
    }

    fn view(&mut self) -> KeyvalueView<'_> {
        KeyvalueView {
            buckets: &self.buckets,
            table: &mut self.table,
        }
    }
}

/// A second handle of the same resource, as a borrow has it.
fn again<T: 'static>(handle: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(handle.rep())
}

fn key() -> String {
    "k".to_owned()
}

#[tokio::test]
async fn a_bucket_that_is_not_granted_cannot_be_opened() {
    let mut guest = Guest::new();
    let failure = guest.view().open("other".to_owned()).await.unwrap_err();
    let told = store::Host::convert_error(&mut guest.view(), failure).unwrap();
    assert!(matches!(told, store::Error::AccessDenied));
    let told = guest.buckets.refusals.told();
    assert_eq!(told, ["buckets not in keyvalue other"]);
}

#[tokio::test]
async fn cursors_are_text() {
    let mut guest = Guest::new();
    let bucket = guest.view().open("b".to_owned()).await.unwrap();
    let view = &mut guest.view();
    let pairs: Vec<_> = (0..1500).map(|n| (format!("{n:04}"), Vec::new())).collect();
    view.set_many(again(&bucket), pairs).await.unwrap();
    let page = view.list_keys(again(&bucket), None).await.unwrap();
    assert_eq!(page.cursor.as_deref(), Some("1000"));
    let page = view.list_keys(again(&bucket), page.cursor).await.unwrap();
    assert_eq!((page.keys.len(), page.cursor), (500, None));
    for wrong in ["", "x", "-1", "99999999999999999999"] {
        let cursor = Some(wrong.to_owned());
        let failure = view.list_keys(again(&bucket), cursor).await.unwrap_err();
        assert!(
            matches!(failure, Failure::Store(StoreError::Cursor)),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn every_key_asked_for_comes_back_with_its_value_or_none() {
    let mut guest = Guest::new();
    let bucket = guest.view().open("b".to_owned()).await.unwrap();
    let view = &mut guest.view();
    let pairs = vec![(key(), b"1".to_vec())];
    view.set_many(again(&bucket), pairs).await.unwrap();
    let keys = ["none", "k", "k"].map(str::to_owned).to_vec();
    let found = view.get_many(again(&bucket), keys.clone()).await.unwrap();
    let values = [None, Some(b"1".to_vec()), Some(b"1".to_vec())];
    assert_eq!(found, keys.into_iter().zip(values).collect::<Vec<_>>());
    view.delete_many(again(&bucket), vec![key()]).await.unwrap();
    assert!(!view.exists(again(&bucket), key()).await.unwrap());
}

#[tokio::test]
async fn numbers_may_be_below_zero() {
    let mut guest = Guest::new();
    let bucket = guest.view().open("b".to_owned()).await.unwrap();
    let view = &mut guest.view();
    for (delta, sum) in [(-5, -5), (8, 3), (i64::MIN, i64::MIN + 3)] {
        let found = view.increment(again(&bucket), key(), delta).await.unwrap();
        assert_eq!(found, sum);
    }
    let failure = view.increment(again(&bucket), key(), -4).await.unwrap_err();
    assert!(matches!(failure, Failure::Store(StoreError::Number)));
}

#[tokio::test]
async fn a_value_is_swapped_only_while_nobody_else_has_changed_it() {
    let mut guest = Guest::new();
    let bucket = guest.view().open("b".to_owned()).await.unwrap();
    let view = &mut guest.view();
    let cas = HostCas::new(view, again(&bucket), key()).await.unwrap();
    assert_eq!(view.current(again(&cas)).await.unwrap(), None);
    view.swap(cas, b"1".to_vec()).await.unwrap();

    let cas = HostCas::new(view, again(&bucket), key()).await.unwrap();
    view.set(again(&bucket), key(), b"2".to_vec())
        .await
        .unwrap();
    let failure = view.swap(cas, b"3".to_vec()).await.unwrap_err();
    let atomics::CasError::CasFailed(cas) = view.convert_cas_error(failure).unwrap() else {
        panic!("the swap did not fail for the change");
    };
    // What comes back has seen the change.
    assert_eq!(view.current(again(&cas)).await.unwrap().unwrap(), b"2");
    view.swap(cas, b"3".to_vec()).await.unwrap();
    let value = view.get(again(&bucket), key()).await.unwrap();
    assert_eq!(value.unwrap(), b"3");

    let cas = HostCas::new(view, again(&bucket), key()).await.unwrap();
    let failure = view.swap(cas, vec![0; 2 << 20]).await.unwrap_err();
    let told = view.convert_cas_error(failure).unwrap();
    assert!(matches!(
        told,
        atomics::CasError::StoreError(store::Error::Other(_))
    ));
}
