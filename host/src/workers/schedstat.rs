//! What the kernel counts of a thread: how long it ran, and how long it was ready to and waited for
//! a processor (Documentation/scheduler/sched-stats.rst of Linux).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

/// The counts of one thread.
#[derive(Debug)]
pub(super) struct Schedstat(File);

/// Since the thread began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) ran: Duration,
    pub(super) waited: Duration,
}

impl Schedstat {
    /// Those of this thread. None where there are no such files.
    pub(super) fn of_this_thread() -> Option<Schedstat> {
        File::open("/proc/thread-self/schedstat").ok().map(Self)
    }

    /// What is counted by now. None if nothing is.
    pub(super) fn read(&self) -> Option<Counts> {
        let mut text = [0; 64];
        let length = self.0.read_at(&mut text, 0).ok()?;
        counts(text.get(..length)?)
    }

    /// Those that a file has.
    #[cfg(test)]
    pub(super) fn in_file(file: File) -> Schedstat {
        Schedstat(file)
    }
}

/// The first two numbers, in nanoseconds. Without a first one nothing is counted.
fn counts(text: &[u8]) -> Option<Counts> {
    let text = std::str::from_utf8(text).ok()?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (ran, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (ran > 0).then(|| Counts {
        ran: Duration::from_nanos(ran),
        waited: Duration::from_nanos(waited),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_counts_are_read() {
        let some = Counts {
            ran: Duration::from_nanos(1_209_862),
            waited: Duration::from_nanos(3345),
        };
        assert_eq!(counts(b"1209862 3345 17\n"), Some(some));
        for other in ["", "1\n", "1 two 3\n", "0 0 0\n"] {
            assert_eq!(counts(other.as_bytes()), None, "{other}");
        }
    }
}
