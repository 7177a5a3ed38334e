//! Drives ways against a server, 40 connections at once, and judges what the clients saw. The ways
//! themselves are elsewhere.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::client::{self, Outcome};
use super::kernel::{self, Aborts};
use super::ways::Way;

/// How many clients go each way at once.
pub(super) const CLIENTS: usize = 40;
/// How long the server may take to let go of connections whose clients are gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of one way.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Clients that saw all they should.
    pub(super) ok: usize,
    /// Clients that saw a reset.
    pub(super) resets: usize,
    /// What the kernel counted meanwhile.
    pub(super) aborts: Aborts,
    /// What was wrong, if anything: the first client's complaint will do.
    pub(super) complaint: Option<String>,
}

impl Row {
    /// A way that nobody has gone yet.
    fn new(name: &'static str) -> Self {
        Self {
            name,
            ok: 0,
            resets: 0,
            aborts: Aborts::default(),
            complaint: None,
        }
    }

    /// Notes what was wrong.
    pub(super) fn complain(&mut self, complaint: String) {
        self.complaint.get_or_insert(complaint);
    }

    /// Whether every client saw what it should.
    pub(super) fn is_fine(&self) -> bool {
        self.ok == CLIENTS && self.resets == 0 && self.complaint.is_none()
    }

    fn add(&mut self, way: &Way, outcome: &Outcome) {
        self.resets += usize::from(outcome.saw_reset());
        match judge(way, outcome) {
            Ok(()) => self.ok += 1,
            Err(complaint) => self.complain(complaint),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            ok,
            resets,
            aborts,
            complaint,
        } = self;
        let Aborts { on_close, on_data } = aborts;
        write!(
            formatter,
            "{name:34} {ok:>3}/{CLIENTS} {resets:>6} {on_close:>8} {on_data:>7}"
        )?;
        match complaint {
            Some(complaint) => write!(formatter, "  {complaint}"),
            None => Ok(()),
        }
    }
}

/// What the columns of rows mean.
pub(super) const TITLE: &str = "way                                    ok  resets on_close on_data";

/// Has all clients go this way at once, completes `at_gate` when all of them wait at their gate,
/// and waits until the server let go of every connection.
pub(super) async fn drive(way: &Way, server: SocketAddr, at_gate: impl Future<Output = ()>) -> Row {
    let before = Aborts::read();
    let (mut row, outcomes) = go(way, server, at_gate).await;
    drop(outcomes);
    // Only then do the counters say all.
    if kernel::held_at_most(0, server.port(), PATIENCE)
        .await
        .is_none()
    {
        row.complain("the server still holds connections whose clients are gone".into());
    }
    row.aborts = Aborts::read() - before;
    row
}

/// Has all clients go this way and returns with what they saw, and the connections of those that
/// stay.
pub(super) async fn go(
    way: &Way,
    server: SocketAddr,
    at_gate: impl Future<Output = ()>,
) -> (Row, Vec<Outcome>) {
    let gate = Arc::new(Barrier::new(CLIENTS + 1));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (script, gate) = (way.script.clone(), Arc::clone(&gate));
        clients.spawn(async move { client::run(server, &script, gate).await });
    }
    let mut row = Row::new(way.name);
    if way.script.has_gate() {
        let opened = async {
            gate.wait().await;
            at_gate.await;
            gate.wait().await;
        };
        if tokio::time::timeout(PATIENCE, opened).await.is_err() {
            row.complain("some clients did not come as far as the gate".into());
        }
    }
    let mut outcomes = Vec::new();
    while let Some(joined) = clients.join_next().await {
        match joined {
            Ok(Ok(outcome)) => {
                row.add(way, &outcome);
                outcomes.push(outcome);
            }
            Ok(Err(error)) => row.complain(format!("cannot connect: {error}")),
            Err(panic) => row.complain(panic.to_string()),
        }
    }
    if let Err(complaint) = judge_all(way, &outcomes) {
        row.complain(complaint);
    }
    (row, outcomes)
}

/// Whether one client saw what it should: complete responses, then an end in good order.
fn judge(way: &Way, outcome: &Outcome) -> Result<(), String> {
    let mut errors = [&outcome.read_error, &outcome.write_error]
        .into_iter()
        .flatten();
    if let Some(error) = errors.next() {
        return Err(error.to_string());
    }
    if !outcome.rest.is_empty() {
        let rest = String::from_utf8_lossy(&outcome.rest);
        let (bytes, start) = (rest.len(), rest.chars().take(60).collect::<String>());
        return Err(format!(
            "{bytes} bytes that are no complete response: {start:?}"
        ));
    }
    let statuses: Vec<_> = outcome
        .responses
        .iter()
        .map(|response| response.status)
        .collect();
    let right = statuses.len() == way.answers.len()
        && statuses
            .iter()
            .zip(&way.answers)
            .all(|(status, right)| right.contains(status));
    if !right {
        return Err(format!(
            "statuses {statuses:?} instead of {:?}",
            way.answers
        ));
    }
    match (way.body_bytes, outcome.responses.last()) {
        (Some(bytes), Some(last)) if last.body.len() != bytes => Err(format!(
            "a body of {} bytes instead of {bytes}",
            last.body.len()
        )),
        _ => Ok(()),
    }
}

/// Whether the clients together saw what they should.
fn judge_all(way: &Way, outcomes: &[Outcome]) -> Result<(), String> {
    let Some(status) = way.seen else {
        return Ok(());
    };
    let mut responses = outcomes.iter().flat_map(|outcome| &outcome.responses);
    if responses.any(|response| response.status == status) {
        return Ok(());
    }
    Err(format!("nobody got {status}"))
}
