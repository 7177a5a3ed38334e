//! Until when a call may wait for its turn: an instant, or one that moves while requests come and
//! go.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// When a call has to have a turn, whoever else waits.
#[derive(Clone, Debug)]
pub(in crate::guest) enum Due {
    /// Then.
    At(Instant),
    /// When this says.
    Moving(Arc<Moving>),
}

/// An instant that can be changed. It is far away at first.
#[derive(Debug)]
pub(in crate::guest) struct Moving(AtomicU64);

/// What the instants are counted from.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// As good as never.
const FAR: Duration = Duration::from_hours(24 * 365);

impl Due {
    pub(super) fn get(&self) -> Instant {
        match self {
            Due::At(instant) => *instant,
            Due::Moving(moving) => *ORIGIN + Duration::from_micros(moving.0.load(Relaxed)),
        }
    }
}

impl Moving {
    /// Changes it; to one far away where there is none.
    pub(in crate::guest) fn set(&self, instant: Option<Instant>) {
        let after = instant.map_or(FAR, |instant| instant.saturating_duration_since(*ORIGIN));
        let micros = u64::try_from(after.min(FAR).as_micros()).unwrap_or(u64::MAX);
        self.0.store(micros, Relaxed);
    }
}

impl Default for Moving {
    fn default() -> Moving {
        let moving = Moving(AtomicU64::new(0));
        moving.set(None);
        moving
    }
}

impl From<Instant> for Due {
    fn from(instant: Instant) -> Due {
        Due::At(instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_both_ways() {
        let moving = Arc::<Moving>::default();
        let due = Due::Moving(Arc::clone(&moving));
        let soon = Instant::now() + Duration::from_secs(5);
        assert!(due.get() > soon);
        moving.set(Some(soon));
        assert!(due.get() <= soon && due.get() + Duration::from_millis(1) > soon);
        moving.set(None);
        assert!(due.get() > soon);
    }
}
