//! The swapping: two guests change their versions again and again, mostly because a reload is
//! asked for, in the end because the watcher notices.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::clients::WORDS;
use crate::lab::components::{self, deploy};
use crate::lab::control::Control;
use crate::lab::host::Host;
use crate::lab::namespace::wait_for;

/// The last swaps, for which no reload is asked.
pub(super) const WATCHED: u64 = 20;
/// Memory is compared with what it was after so many swaps: the host is warm then.
const WARM_AFTER: u64 = 10;
/// How long the watcher may take to notice.
const PATIENCE: Duration = Duration::from_secs(20);
/// The log is looked after every so many swaps.
const TRIM_EVERY: u64 = 20;
const GUESTS: [&str; 2] = ["live", "echo"];

/// The files that change, and what they change between.
pub(super) struct Versions {
    files: [PathBuf; 2],
    contents: [[Vec<u8>; 2]; 2],
}

/// The swapping, as far as it has got.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swapped {
    /// Of each guest.
    pub(super) swaps: u64,
    /// Resident memory after [`WARM_AFTER`] swaps and after the last.
    pub(super) resident_kib: [u64; 2],
    /// How long all of them took, without the pauses between rounds.
    pub(super) time: Duration,
    /// The longest a swap took from the files' renaming on, with a reload asked for.
    pub(super) longest: Duration,
}

impl Versions {
    /// Makes both versions of both guests and puts the first ones into `folder`.
    ///
    /// # Errors
    /// The guests are not built, or the system refuses.
    pub(super) fn prepare(folder: &Path) -> Result<Self> {
        let echo = components::built("echo")?;
        let noted = |word| components::with_note(echo.clone(), word);
        let versions = Self {
            files: GUESTS.map(|name| folder.join(name).with_extension("wasm")),
            contents: [
                [components::hello(WORDS[0])?, components::hello(WORDS[1])?],
                [noted(WORDS[0])?, noted(WORDS[1])?],
            ],
        };
        versions.put(0)?;
        Ok(versions)
    }

    /// Puts version 0 or 1 of both guests in place.
    fn put(&self, version: usize) -> Result<()> {
        for (file, contents) in self.files.iter().zip(&self.contents) {
            deploy(file, &contents[version])?;
        }
        Ok(())
    }
}

/// The sections of a configuration with both guests.
pub(super) fn sections() -> String {
    let guest = |name: &&str| {
        let (component, path) = (format!("{name}.wasm"), format!("/{name}"));
        crate::lab::host::guest(name, &component, &path, "")
    };
    GUESTS.iter().map(guest).collect()
}

/// Swaps both guests, one swap after the other, until `until` swaps are done of `swaps` in all.
///
/// # Errors
/// A reload fails, or does not lead to the next generation of each guest.
pub(super) fn go_on(
    host: &Host,
    versions: &Versions,
    swapped: &mut Swapped,
    until: u64,
    swaps: u64,
) -> Result<()> {
    let started = Instant::now();
    while swapped.swaps < until {
        let (swap, begun) = (swapped.swaps + 1, Instant::now());
        versions.put((swap % 2) as usize)?;
        if swap + WATCHED <= swaps {
            ask(&host.control, swap)?;
            swapped.longest = swapped.longest.max(begun.elapsed());
        } else {
            wait(&host.control, swap)?;
        }
        swapped.swaps = swap;
        if swap == WARM_AFTER {
            swapped.resident_kib[0] = host.resident_kib()?;
        }
        if swap % TRIM_EVERY == 0 {
            host.trim_log()?;
        }
    }
    swapped.resident_kib[1] = host.resident_kib()?;
    swapped.time += started.elapsed();
    Ok(())
}

fn ask(control: &Control, swap: u64) -> Result<()> {
    let outcome = control.reload()?;
    ensure!(outcome.ok, "swap {swap}: {outcome:?}");
    ensure!(
        serves(control, swap)?,
        "swap {swap}: reloaded, and the old one serves: {outcome:?}"
    );
    Ok(())
}

fn wait(control: &Control, swap: u64) -> Result<()> {
    let (mut served, mut failed) = (false, None);
    let unnoticed = format!("swap {swap}: the watcher has not noticed");
    wait_for(PATIENCE, &unnoticed, || {
        match serves(control, swap) {
            Ok(now) => served = now,
            Err(error) => failed = Some(error),
        }
        served || failed.is_some()
    })?;
    failed.map_or(Ok(()), Err)
}

/// Whether each guest has been swapped so often, and none was taken back.
fn serves(control: &Control, swap: u64) -> Result<bool> {
    let status = control.status()?;
    let mut all = true;
    for name in GUESTS {
        let guest = status.guest(name)?;
        ensure!(
            guest.rollbacks == 0 && guest.last_error.is_none(),
            "swap {swap}: {guest:?}"
        );
        ensure!(
            guest.generation <= swap + 1,
            "swapped too often: {guest:?} after {swap}"
        );
        all &= guest.generation == swap + 1;
    }
    Ok(all)
}
