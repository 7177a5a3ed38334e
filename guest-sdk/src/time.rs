//! Clocks and waiting, for handlers that are an `async fn`. In a native test waiting takes no
//! time: the clock of [`testing`](crate::testing) jumps ahead.

use std::time::Duration;

#[cfg(target_family = "wasm")]
use crate::wasi::wasi::clocks::{monotonic_clock, system_clock};

/// Waits. The time counts against the request's deadline.
#[cfg(target_family = "wasm")]
pub async fn sleep(duration: Duration) {
    monotonic_clock::wait_for(nanoseconds(duration)).await;
}

/// Waits. The time counts against the request's deadline.
#[cfg(not(target_family = "wasm"))]
pub async fn sleep(duration: Duration) {
    crate::testing::sleep(duration).await;
}

/// A clock that never goes back, from a moment that has no meaning.
#[cfg(target_family = "wasm")]
#[must_use]
pub fn monotonic() -> Duration {
    Duration::from_nanos(monotonic_clock::now())
}

/// A clock that never goes back, from a moment that has no meaning.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub fn monotonic() -> Duration {
    crate::testing::now()
}

/// The time since the beginning of 1970, UTC; zero before that.
#[cfg(target_family = "wasm")]
#[must_use]
pub fn since_1970() -> Duration {
    let now = system_clock::now();
    let seconds = u64::try_from(now.seconds).unwrap_or_default();
    Duration::new(seconds, now.nanoseconds)
}

/// The time since the beginning of 1970, UTC; zero before that.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub fn since_1970() -> Duration {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default()
}

#[cfg(target_family = "wasm")]
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
