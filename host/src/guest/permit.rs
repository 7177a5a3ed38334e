//! Counts the calls that run in one guest, and refuses one too many. It never waits.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A number of places, taken and given back.
#[derive(Debug)]
pub(super) struct Permits {
    taken: AtomicU32,
    max: u32,
}

/// One place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Permit<'a>(&'a Permits);

impl Permits {
    /// `max` places, all free.
    pub(super) fn new(max: u32) -> Permits {
        Permits {
            taken: AtomicU32::new(0),
            max,
        }
    }

    /// Takes a place if one is free.
    pub(super) fn try_take(&self) -> Option<Permit<'_>> {
        let one_more = |taken| (taken < self.max).then_some(taken + 1);
        self.taken.fetch_update(Relaxed, Relaxed, one_more).ok()?;
        Some(Permit(self))
    }

    /// The places taken at this moment.
    pub(super) fn taken(&self) -> u32 {
        self.taken.load(Relaxed)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Permits;

    #[test]
    fn gives_no_more_than_its_places_and_takes_them_back() {
        let permits = Permits::new(2);
        let (first, second) = (permits.try_take(), permits.try_take());
        assert!(first.is_some() && second.is_some() && permits.try_take().is_none());
        assert_eq!(permits.taken(), 2);
        drop(first);
        assert!(permits.try_take().is_some());
        drop(second);
        assert_eq!(permits.taken(), 0);
    }
}
