//! The loads, each on a thread of its own until it is told to stop. Every answer is checked: one
//! that is wrong ends the soak.

use std::fmt;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail};

use super::client::Client;
use crate::shell;

/// The biggest body that is echoed, and every how many echoes one of that size is sent.
const BODY_BYTES_MAX: usize = 2 << 20;
const BIG_ONE_IN: u64 = 64;
const USUAL_BYTES_MAX: usize = 64 << 10;
/// Every how many aborted uploads nobody waits for the answer.
const LEAVES_ONE_IN: u64 = 4;

/// Every guest that misbehaves, and what its client is told.
const FAULTS: [(&str, u16); 11] = [
    ("/trap", 500),
    ("/spin-forever", 504),
    ("/memory-hog", 500),
    ("/stack-overflow", 500),
    ("/huge-response", 500),
    ("/crlf-field", 500),
    ("/bad-status", 500),
    ("/many-fields", 500),
    ("/framing-field", 500),
    ("/log-flood", 200),
    ("/slow", 200),
];

/// The kinds of load.
const KINDS: [(&str, Turn); 4] = [
    ("echo", echo),
    ("fault", fault),
    ("aborted upload", abort),
    ("half close", half_close),
];

/// One exchange of a kind. The client, if it is there, is one from the turn before; whoever leaves
/// it there passes it on.
type Turn = fn(SocketAddr, &mut Option<Client>, &mut Dice) -> Result<()>;

/// All loads, running.
pub(super) struct Load {
    shared: Arc<Shared>,
    greetings: JoinHandle<Result<()>>,
    threads: Vec<JoinHandle<Result<()>>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    failed: AtomicBool,
    greetings: AtomicU64,
    turns: [AtomicU64; KINDS.len()],
}

/// How many exchanges there were of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    greetings: u64,
    turns: [u64; KINDS.len()],
}

impl Counts {
    /// Adds those of another load.
    pub(super) fn add(&mut self, more: Self) {
        self.greetings += more.greetings;
        for (turns, more) in self.turns.iter_mut().zip(more.turns) {
            *turns += more;
        }
    }

    fn total(&self) -> u64 {
        self.greetings + self.turns.iter().sum::<u64>()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "requests {}: hello {}",
            self.total(),
            self.greetings
        )?;
        for ((kind, _), turns) in KINDS.iter().zip(self.turns) {
            write!(formatter, ", {kind} {turns}")?;
        }
        Ok(())
    }
}

impl Load {
    /// Starts all kinds of load on the host at `address`.
    pub(super) fn start(address: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let for_greetings = Arc::clone(&shared);
        let greetings =
            thread::spawn(move || for_greetings.watched(|shared| greet(address, shared)));
        let threads = (0..KINDS.len()).map(|kind| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.watched(|shared| shared.repeat(kind, address)))
        });
        Self {
            threads: threads.collect(),
            greetings,
            shared,
        }
    }

    /// How many requests were answered, or given up on purpose, so far.
    pub(super) fn requests(&self) -> u64 {
        self.shared.counts().total()
    }

    /// Whether one of the loads met a wrong answer.
    pub(super) fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Stops all of them.
    ///
    /// # Errors
    /// The first wrong answer.
    pub(super) fn stop(self) -> Result<Counts> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.into_iter().chain([self.greetings]) {
            thread.join().ok().context("a load panicked")??;
        }
        Ok(self.shared.counts())
    }
}

impl Shared {
    fn counts(&self) -> Counts {
        Counts {
            greetings: self.greetings.load(Ordering::Relaxed),
            turns: self
                .turns
                .each_ref()
                .map(|turns| turns.load(Ordering::Relaxed)),
        }
    }

    fn watched(&self, work: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        let result = work(self);
        self.failed.fetch_or(result.is_err(), Ordering::Relaxed);
        result
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }

