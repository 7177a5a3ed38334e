//! Clients that leave while their guest spins: how long until its instance is free.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use socket2::SockRef;

use super::SPINNERS;
use super::spinners::{Spinners, now_running, wait_until_running};
use crate::lab::bounds::Bounds;
use crate::lab::host::Host;
use crate::lab::http::Client;
use crate::lab::wrk::median;
use crate::shell;

/// How often each client leaves.
const RUNS: usize = 20;
/// How long it takes at most until the instance is free.
const FREE_MAX: Duration = Duration::from_millis(100);
/// How long its request runs before.
const RUN: Duration = Duration::from_millis(30);
/// Past this the lab gives up.
const PATIENCE: Duration = Duration::from_secs(20);
/// A guest with a deadline longer than the lab.
const GUEST: &str = "spin-on";

/// How a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It closes its socket: a FIN.
    Close,
    /// It closes its socket and throws away what is on the way: a RST.
    Reset,
}

/// How long it took each time.
#[derive(Debug)]
pub(super) struct Leaving {
    way: Way,
    /// How many others the guest had to run.
    others: u32,
    times: Vec<Duration>,
}

/// Measures.
///
/// # Errors
/// The host fails.
pub(super) fn measure(host: &Host) -> Result<Vec<Leaving>> {
    let mut results = Vec::new();
    for others in [0, SPINNERS - 1] {
        let spinners = Spinners::start(host, GUEST, others)?;
        for way in [Way::Close, Way::Reset] {
            let what = format!(
                "Leave a spinning guest among {others} others: {}",
                way.shown()
            );
            let times = shell::step(&what, || {
                (0..RUNS)
                    .map(|_| leave(host, others, way))
                    .collect::<Result<Vec<_>>>()
            })?;
            results.push(Leaving { way, others, times });
        }
        spinners.stop()?;
    }
    Ok(results)
}

/// Lets one client ask and leave, and waits until its request does not run any more.
fn leave(host: &Host, others: u32, way: Way) -> Result<Duration> {
    let mut client = Client::connect(host.address)?;
    client.get(&format!("/{GUEST}"))?;
    wait_until_running(&host.control, GUEST, others + 1)?;
    // Long enough for it to have overrun its slice.
    thread::sleep(RUN);
    if way == Way::Reset {
        SockRef::from(client.stream()).set_linger(Some(Duration::ZERO))?;
    }
    let left = Instant::now();
    drop(client);
    while now_running(&host.control, GUEST)? != u64::from(others) {
        ensure!(
            left.elapsed() < PATIENCE,
            "the instance is not free after {PATIENCE:?}"
        );
        thread::sleep(Duration::from_millis(1));
    }
    Ok(left.elapsed())
}

/// The results as Markdown.
pub(super) fn table(results: &[Leaving]) -> String {
    let mut table = String::from(
        "| others that spin | the client | free after, median | worst |\n\
         | --- | --- | --- | --- |\n",
    );
    for result in results {
        table.push_str(&format!(
            "| {} | {} | {:.1?} | {:.1?} |\n",
            result.others,
            result.way.shown(),
            median(result.times.iter().copied()),
            result.worst(),
        ));
    }
    table
}

/// Demands what the lab is for.
pub(super) fn demand(results: &[Leaving], bounds: &mut Bounds) {
    for result in results {
        let Leaving { way, others, .. } = result;
        let name = format!(
            "ms until the instance is free, {}, {others} others",
            way.shown()
        );
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        bounds.at_most(&name, ms(result.worst()), ms(FREE_MAX));
    }
}

impl Leaving {
    fn worst(&self) -> Duration {
        self.times.iter().max().copied().unwrap_or_default()
    }
}

impl Way {
    fn shown(self) -> &'static str {
        match self {
            Self::Close => "closes (FIN)",
            Self::Reset => "resets (RST)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_time_counts() {
        let times = [10, 100, 20].map(Duration::from_millis).to_vec();
        let mut results = [Leaving {
            way: Way::Reset,
            others: 3,
            times,
        }];
        assert!(table(&results).contains("| 3 | resets (RST) | 20.0ms | 100.0ms |"));
        let mut bounds = Bounds::default();
        demand(&results, &mut bounds);
        assert!(bounds.are_met());
        results[0].times.push(Duration::from_millis(101));
        demand(&results, &mut bounds);
        assert!(bounds.judge().is_err());
    }
}
