//! How many instances are made ahead of the requests that will use them. A request that found none
//! asks for one more; one that nobody came for in time takes the wish back. So there are as many as
//! requests need at once, and soon none for guests that are left alone.
//!
//! It only counts. `kit` makes the instances, between requests, and `idle` keeps them.

use super::beat::Beat;
use super::census::{Census, Counted};
use super::subject::Subject;
use crate::shards::{Alone, Handle, Handles, Pointee, Quota};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// So many instances in a row may take long to make.
const SLOW_MAX: u32 = 4;

/// What is known of the instances of one reserve that are ready and unused.
#[derive(Debug)]
pub(super) struct Stock {
    max: u32,
    wanted: AtomicU32,
    ready: Quota,
    /// Those of all guests together.
    all: Arc<Handles<Census>>,
    /// How many in a row took long to make.
    slow: AtomicU32,
    /// Set once an instance could not be made in no time.
    closed: AtomicBool,
    /// What ticks say while one is made, which is no request's doing.
    pub(super) subject: Handles<Subject>,
}

/// Stands for one instance that is ready, or about to be.
#[derive(Debug)]
pub(super) struct Ready {
    stock: Handle<Stock>,
    _counted: Counted,
}

impl Pointee for Stock {
    type Beside = Alone;

    fn beside(&self, _: usize) -> Alone {
        Alone::new()
    }
}

impl Stock {
    /// A stock of at most `max`, which are among `all`. Ticks of this beat hit them.
    pub(super) fn new(max: u32, all: &Arc<Handles<Census>>, beat: &Arc<Beat>) -> Handles<Stock> {
        Handles::new(&Arc::new(Stock {
            max,
            wanted: AtomicU32::new(0),
            ready: Quota::default(),
            all: Arc::clone(all),
            slow: AtomicU32::new(0),
            closed: AtomicBool::new(false),
            subject: Handles::new(&Subject::new("", beat)),
        }))
    }

    /// Reads what a request will look at.
    pub(super) fn touch(&self) {
        black_box(self.wanted.load(Relaxed));
    }

    /// A request found none.
    pub(super) fn was_missed(&self) {
        self.change_wanted(|wanted| wanted < self.max, |wanted| wanted + 1);
    }

    /// Leave to make one, if there are fewer than are wanted.
    pub(super) fn wants_one(stock: &Handles<Self>) -> Option<Ready> {
        let wanted = stock.wanted.load(Relaxed) as usize;
        if stock.closed.load(Relaxed) || !stock.ready.take(wanted) {
            return None;
        }
        let Some(counted) = Census::count(&stock.all) else {
            stock.ready.give_back();
            return None;
        };
        Some(Ready {
            stock: Handles::take(stock),
            _counted: counted,
        })
    }

    /// Makes no more: they take too long, or cannot be made at all. What is wrong with that is told
    /// to the requests that make their own.
    pub(super) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    /// Learns how long it took to make one. Makes no more when that is `time_max` or longer several
    /// times in a row: no tick comes while one instruction fills a large memory, and that the
    /// kernel lets the thread wait does not happen each time.
    pub(super) fn took(&self, time: Duration, time_max: Duration) {
        if time >= time_max {
            if self.slow.fetch_add(1, Relaxed) + 1 >= SLOW_MAX {
                self.close();
            }
        } else if self.slow.load(Relaxed) > 0 {
            self.slow.store(0, Relaxed);
        }
    }

    fn change_wanted(&self, may: impl Fn(u32) -> bool, change: impl Fn(u32) -> u32) {
        let changed = |wanted| may(wanted).then(|| change(wanted));
        // An error says that nothing changed.
        let _ = self.wanted.fetch_update(Relaxed, Relaxed, changed);
    }
}

impl Ready {
    /// Nobody came for it in time.
    pub(super) fn expire(self) {
        self.stock
            .change_wanted(|wanted| wanted > 0, |wanted| wanted - 1);
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.stock.ready.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(max: u32) -> Arc<Handles<Census>> {
        Arc::new(Census::new(max))
    }

    fn stock_up(stock: &Handles<Stock>) -> Vec<Ready> {
        std::iter::from_fn(|| Stock::wants_one(stock)).collect()
    }

    #[test]
    fn as_many_are_wanted_as_were_missed_and_no_more_than_may_be() {
        let stock = Stock::new(2, &all(10), &Beat::of(1));
        assert!(Stock::wants_one(&stock).is_none(), "nobody has asked yet");
        for ready in [1, 2, 2] {
            stock.was_missed();
            assert_eq!(stock_up(&stock).len(), ready);
        }
        assert_eq!(
            stock_up(&stock).len(),
            2,
            "what was given up can be had again"
        );
    }

    #[test]
    fn what_nobody_came_for_is_not_made_again() {
        let stock = Stock::new(2, &all(10), &Beat::of(1));
        stock.was_missed();
        stock.was_missed();
        stock_up(&stock).into_iter().for_each(Ready::expire);
        assert!(stock_up(&stock).is_empty());
        stock.was_missed();
        assert_eq!(stock_up(&stock).len(), 1);
    }

    #[test]
    fn all_guests_together_have_their_bound() {
        let all = all(1);
        let (first, second) = (
            Stock::new(4, &all, &Beat::of(1)),
            Stock::new(4, &all, &Beat::of(1)),
        );
        first.was_missed();
        second.was_missed();
        let ready = Stock::wants_one(&first);
        assert!(ready.is_some() && Stock::wants_one(&second).is_none());
        drop(ready);
        assert!(Stock::wants_one(&second).is_some());
    }

    #[test]
    fn one_whose_instances_keep_taking_long_is_closed() {
        let stock = Stock::new(4, &all(4), &Beat::of(1));
        stock.was_missed();
        let (quick, max) = (Duration::from_micros(5), Duration::from_millis(1));
        for _ in 1..SLOW_MAX {
            stock.took(max, max);
        }
        stock.took(quick, max);
        for _ in 1..SLOW_MAX {
            stock.took(max, max);
        }
        assert!(Stock::wants_one(&stock).is_some());
        stock.took(max, max);
        assert!(Stock::wants_one(&stock).is_none());
    }

    #[test]
    fn a_closed_one_makes_none() {
        let stock = Stock::new(4, &all(1), &Beat::of(1));
        stock.was_missed();
        stock.close();
        assert!(Stock::wants_one(&stock).is_none());
    }
}
