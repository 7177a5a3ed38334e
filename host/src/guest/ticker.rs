//! The thread that advances an engine's epoch, so that a spinning guest is interrupted even when
//! every runtime worker is busy and no timer fires. It knows nothing about requests or deadlines.
//!
//! It costs nothing while no guest runs: it parks when it has seen no call from one tick to the
//! next, and a call wakes it only then. A busy server pays two atomic additions per call, to
//! counters that few other threads write.

use super::beat::{Beat, Rhythm};
use crate::shards::{self, SHARDS};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{self, Thread};
use std::time::Duration;
use wasmtime::{Engine, EngineWeak};

/// Owns the thread; dropping it ends the thread by the next tick.
#[derive(Debug)]
pub(super) struct Ticker {
    pub(super) beat: Arc<Beat>,
    shared: Arc<Shared>,
    thread: Thread,
}

/// While one of these lives, the epoch advances.
#[derive(Debug)]
pub(super) struct Running<'a>(&'a Ticker);

#[derive(Debug, Default)]
struct Shared {
    calls: [Calls; SHARDS],
    state: Wanted,
}

/// Calls running are `entered - left`, over all parts. Two counters that only grow also tell the
/// thread whether anything happened between two of its looks.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Calls {
    entered: AtomicU64,
    left: AtomicU64,
}

/// What is read at every call and seldom written.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Wanted {
    parked: AtomicBool,
    stopped: AtomicBool,
}

impl Shared {
    fn own(&self) -> &Calls {
        &self.calls[shards::own()]
    }

    fn entered(&self) -> u64 {
        self.calls.iter().map(|it| it.entered.load(SeqCst)).sum()
    }

    /// With calls that came while [`Shared::entered`] added up: so there may be more.
    fn left(&self) -> u64 {
        self.calls.iter().map(|it| it.left.load(SeqCst)).sum()
    }
}

impl Ticker {
    /// Starts the thread, which advances the epoch while calls run: every `slice` when some have
    /// to give way, and less often when none has, as [`Rhythm`] says. It holds the engine weakly
    /// and so never keeps it alive.
    ///
    /// # Errors
    /// The operating system may refuse another thread.
    pub(super) fn start(engine: &Engine, slice: Duration) -> io::Result<Ticker> {
        let (shared, beat) = (Arc::new(Shared::default()), Arc::new(Beat::default()));
        let (engine, its_shared) = (engine.weak(), Arc::clone(&shared));
        let its_beat = Arc::clone(&beat);
        let handle = thread::Builder::new()
            .name("guest-epoch".to_owned())
            .spawn(move || tick_until_stopped(&engine, &its_shared, &its_beat, slice))?;
        Ok(Ticker {
            beat,
            shared,
            thread: handle.thread().clone(),
        })
    }

    /// Announces a call. The returned guard ends it.
    pub(super) fn enter(&self) -> Running<'_> {
        self.shared.own().entered.fetch_add(1, SeqCst);
        // The thread sets `parked` and then looks at `entered`; this is the other way round, so
        // that one of the two always sees the other.
        let parked = &self.shared.state.parked;
        if parked.load(SeqCst) && parked.swap(false, SeqCst) {
            self.thread.unpark();
        }
        Running(self)
    }
}

#[cfg(test)]
impl Ticker {
    /// The calls that run at this moment, over all guests.
    pub(super) fn running(&self) -> u64 {
        let left = self.shared.left();
        self.shared.entered().saturating_sub(left)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.shared.own().left.fetch_add(1, SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.state.stopped.store(true, SeqCst);
        self.thread.unpark();
    }
}

/// The thread's whole life.
fn tick_until_stopped(engine: &EngineWeak, shared: &Shared, beat: &Beat, slice: Duration) {
    let mut rhythm = Rhythm::new(slice);
    let mut seen = 0;
    while !shared.state.stopped.load(SeqCst) {
        let entered = shared.entered();
        // What came since then shows when it parks, if it hid a call that runs.
        if entered == seen && shared.left() == entered {
            park_until_entered(shared, entered);
            continue;
        }
        seen = entered;
        thread::park_timeout(rhythm.wait());
        let Some(engine) = engine.upgrade() else {
            return;
        };
        rhythm.tick(beat);
        engine.increment_epoch();
    }
}

/// Parks until a call arrives that `entered` has not counted, or the ticker is dropped.
fn park_until_entered(shared: &Shared, entered: u64) {
    let Wanted { parked, stopped } = &shared.state;
    parked.store(true, SeqCst);
    while shared.entered() == entered && parked.load(SeqCst) && !stopped.load(SeqCst) {
        thread::park();
    }
    parked.store(false, SeqCst);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Waits, yielding, for something that another thread is about to do.
    fn eventually(mut condition: impl FnMut() -> bool) -> bool {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if condition() {
                return true;
            }
            thread::yield_now();
        }
        false
    }

    #[test]
    fn parks_when_nothing_runs_and_wakes_for_a_call() {
        let engine = Engine::default();
        let ticker = Ticker::start(&engine, Duration::from_micros(100)).unwrap();
        for _ in 0..20 {
            assert!(
                eventually(|| ticker.shared.state.parked.load(SeqCst)),
                "never parked"
            );
            let running = ticker.enter();
            assert!(
                !ticker.shared.state.parked.load(SeqCst),
                "a call must wake the thread"
            );
            drop(running);
        }
    }

    #[test]
    fn the_thread_ends_with_its_ticker_parked_or_not() {
        for running in [false, true] {
            let engine = Engine::default();
            let ticker = Ticker::start(&engine, Duration::from_micros(100)).unwrap();
            let shared = Arc::downgrade(&ticker.shared);
            if running {
                std::mem::forget(ticker.enter());
            } else {
                assert!(eventually(|| ticker.shared.state.parked.load(SeqCst)));
            }
            drop(ticker);
            assert!(
                eventually(|| shared.strong_count() == 0),
                "the thread still runs"
            );
        }
    }

    #[test]
    fn the_thread_ends_with_its_engine() {
        let engine = Engine::default();
        let ticker = Ticker::start(&engine, Duration::from_micros(100)).unwrap();
        std::mem::forget(ticker.enter());
        drop(engine);
        assert!(
            eventually(|| Arc::strong_count(&ticker.shared) == 1),
            "the thread still runs"
        );
    }
}
