//! `cargo xtask soak`: a long mixed load on the host, with faults and clients that leave in the
//! middle, and a look at its memory before and after. Nothing here measures how fast it is.

mod client;
mod load;
mod server;

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lexopt::{Arg, ValueExt};

use crate::setup::{self, Tool};
use crate::{guests, host, shell};
use load::{Counts, Load};
use server::Server;

/// The load comes in so many equal rounds with a rest after each. The first of them warms the host
/// up: pools, caches and buffers get their size.
const ROUNDS: u32 = 5;
/// How much more resident memory, in percent, may be held at the end than after the warm-up.
const GROWTH_PERCENT_MAX: u64 = 10;
/// How long the host rests before its memory is looked at.
const REST: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(200);
const REPORT_EVERY: Duration = Duration::from_secs(30);

/// When it is enough: whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Goal {
    minutes: f64,
    requests: u64,
}

impl Default for Goal {
    fn default() -> Self {
        Self {
            minutes: 10.0,
            requests: 1_000_000,
        }
    }
}

impl Goal {
    /// Reads the options of the task; none when it asks for help.
    ///
    /// # Errors
    /// Another option, or a number that is none.
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Option<Self>, lexopt::Error> {
        let mut goal = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("minutes") => goal.minutes = parser.value()?.parse()?,
                Arg::Long("requests") => goal.requests = parser.value()?.parse()?,
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        let sane = goal.minutes > 0.0 && goal.minutes < 100_000.0 && goal.requests > 0;
        sane.then_some(Some(goal))
            .ok_or_else(|| "minutes and requests must be more than none".into())
    }

    fn time(self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    fn part(self, parts: u32) -> Self {
        Self {
            minutes: self.minutes / f64::from(parts),
            requests: self.requests.div_ceil(u64::from(parts)),
        }
    }
}

/// Builds the host and loads it until `goal` is reached.
///
/// # Errors
/// A wrong answer, a host that does not end in good order, or one whose memory grew.
pub(crate) fn run(goal: Goal) -> Result<()> {
    setup::ensure_tools(&[Tool::Wrk])?;
    guests::build()?;
    let program = host::build()?;
    let server = Server::start(&program)?;
    let mut counts = Counts::default();
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        let resident = shell::step(&format!("Load, round {round} of {ROUNDS}"), || {
            load(&server, goal.part(ROUNDS), &mut counts)
        })?;
        eprintln!("    {resident}");
        rounds.push(resident.resting);
    }
    server.stop()?;
    println!("{counts}");
    judge(&rounds)
}

/// Compares what is held at the end with what was held after the warm-up.
fn judge(resting_kib: &[u64]) -> Result<()> {
    let (Some(before), Some(after)) = (resting_kib.first(), resting_kib.last()) else {
        bail!("nothing was measured");
    };
    let growth = (*after as f64 / *before as f64 - 1.0) * 100.0;
    let (from, to) = (mib(*before), mib(*after));
    println!("resident {from:.1} MiB after the warm-up, {to:.1} MiB at the end: {growth:+.1} %");
    println!("allowed are {GROWTH_PERCENT_MAX:+} %");
    if after * 100 > before * (100 + GROWTH_PERCENT_MAX) {
        bail!("the host's resident memory grew");
    }
    Ok(())
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// Resident memory in KiB.
#[derive(Clone, Copy, Debug)]
struct Resident {
    /// With nothing left to do.
    resting: u64,
    /// The most that was seen under load.
    peak: u64,
}

impl fmt::Display for Resident {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (resting, peak) = (mib(self.resting), mib(self.peak));
        write!(
            formatter,
            "resident {resting:.1} MiB at rest, up to {peak:.1} MiB under load"
        )
    }
}

fn load(server: &Server, goal: Goal, counts: &mut Counts) -> Result<Resident> {
    let started = Instant::now();
    let load = Load::start(server.address);
    let (mut peak, mut reported) = (0, started);
    while started.elapsed() < goal.time() && load.requests() < goal.requests && !load.has_failed() {
        thread::sleep(LOOK_EVERY);
        peak = peak.max(server.resident_kib()?);
        if reported.elapsed() > REPORT_EVERY {
            reported = Instant::now();
            eprintln!(
                "    {} requests, {} MiB resident",
                load.requests(),
                peak / 1024
            );
        }
    }
    counts.add(load.stop()?);
    thread::sleep(REST);
    let resting = server.resident_kib()?;
    Ok(Resident { resting, peak })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Option<Goal>, lexopt::Error> {
        Goal::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn goals() {
        assert_eq!(parsed(&[]).unwrap(), Some(Goal::default()));
        let goal = Goal {
            minutes: 0.5,
            requests: 7,
        };
        assert_eq!(
            parsed(&["--minutes", "0.5", "--requests=7"]).unwrap(),
            Some(goal)
        );
        let part = goal.part(2);
        assert_eq!((part.minutes, part.requests), (0.25, 4));
        assert_eq!(parsed(&["--help"]).unwrap(), None);
        for bad in [
            ["--minutes", "0"],
            ["--requests", "0"],
            ["--requests", "-1"],
            ["--hours", "1"],
        ] {
            assert!(parsed(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn memory_may_not_grow_by_more_than_a_tenth() {
        assert!(judge(&[100_000, 150_000, 110_000]).is_ok());
        assert!(judge(&[100_000, 90_000]).is_ok());
        assert!(judge(&[100_000, 90_000, 110_001]).is_err());
        assert!(judge(&[]).is_err());
    }
}
