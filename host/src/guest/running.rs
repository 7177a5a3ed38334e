//! How long a thread has run: a clock that stands still while the kernel lets it wait, so that a
//! busy machine does not make a quick guest look slow.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// What the clock counts from.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// This thread's own time, to be compared only with what the same thread got before.
pub(super) fn now() -> Instant {
    *ORIGIN + thread_time()
}

#[cfg(target_os = "linux")]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn thread_time() -> Duration {
    ORIGIN.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn it_goes_on_while_the_thread_runs_and_stands_still_while_it_does_not() {
        let start = now();
        while now() - start < Duration::from_millis(2) {}
        let before = now();
        if cfg!(target_os = "linux") {
            thread::sleep(Duration::from_millis(50));
            assert!(now() - before < Duration::from_millis(40));
        }
    }
}
