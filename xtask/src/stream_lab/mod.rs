//! `cargo xtask stream-lab`: bodies of 2 GiB through a guest that sends them back, with clients
//! that are fast and slow, and many clients that listen to events: whether every byte comes back,
//! what it takes of the host's memory, and what the kernel counts. Writes docs/streaming.md.

mod exchange;
mod listeners;
mod noise;
mod options;
mod response;

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::lab::bounds::Bounds;
use crate::lab::counters::Counters;
use crate::lab::host::{self as lab_host, Host};
use crate::lab::{document, machine, namespace};
use crate::setup::{self, Tool};
use crate::{guests, host, project, shell};
use exchange::{Done, Exchange, SLOW_FOR};
use listeners::{CLIENTS, Listeners, Tally};
use noise::{BLOCK, Digested};
use options::{Options, Part};

/// What goes through before memory is first looked at.
const WARM_UP: u64 = 1 << 20;
/// How often the speed is measured; the median counts.
const SPEED_RUNS: usize = 5;
/// How much more memory the host may have at any moment than before the body.
const GROWTH_MIB_MAX: f64 = 32.0;
/// What one who listens may take of the host's memory, an instance of its own included.
const LISTENER_MIB_MAX: f64 = 1.0;
/// How much more there may be near the end of the listening than near its beginning.
const LISTENING_GROWTH_MIB_MAX: f64 = 8.0;
/// When that is measured, from the start and from the end.
const SETTLED: Duration = Duration::from_secs(10);
/// Closes with bytes unread, and data that came after a close: each may cost a client a response.
const ABORTS: [&str; 2] = ["TCPAbortOnClose", "TCPAbortOnData"];
const TEMPLATE: &str = include_str!("streaming.template.md");

/// All that was found.
#[derive(Debug, Default)]
struct Found {
    bodies: Vec<Streamed>,
    listened: Option<Listened>,
}

/// A body, or several one after the other, that went through a host of its own.
#[derive(Debug)]
struct Streamed {
    name: &'static str,
    done: Done,
    /// What the digest has to be; nothing where nobody looks.
    expected: Option<Digested>,
    cost: Cost,
}

/// What the clients of server-sent events heard.
#[derive(Debug)]
struct Listened {
    tally: Tally,
    /// MiB that the host had, when all were settled and shortly before the end.
    settled: [f64; 2],
    cost: Cost,
}

/// What something cost the host.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// MiB before, and at most meanwhile.
    before: f64,
    peak: f64,
    processor: Duration,
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
    setup::ensure_tools(&[Tool::Ip, Tool::Unshare])?;
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
    let start = || Host::start(binary, folder.path(), &sections());
    let found = measure(options, &start)?;
    let lines = found.lines();
    println!("{lines}");
    let bounds = found.bounds();
    if bounds.are_met() && options.is_complete() {
        let values = [
            ("day", machine::day()?),
            ("kernel", machine::kernel()?),
            ("processors", machine::processors()),
            (
                "host",
                shell::output(std::process::Command::new(binary).arg("--version"))?,
            ),
            ("results", lines),
        ];
        document::write(
            &project::root().join("docs/streaming.md"),
            TEMPLATE,
            &values,
        )?;
    }
    bounds.judge()
}

/// Two guests, with bounds that a large body needs more than the defaults.
fn sections() -> String {
    let guest = |name: &str, path: &str| {
        let component = project::root().join(format!("guests/dist/{name}.wasm"));
        let component = component.display().to_string();
        lab_host::guest(
            name,
            &component,
            path,
            "deadline = \"1h\"\nmemory_max = \"16MiB\"",
        )
    };
    let limits = "[limits]\nbody_max = \"1024GiB\"\n".to_owned();
    limits + &guest("streaming-echo", "/echo") + &guest("sse-clock", "/clock")
}

fn measure(options: &Options, start: &dyn Fn() -> Result<Host>) -> Result<Found> {
    let size = options.size;
    let mut found = Found::default();
    let known = Exchange::fast(size, false);
    let exchanges = [
        (Part::Length, "length told", known),
        (Part::Chunked, "in chunks", Exchange::fast(size, true)),
        (
            Part::SlowReader,
            "slow reader",
            Exchange {
                slow_reader: SLOW_FOR,
                ..known
            },
        ),
        (
            Part::SlowWriter,
            "slow writer",
            Exchange {
                slow_writer: SLOW_FOR,
                ..Exchange::fast(size, true)
            },
        ),
        (
            Part::Speed,
            "nobody looks",
            Exchange {
                unseen: true,
                ..Exchange::fast((size / 2).max(BLOCK as u64), false)
            },
        ),
    ];
    let expected = noise::digest(size);
    for (part, name, exchange) in exchanges {
        if options.wants(part) {
            let what = format!("{} MiB, {name}", exchange.size >> 20);
            let streamed = shell::step(&what, || stream(name, exchange, expected, start))?;
            found.bodies.push(streamed);
        }
    }
    if options.wants(Part::Listeners) {
        let what = format!("{CLIENTS} clients listen");
        found.listened = Some(shell::step(&what, || listen(start))?);
    }
    Ok(found)
}

fn stream(
    name: &'static str,
    exchange: Exchange,
    expected: Digested,
    start: &dyn Fn() -> Result<Host>,
) -> Result<Streamed> {
    let host = start()?;
    Exchange::fast(WARM_UP, exchange.chunked).run(host.address, "/echo")?;
    let runs = if exchange.unseen { SPEED_RUNS } else { 1 };
    let (mut done, cost) = costing(&host, || {
        let run = |_| exchange.run(host.address, "/echo");
        (0..runs).map(run).collect::<Result<Vec<Done>>>()
    })?;
    host.stop()?;
    done.sort_by_key(|done| done.time);
    Ok(Streamed {
        name,
        done: done[done.len() / 2],
        expected: (!exchange.unseen).then_some(expected),
        cost: Cost {
            processor: cost.processor / runs as u32,
            ..cost
        },
    })
}

