//! What one generation of a guest was refused, told in the log once for each thing it reached for:
//! whoever runs it has to learn what to grant, and a guest must not fill the log by trying again.

use crate::guest::escape::escaped;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Things that are told of one generation; a guest can make up as many names as it likes.
const TOLD_MAX: usize = 64;
/// Bytes of a name in the log.
const NAME_MAX: usize = 256;

/// The refusals of one generation.
#[derive(Debug)]
pub(in crate::guest) struct Refusals {
    guest: Arc<str>,
    generation: u64,
    told: Mutex<BTreeSet<String>>,
}

impl Refusals {
    /// None yet.
    pub(in crate::guest) fn new(guest: Arc<str>, generation: u64) -> Refusals {
        Refusals {
            guest,
            generation,
            told: Mutex::default(),
        }
    }

    /// Logs that the guest was refused `name`, a thing of this kind, unless that was logged before.
    pub(in crate::guest) fn note(&self, kind: &'static str, name: &str) {
        let name = escaped(name, NAME_MAX);
        let (guest, generation) = (&*self.guest, self.generation);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= TOLD_MAX || !told.insert(format!("{kind} {name}")) {
            return;
        }
        let last = told.len() == TOLD_MAX;
        drop(told);
        tracing::warn!(
            guest,
            generation,
            refused = kind,
            "the guest was refused {name}"
        );
        if last {
            tracing::warn!(
                guest,
                generation,
                "what else the guest is refused is not logged"
            );
        }
    }

    #[cfg(test)]
    pub(in crate::guest) fn told(&self) -> Vec<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_told_once_and_not_without_end() {
        let refusals = Refusals::new("a".into(), 1);
        for _ in 0..3 {
            refusals.note("hosts", "http://a\n");
            refusals.note("buckets", "a");
        }
        assert_eq!(refusals.told(), ["buckets a", "hosts http://a\\n"]);
        for number in 0..1000 {
            refusals.note("buckets", &number.to_string());
        }
        assert_eq!(refusals.told().len(), TOLD_MAX);
    }
}
