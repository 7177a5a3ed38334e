//! How many processors there are for this process. To find out takes the reading of several files,
//! which a program that starts in milliseconds need not do at each place that wants to know; and a
//! thread that is bound to one processor would be told that it is the only one.

use std::sync::OnceLock;
use std::thread;

/// As many as could be used when this was asked for the first time; at least 1.
pub(crate) fn count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}