    fn repeat(&self, kind: usize, address: SocketAddr) -> Result<()> {
        let (name, turn) = KINDS[kind];
        let (mut dice, mut client) = (Dice(kind as u64 + 1), None);
        while !self.is_over() {
            turn(address, &mut client, &mut dice).context(name)?;
            self.turns[kind].fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Has wrk ask for the greeting, second by second.
fn greet(address: SocketAddr, shared: &Shared) -> Result<()> {
    let url = format!("http://{address}/hello");
    while !shared.is_over() {
        let report = shell::output(Command::new("wrk").args(["-t1", "-c16", "-d2s", &url]))?;
        if report.contains("Socket errors") || report.contains("Non-2xx") {
            bail!("wrk: {report}");
        }
        let before = report.split(" requests in ").next().unwrap_or_default();
        let count = before.split_whitespace().last().unwrap_or_default();
        let count = count.parse().with_context(|| format!("wrk: {report}"))?;
        shared.greetings.fetch_add(count, Ordering::Relaxed);
    }
    Ok(())
}

/// Sends a body of any size and gets it back.
fn echo(address: SocketAddr, client: &mut Option<Client>, dice: &mut Dice) -> Result<()> {
    let bytes = match dice.below(BIG_ONE_IN) {
        0 => BODY_BYTES_MAX,
        _ => dice.below(USUAL_BYTES_MAX as u64) as usize,
    };
    let body = vec![dice.below(256) as u8; bytes];
    let mut connection = kept(client, address)?;
    connection.send("/echo", bytes, &body)?;
    let response = connection.receive()?;
    if response.status != 200 || response.body != body {
        bail!(
            "{bytes} bytes came back as {} with {}",
            response.status,
            response.body.len()
        );
    }
    *client = (!response.closes).then_some(connection);
    Ok(())
}

/// Calls a guest that misbehaves.
fn fault(address: SocketAddr, client: &mut Option<Client>, dice: &mut Dice) -> Result<()> {
    let (path, status) = FAULTS[dice.below(FAULTS.len() as u64) as usize];
    let mut connection = kept(client, address)?;
    connection.send(path, 0, &[])?;
    let response = connection.receive().context(path)?;
    if response.status != status {
        bail!("{path}: {} instead of {status}", response.status);
    }
    *client = (!response.closes).then_some(connection);
    Ok(())
}

/// Gives up in the middle of an upload: now and then it just leaves, else it reads what it is told.
fn abort(address: SocketAddr, _: &mut Option<Client>, dice: &mut Dice) -> Result<()> {
    let part = dice.below(USUAL_BYTES_MAX as u64) as usize;
    let mut connection = Client::connect(address)?;
    connection.send("/echo", BODY_BYTES_MAX, &vec![0; part])?;
    if dice.below(LEAVES_ONE_IN) == 0 {
        return Ok(());
    }
    connection.half_close()?;
    let response = connection.receive()?;
    if response.status != 400 {
        bail!("half a request: {} instead of 400", response.status);
    }
    connection.expect_end()
}

/// Closes its side after the request and reads to the end.
fn half_close(address: SocketAddr, _: &mut Option<Client>, dice: &mut Dice) -> Result<()> {
    let bytes = dice.below(USUAL_BYTES_MAX as u64) as usize;
    let mut connection = Client::connect(address)?;
    connection.send("/echo", bytes, &vec![1; bytes])?;
    connection.half_close()?;
    let response = connection.receive()?;
    if response.status != 200 || response.body.len() != bytes {
        bail!(
            "{bytes} bytes came back as {} with {}",
            response.status,
            response.body.len()
        );
    }
    connection.expect_end()
}

/// The client of the turn before, or a new one.
fn kept(client: &mut Option<Client>, address: SocketAddr) -> Result<Client> {
    match client.take() {
        Some(client) => Ok(client),
        None => Client::connect(address),
    }
}

/// Numbers in no order, the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up() {
        let mut counts = Counts {
            greetings: 1,
            turns: [2; KINDS.len()],
        };
        counts.add(counts);
        assert_eq!(
            counts,
            Counts {
                greetings: 2,
                turns: [4; KINDS.len()]
            }
        );
        assert_eq!(counts.total(), 18);
    }

    #[test]
    fn dice_fall_on_every_side() {
        let mut dice = Dice(1);
        let sides: std::collections::HashSet<_> = (0..1000).map(|_| dice.below(11)).collect();
        assert_eq!(sides.len(), 11);
    }
}
