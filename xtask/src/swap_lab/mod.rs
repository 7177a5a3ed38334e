//! `cargo xtask swap-lab`: 1,000 swaps of two guests while wrk, uploads and clients that check
//! every byte go on; what fails, how slow it gets, what it leaves in memory, and what the kernel
//! counts. Writes docs/swapping.md.

mod clients;
mod options;
mod swaps;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::lab::bounds::Bounds;
use crate::lab::control::Status;
use crate::lab::counters::Counters;
use crate::lab::host::{self as lab_host, Host};
use crate::lab::namespace::{self, wait_for};
use crate::lab::wrk::{Report, Wrk, median};
use crate::lab::{document, machine};
use crate::setup::{self, Tool};
use crate::{guests, host, project, shell};
use clients::{Clients, Tally};
use options::Options;
use swaps::{Swapped, Versions};

/// wrk's connections, which stay open.
const CONNECTIONS: u32 = 64;
/// Load without swaps and load with them come in turns, so that what else the machine does meets
/// both.
const ROUNDS: u64 = 5;
const STEADY_SECONDS: u32 = 6;
/// The longest that the swapping of one round may take.
const SWAPPING_SECONDS_MAX: u32 = 900;
/// How long the host may need to see that wrk has gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much higher the 99th percentile may be while guests are swapped.
const P99_RATIO_MAX: f64 = 2.0;
/// How much more memory, in percent, there may be after the last swap than after the tenth.
const GROWTH_PERCENT_MAX: f64 = 10.0;
/// Closes with bytes unread, and data that came after a close: each may cost a client a response.
const ABORTS: [&str; 2] = ["TCPAbortOnClose", "TCPAbortOnData"];
const TEMPLATE: &str = include_str!("swapping.template.md");

/// All that was found.
#[derive(Debug, Default)]
struct Found {
    rounds: Vec<Round>,
    swapped: Swapped,
    tally: Tally,
}

/// What was found in one round.
#[derive(Debug)]
struct Round {
    steady: Report,
    swapping: Report,
    /// The checking clients' requests while guests were swapped.
    checked: u64,
    /// What of [`ABORTS`] the kernel counted meanwhile.
    aborts: [u64; 2],
    /// How much of the machine others used, in percent.
    others_percent: f64,
}

/// Runs the lab with the arguments of this process.
///
/// # Errors
/// A tool is missing, the lab cannot do its work, or one of its bounds is missed.
pub(crate) fn run() -> Result<()> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    if options.help {
        print!("{}", options::HELP);
        return Ok(());
    }
    if options.inside {
        return run_inside(&options);
    }
    // The namespace has no way out, and apt and cargo need one: install and build first.
    setup::ensure_tools(&[Tool::Ip, Tool::Unshare, Tool::Wrk])?;
    guests::build()?;
    if options.host_binary.is_some() {
        return namespace::enter(&[]);
    }
    let binary = host::build()?;
    namespace::enter(&[Path::new("--host-binary"), &binary])
}

fn run_inside(options: &Options) -> Result<()> {
    namespace::loopback_up()?;
    let binary = options.host_binary.as_deref().context("no --host-binary")?;
    let folder = lab_host::folder()?;
    let versions = Versions::prepare(folder.path())?;
    let host = Host::start(binary, folder.path(), &swaps::sections())?;
    let found = measure(&host, &versions, options.swaps)
        .with_context(|| format!("the host's log: {}", host.complaints().join("\n")))?;
    host.stop()?;
    let lines = found.lines();
    println!("{lines}");
    let bounds = found.bounds();
    if bounds.are_met() && options.swaps == options::SWAPS {
        let values = [
            ("day", machine::day()?),
            ("kernel", machine::kernel()?),
            ("processors", machine::processors()),
            ("wrk", machine::wrk()?),
            ("results", lines),
        ];
        document::write(&project::root().join("docs/swapping.md"), TEMPLATE, &values)?;
    }
    bounds.judge()
}

fn measure(host: &Host, versions: &Versions, swaps: u64) -> Result<Found> {
    let clients = Clients::start(host.address)?;
    let mut found = Found::default();
    for round in 1..=ROUNDS {
        let until = swaps * round / ROUNDS;
        let others = host.watch_others()?;
        let steady = Wrk::start(host.address, "/live", CONNECTIONS, STEADY_SECONDS)?.finish()?;
        wait_until_gone(host, &clients)?;
        let wrk = Wrk::start(host.address, "/live", CONNECTIONS, SWAPPING_SECONDS_MAX)?;
        let (counters, requests) = (Counters::read()?, clients.requests());
        shell::step(&format!("Load with swaps up to {until} of {swaps}"), || {
            swaps::go_on(host, versions, &mut found.swapped, until, swaps)
        })?;
        let checked = clients.requests() - requests;
        // While wrk still runs: it leaves with answers unread, and the kernel counts that, too.
        let counted = Counters::read()?;
        let swapping = wrk.end()?;
        let others_percent = others.percent()?;
        eprintln!("    others used {others_percent:.0} % of the machine");
        found.rounds.push(Round {
            steady,
            swapping,
            checked,
            aborts: ABORTS.map(|name| counted.grown(name, &counters)),
            others_percent,
        });
    }
    found.tally = clients.stop()?;
    Ok(found)
}

/// Waits until the host knows that wrk has gone, which leaves with answers on their way to it: the
/// kernel counts these.
fn wait_until_gone(host: &Host, clients: &Clients) -> Result<()> {
    let mut status = host.control.status();
    wait_for(PATIENCE, "wrk's connections are open", || {
        status = host.control.status();
        let gone = |status: &Status| status.connections() <= clients.connections_max();
        status.as_ref().map_or(true, gone)
    })?;
    status.map(drop)
}

