//! One load of a guest's component: its number, its content, and how it did.

use std::hint::black_box;
use std::time::SystemTime;

use smol_str::SmolStr;

use super::source::Source;
use crate::files::Fingerprint;
use crate::guest::{ContentHash, Guest, Near};
use crate::shards::Pointee;

/// A loaded component that serves, served, or is kept ready to serve again.
#[derive(Debug)]
#[repr(C)]
pub struct Generation {
    guest: Guest,
    number: u64,
    /// Kept as text for the log line of every request.
    short_hash: SmolStr,
    hash: ContentHash,
    fingerprint: Option<Fingerprint>,
    loaded: SystemTime,
}

impl Pointee for Generation {
    type Beside = Near;

    fn beside(&self, part: usize) -> Near {
        self.guest.near(part)
    }
}

impl Generation {
    /// Made of `source`. `number` counts the loads of this guest from 1.
    pub(super) fn new(number: u64, source: &Source, guest: Guest) -> Self {
        let hash = source.hash;
        Self {
            number,
            hash,
            short_hash: hash.short().into(),
            guest,
            fingerprint: source.fingerprint,
            loaded: SystemTime::now(),
        }
    }

    /// Its number among the guest's loads, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The hash of the component's bytes.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }

    /// The hash's first digits.
    pub fn short_hash(&self) -> &str {
        &self.short_hash
    }

    /// Reads a little of what a request needs, but for what its guest's own [`Near`] has.
    pub(super) fn touch(&self) {
        black_box(self.number);
    }

    /// The sandboxed component itself.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// The state of its file when it was read; none where it is built in.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// When it was loaded.
    pub fn loaded(&self) -> SystemTime {
        self.loaded
    }
}
