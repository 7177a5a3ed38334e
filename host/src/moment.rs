//! The moment that a thread tells of: whoever has just read the clock lends what it said to the
//! line that is logged then, which need not read it again.

use std::cell::Cell;
use std::time::Instant;

thread_local! {
    static MOMENT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Forgets the moment, also when telling of it panics.
struct Over;

impl Drop for Over {
    fn drop(&mut self) {
        MOMENT.set(None);
    }
}

/// Logs what `tell` logs as of this moment.
pub(crate) fn of<R>(moment: Instant, tell: impl FnOnce() -> R) -> R {
    MOMENT.set(Some(moment));
    let _over = Over;
    tell()
}

/// The moment that is told of, if the clock was read for that.
pub fn told() -> Option<Instant> {
    MOMENT.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_of_once() {
        let now = Instant::now();
        assert_eq!((told(), of(now, told), told()), (None, Some(now), None));
        let panics = || of(now, || panic!("for the test"));
        assert!(std::panic::catch_unwind(panics).is_err());
        assert_eq!(told(), None);
    }
}
