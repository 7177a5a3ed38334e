//! Many guests at once: work shared among threads, and word of how far it is. What is done with
//! a guest is the caller's business.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::processors;

/// How often somebody who waits is told how far it is.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Does `work` for every item, as many at once as there are processors, and returns what came of
/// it in the items' order. Whoever is free takes the next item, so that a slow one holds up no
/// other. When it takes long, the log tells how far it is: `doing: 12 of 100`.
///
/// # Panics
/// When `work` does, once the other threads have nothing left to do.
pub(super) fn each<T: Sync, R: Send>(
    doing: &str,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let report = |done: usize| tracing::info!("{doing}: {done} of {}", items.len());
    each_reporting(items, REPORT_INTERVAL, report, work)
}

fn each_reporting<T: Sync, R: Send>(
    items: &[T],
    interval: Duration,
    mut report: impl FnMut(usize),
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut results: Vec<(usize, R)> = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        for _ in 0..threads(items.len()) {
            let sender = sender.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || take_and_do(items, next, work, &sender));
        }
        // Only the threads hold the channel open now, so that it ends with the last of them.
        drop(sender);
        let mut due = Instant::now() + interval;
        loop {
            match receiver.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(result) => results.push(result),
                Err(RecvTimeoutError::Timeout) => {
                    report(results.len());
                    due = Instant::now() + interval;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn take_and_do<T, R>(
    items: &[T],
    next: &AtomicUsize,
    work: impl Fn(&T) -> R,
    sender: &Sender<(usize, R)>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(item) = items.get(index) else {
            return;
        };
        // The receiver lives as long as this thread.
        let _ = sender.send((index, work(item)));
    }
}

fn threads(items: usize) -> usize {
    processors::count().min(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn every_item_is_done_once_and_results_keep_their_order() {
        let items: Vec<usize> = (0..1000).collect();
        let done = AtomicUsize::new(0);
        let results = each("counting", &items, |item| {
            done.fetch_add(1, Ordering::Relaxed);
            item * 2
        });
        assert_eq!(done.into_inner(), 1000);
        assert!(
            results
                .iter()
                .enumerate()
                .all(|(i, result)| *result == i * 2)
        );
        assert!(each("nothing", &[(); 0], |()| ()).is_empty());
    }

    /// The first item is not done before all others are: with fixed shares it would never be.
    #[test]
    fn a_slow_item_holds_up_no_other() {
        if threads(2) < 2 {
            return;
        }
        let items: Vec<usize> = (0..50).collect();
        let (sender, receiver) = mpsc::channel();
        let receiver = Mutex::new(receiver);
        let patience = Duration::from_secs(20);
        let results = each("waiting", &items, |item| match item {
            0 => {
                let receiver = receiver.lock().unwrap();
                (1..items.len()).all(|_| receiver.recv_timeout(patience).is_ok())
            }
            _ => sender.send(()).is_ok(),
        });
        assert_eq!(results, vec![true; items.len()]);
    }

    /// The work ends only after two reports.
    #[test]
    fn those_who_wait_are_told_how_far_it_is() {
        let (sender, receiver) = mpsc::channel();
        let receiver = Mutex::new(receiver);
        let report = |done: usize| sender.send(done).unwrap();
        let results = each_reporting(&[()], Duration::from_millis(1), report, |()| {
            let receiver = receiver.lock().unwrap();
            [receiver.recv().unwrap(), receiver.recv().unwrap()]
        });
        assert_eq!(results, [[0, 0]]);
    }

    #[test]
    fn a_panic_is_not_swallowed() {
        let work = |item: &u32| assert!(*item != 1, "expected by this test");
        let outcome = std::panic::catch_unwind(|| each("panicking", &[0, 1, 2], work));
        assert!(outcome.is_err());
    }
}
