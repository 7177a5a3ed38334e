//! What a change does to a bucket within a transaction, and that it stays within the bucket's
//! bounds. Nothing is written before all of it is known to fit.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use redb::{AccessGuard, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::{Change, Seen, StoreError};
use crate::config::Keyvalue;

/// The number of keys, and the bytes of keys and values, of each bucket.
const USAGE: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("usage");

/// A bucket's contents.
pub(super) type Contents<'txn> = Table<'txn, &'static str, &'static [u8]>;

/// Why a change was not made: for a reason of its own, or because the transaction broke. After
/// the second none of the transaction may be kept.
pub(super) enum Failure {
    Refused(StoreError),
    Broken(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Broken(error.into())
    }
}

/// The name of the table of a bucket. The prefix keeps buckets and tables of our own apart.
pub(super) fn table_name(bucket: &str) -> String {
    format!("bucket/{bucket}")
}

/// How large a bucket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    keys: u64,
    bytes: u64,
}

/// Makes all changes to a bucket, or none of them.
pub(super) fn change(
    transaction: &WriteTransaction,
    limits: &Keyvalue,
    bucket: &str,
    changes: &[Change],
) -> Result<(), Failure> {
    let name = table_name(bucket);
    let mut contents: Contents<'_> = transaction.open_table(TableDefinition::new(&name))?;
    write(transaction, &mut contents, limits, bucket, last_of(changes))
}

/// Makes a change if what is to be changed is still what was seen of it; says whether it is.
pub(super) fn swap(
    transaction: &WriteTransaction,
    limits: &Keyvalue,
    bucket: &str,
    set: &Change,
    seen: Seen,
) -> Result<bool, Failure> {
    let (Change::Set(key, _) | Change::Delete(key)) = set;
    let name = table_name(bucket);
    let mut contents: Contents<'_> = transaction.open_table(TableDefinition::new(&name))?;
    let is_same = {
        let found = contents.get(key.as_str())?;
        Seen::of(found.as_ref().map(AccessGuard::value)) == seen
    };
    if is_same {
        let values = last_of(std::slice::from_ref(set));
        write(transaction, &mut contents, limits, bucket, values)?;
    }
    Ok(is_same)
}

/// What is to be added to a number.
#[derive(Clone, Debug)]
pub(super) struct Addend {
    pub(super) delta: i128,
    /// Where the sum has to be.
    pub(super) range: RangeInclusive<i128>,
}

/// Adds to a number and gives the sum.
pub(super) fn increment(
    transaction: &WriteTransaction,
    limits: &Keyvalue,
    bucket: &str,
    key: &str,
    addend: &Addend,
) -> Result<i128, Failure> {
    let name = table_name(bucket);
    let mut contents: Contents<'_> = transaction.open_table(TableDefinition::new(&name))?;
    let number = match contents.get(key)? {
        Some(value) => number(value.value()),
        None => Some(0),
    };
    let sum = number.and_then(|number| number.checked_add(addend.delta));
    let sum = sum.filter(|sum| addend.range.contains(sum));
    let sum = sum.ok_or(Failure::Refused(StoreError::Number))?;
    let text = sum.to_string();
    let values = BTreeMap::from([(key, Some(text.as_bytes()))]);
    write(transaction, &mut contents, limits, bucket, values)?;
    Ok(sum)
}

/// Decimal digits, after a minus if it is below zero: `parse` would take a plus.
fn number(value: &[u8]) -> Option<i128> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// What each key has after the changes.
fn last_of(changes: &[Change]) -> BTreeMap<&str, Option<&[u8]>> {
    let values = changes.iter().map(|change| match change {
        Change::Set(key, value) => (key.as_str(), Some(value.as_slice())),
        Change::Delete(key) => (key.as_str(), None),
    });
    values.collect()
}

fn write(
    transaction: &WriteTransaction,
    contents: &mut Contents<'_>,
    limits: &Keyvalue,
    bucket: &str,
    values: BTreeMap<&str, Option<&[u8]>>,
) -> Result<(), Failure> {
    let mut usages = transaction.open_table(USAGE)?;
    let before = usages.get(bucket)?.map(|usage| usage.value());
    let (keys, bytes) = before.unwrap_or_default();
    let before = Usage { keys, bytes };
    let after = usage_after(before, contents, &values)?;
    check(before, after, limits).map_err(Failure::Refused)?;
    for (key, value) in values {
        match value {
            Some(value) => drop(contents.insert(key, value)?),
            None => drop(contents.remove(key)?),
        }
    }
    if after != before {
        usages.insert(bucket, (after.keys, after.bytes))?;
    }
    Ok(())
}

/// How large the bucket will be.
fn usage_after(
    before: Usage,
    contents: &Contents<'_>,
    values: &BTreeMap<&str, Option<&[u8]>>,
) -> Result<Usage, Failure> {
    let mut usage = before;
    for (key, value) in values {
        let size = |value: &[u8]| (key.len() + value.len()) as u64;
        if let Some(old) = contents.get(*key)? {
            usage.keys = usage.keys.saturating_sub(1);
            usage.bytes = usage.bytes.saturating_sub(size(old.value()));
        }
        if let Some(new) = value {
            usage.keys += 1;
            usage.bytes = usage.bytes.saturating_add(size(new));
        }
    }
    Ok(usage)
}

/// A bucket that has become too large, because the bounds are lower now, may still shrink.
fn check(before: Usage, after: Usage, limits: &Keyvalue) -> Result<(), StoreError> {
    if after.keys > limits.keys_max && after.keys > before.keys {
        return Err(StoreError::Keys(limits.keys_max));
    }
    if after.bytes > limits.size_max && after.bytes > before.bytes {
        return Err(StoreError::Size(limits.size_max));
    }
    Ok(())
}