impl Found {
    /// The 99th percentiles without and with swaps: medians of all rounds.
    fn p99(&self) -> [Duration; 2] {
        [
            median(self.rounds.iter().map(|round| round.steady.p99)),
            median(self.rounds.iter().map(|round| round.swapping.p99)),
        ]
    }

    fn p99_ratio(&self) -> f64 {
        let [steady, swapping] = self.p99();
        swapping.as_secs_f64() / steady.as_secs_f64()
    }

    fn growth_percent(&self) -> f64 {
        let [warm, last] = self.swapped.resident_kib.map(|kib| kib as f64);
        (last - warm) * 100.0 / warm
    }

    fn aborts(&self) -> [u64; 2] {
        [0, 1].map(|which| self.rounds.iter().map(|round| round.aborts[which]).sum())
    }

    /// The results as Markdown.
    fn lines(&self) -> String {
        let rows: String = (1..).zip(&self.rounds).map(Round::row).collect();
        let [steady, swapping] = self.p99();
        let by_wrk: u64 = self
            .rounds
            .iter()
            .map(|round| round.swapping.requests)
            .sum();
        let checked: u64 = self.rounds.iter().map(|round| round.checked).sum();
        let Swapped {
            swaps,
            time,
            longest,
            ..
        } = self.swapped;
        let [warm, last] = self.swapped.resident_kib.map(|kib| kib as f64 / 1024.0);
        let [on_close, on_data] = self.aborts();
        format!(
            "| round | | requests/s | p50 | p99 | slowest | others |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n{rows}\n\
             - {swaps} swaps of each of two guests in {:.0} s, the last {} of them noticed by the \
             watcher; with a reload asked for, the longest took {longest:.0?}\n\
             - {by_wrk} requests during the swaps by wrk, {checked} by clients that check every \
             byte; {} failed\n\
             - p99, median of the rounds: {steady:.2?} without and {swapping:.2?} during swaps, \
             {:.2} times as much\n\
             - resident memory: {warm:.1} MiB after the 10th swap, {last:.1} MiB after the last \
             ({:+.1} %)\n\
             - the kernel counted: TCPAbortOnClose {on_close}, TCPAbortOnData {on_data}\n",
            time.as_secs_f64(),
            swaps::WATCHED,
            self.tally.failed,
            self.p99_ratio(),
            self.growth_percent(),
        )
    }

    fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::default();
        for failure in &self.tally.described {
            println!("failed: {failure}");
        }
        bounds.none(
            "requests of the checking clients that failed",
            self.tally.failed,
        );
        let reports = self
            .rounds
            .iter()
            .flat_map(|round| [&round.steady, &round.swapping]);
        let problems: Vec<_> = reports.flat_map(|report| &report.problems).collect();
        for problem in &problems {
            println!("wrk: {problem}");
        }
        bounds.none("kinds of errors that wrk reports", problems.len() as u64);
        for (name, count) in ABORTS.iter().zip(self.aborts()) {
            bounds.none(name, count);
        }
        bounds.at_most(
            "p99 during the swaps to p99 without",
            self.p99_ratio(),
            P99_RATIO_MAX,
        );
        bounds.at_most(
            "growth of memory in percent",
            self.growth_percent(),
            GROWTH_PERCENT_MAX,
        );
        bounds
    }
}

impl Round {
    fn row((number, round): (u32, &Self)) -> String {
        let row = |what: &str, report: &Report| {
            let Report {
                p50,
                p99,
                max,
                per_second,
                ..
            } = report;
            format!(
                "| {number} | {what} | {per_second:.0} | {p50:.2?} | {p99:.2?} | {max:.2?} | \
                 {:.0} % |\n",
                round.others_percent,
            )
        };
        row("without swaps", &round.steady) + &row("with swaps", &round.swapping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(p99_ms: u64) -> Report {
        let p99 = Duration::from_millis(p99_ms);
        Report {
            p50: p99 / 2,
            p99,
            max: p99 * 2,
            requests: 100,
            per_second: 10.0,
            problems: Vec::new(),
        }
    }

    fn found() -> Found {
        let round = |steady, swapping| Round {
            steady: report(steady),
            swapping: report(swapping),
            checked: 7,
            aborts: [0; 2],
            others_percent: 1.0,
        };
        Found {
            rounds: vec![round(4, 8), round(3, 90), round(40, 7)],
            swapped: Swapped {
                swaps: 1000,
                resident_kib: [10_000, 11_000],
                ..Swapped::default()
            },
            tally: Tally::default(),
        }
    }

    #[test]
    fn a_run_within_all_bounds_passes() {
        let found = found();
        assert!((found.p99_ratio() - 2.0).abs() < 1e-9);
        assert!(found.bounds().judge().is_ok());
        let document = document::fill(
            TEMPLATE,
            &["day", "kernel", "processors", "wrk", "results"].map(|name| (name, found.lines())),
        );
        let document = document.unwrap();
        assert!(document.contains("4.00ms without and 8.00ms during swaps, 2.00 times"));
        assert!(document.contains("300 requests during the swaps by wrk, 21 by clients"));
    }

    #[test]
    fn each_bound_can_be_missed() {
        let worse: [fn(&mut Found); 6] = [
            |found| found.rounds[0].swapping.p99 *= 2,
            |found| found.swapped.resident_kib[1] += 1,
            |found| found.tally.failed = 1,
            |found| found.rounds[2].steady.problems = vec!["Socket errors".to_owned()],
            |found| found.rounds[1].aborts[0] = 1,
            |found| found.rounds[2].aborts[1] = 1,
        ];
        for make_worse in worse {
            let mut found = found();
            make_worse(&mut found);
            assert!(found.bounds().judge().is_err());
        }
    }
}
