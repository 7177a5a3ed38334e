//! Whom a call is for.

use super::beat::Beat;
use super::pace::Pace;
use crate::shards::{Alone, Pointee};
use std::sync::Arc;

/// What ticks that hit a call and lines that it logs are noted under.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// The guest's name; nothing where no guest's request runs.
    pub(super) name: String,
    /// How fast it has been lately.
    pub(super) pace: Pace,
}

impl Pointee for Subject {
    type Beside = Alone;

    fn beside(&self, _: usize) -> Alone {
        Alone::new()
    }
}

impl Subject {
    /// The guest with this name, whose calls ticks of this beat hit.
    pub(super) fn new(name: &str, beat: &Arc<Beat>) -> Arc<Subject> {
        Arc::new(Subject {
            name: name.to_owned(),
            pace: Pace::new(beat),
        })
    }
}