fn listen(start: &dyn Fn() -> Result<Host>) -> Result<Listened> {
    let host = start()?;
    Exchange::fast(WARM_UP, false).run(host.address, "/echo")?;
    let ((tally, settled), cost) = costing(&host, || {
        let listeners = Listeners::start(host.address, "/clock")?;
        thread::sleep(SETTLED);
        let early = mib(host.resident_kib()?);
        thread::sleep(Listeners::time().saturating_sub(2 * SETTLED));
        let late = mib(host.resident_kib()?);
        Ok((listeners.finish(), [early, late]))
    })?;
    host.stop()?;
    Ok(Listened {
        tally,
        settled,
        cost,
    })
}

/// Does `work`, and says what that cost the host.
fn costing<T>(host: &Host, work: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
    host.forget_peak()?;
    let (before, counters) = (mib(host.resident_kib()?), Counters::read()?);
    let (processor, others) = (host.processor_time()?, host.watch_others()?);
    let worked =
        work().with_context(|| format!("the host's log: {}", host.complaints().join("\n")))?;
    let counted = Counters::read()?;
    let cost = Cost {
        before,
        peak: mib(host.peak_kib()?),
        processor: host.processor_time()?.saturating_sub(processor),
        aborts: ABORTS.map(|name| counted.grown(name, &counters)),
        others_percent: others.percent()?,
    };
    Ok((worked, cost))
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

impl Cost {
    fn growth(&self) -> f64 {
        self.peak - self.before
    }

    /// What of its processor time the host needed for each GiB.
    fn processor_per_gib(&self, bytes: u64) -> f64 {
        self.processor.as_secs_f64() * f64::from(1 << 30) / bytes as f64
    }
}

impl Found {
    /// The results as Markdown.
    fn lines(&self) -> String {
        let mut lines = String::new();
        if !self.bodies.is_empty() {
            lines += "| body | MiB | time | MiB/s | processor per GiB | memory before | growth | \
                      under way at most | others |\n\
                      | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
            lines.extend(self.bodies.iter().map(Streamed::row));
            let looked_at = |body: &&Streamed| body.expected.is_some();
            let seen: Vec<_> = self.bodies.iter().filter(looked_at).collect();
            let same = seen.iter().filter(|body| body.is_same()).count();
            let [on_close, on_data] = self.aborts();
            lines += &format!(
                "\n- SHA-256 of what was sent and of what came back: the same for {same} of {} \
                 bodies\n- the kernel counted: TCPAbortOnClose {on_close}, TCPAbortOnData \
                 {on_data}\n",
                seen.len(),
            );
        }
        if let Some(listened) = &self.listened {
            lines += &listened.lines();
        }
        lines
    }

    fn aborts(&self) -> [u64; 2] {
        let bodies = self.bodies.iter().map(|body| body.cost.aborts);
        let listened = self.listened.iter().map(|listened| listened.cost.aborts);
        bodies.chain(listened).fold([0, 0], |sum, aborts| {
            [sum[0] + aborts[0], sum[1] + aborts[1]]
        })
    }

    fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::default();
        for body in &self.bodies {
            let name = format!("MiB that the host's memory grew, {}", body.name);
            bounds.at_most(&name, body.cost.growth(), GROWTH_MIB_MAX);
        }
        let different = self.bodies.iter().filter(|body| !body.is_same()).count();
        bounds.none("bodies that came back different", different as u64);
        for (name, count) in ABORTS.iter().zip(self.aborts()) {
            bounds.none(name, count);
        }
        if let Some(listened) = &self.listened {
            for failure in &listened.tally.described {
                println!("failed: {failure}");
            }
            bounds.none(
                "clients that did not hear every event",
                listened.tally.failed,
            );
            let each = listened.cost.growth() / CLIENTS as f64;
            bounds.at_most(
                "MiB of the host for one who listens",
                each,
                LISTENER_MIB_MAX,
            );
            let [early, late] = listened.settled;
            let name = "MiB that the host's memory grew while all listened";
            bounds.at_most(name, late - early, LISTENING_GROWTH_MIB_MAX);
        }
        bounds
    }
}

impl Streamed {
    fn is_same(&self) -> bool {
        self.done.digest == self.expected
    }

    fn row(&self) -> String {
        let Self {
            name, done, cost, ..
        } = self;
        format!(
            "| {name} | {} | {:.1} s | {:.0} | {:.2} s | {:.1} MiB | {:.1} MiB | {:.1} MiB | \
             {:.0} % |\n",
            done.received >> 20,
            done.time.as_secs_f64(),
            done.rate(),
            cost.processor_per_gib(done.received),
            cost.before,
            cost.growth(),
            mib(done.ahead >> 10),
            cost.others_percent,
        )
    }
}

impl Listened {
    fn lines(&self) -> String {
        let Self {
            tally,
            settled: [early, late],
            cost,
        } = self;
        format!(
            "- {CLIENTS} clients of server-sent events for a minute: {} events, {} clients that \
             missed one; the longest time between two events at one client was {:.0?}\n\
             - memory meanwhile: {:.1} MiB before, {early:.1} MiB when all listened, {late:.1} MiB \
             near the end, {:.1} MiB at most; {:.2} s of processor time\n",
            tally.events,
            tally.failed,
            tally.longest_gap,
            cost.before,
            cost.peak,
            cost.processor.as_secs_f64(),
        )
    }
}

#[cfg(test)]
mod tests;
