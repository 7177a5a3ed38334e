//! What one case measured: tallies over its repetitions, one connection in full, and the
//! verdict. Pure but for [`Lab`], which holds the capture that cases are measured with.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};

use super::{
    capture::Capture,
    client::{self, Outcome, Request, Run},
    counters::Counters,
    namespace::wait_until_quiet,
    packets::{Conversation, Side, conversations},
};

/// How long the kernel may need to be done with the connections of a case.
const PATIENCE: Duration = Duration::from_secs(20);

/// Counters that changed, and by how much.
type Counted = Vec<(String, u64)>;

/// How often each distinct thing was seen, most frequent first in [`Tally::rows`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(BTreeMap<String, usize>);

impl Tally {
    /// Counts `what` once more.
    pub(crate) fn add(&mut self, what: String) {
        *self.0.entry(what).or_default() += 1;
    }

    /// What was seen and how often.
    pub(crate) fn rows(&self) -> Vec<(&str, usize)> {
        let mut rows: Vec<_> = self
            .0
            .iter()
            .map(|(what, count)| (what.as_str(), *count))
            .collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rows
    }
}

/// The result of one case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured {
    /// What names the case in the document's template.
    pub(crate) id: &'static str,
    /// The case in a few words.
    pub(crate) title: &'static str,
    /// Connections measured.
    pub(crate) runs: usize,
    /// How it ended for the client, in a few words.
    pub(crate) outcomes: Tally,
    /// What the client saw, in full.
    pub(crate) seen: Tally,
    /// The order of FIN and RST.
    pub(crate) closing: Tally,
    /// Connections on which the server sent a RST.
    pub(crate) server_resets: usize,
    /// Responses that did not arrive whole, or that the client gave up on.
    pub(crate) responses_lost: usize,
    /// One connection in full: the first of those that ended worst.
    pub(crate) timeline: Vec<String>,
    /// What the kernel counted over all of them.
    pub(crate) counters: Counted,
}

impl Measured {
    /// What the lab holds against a server that promises to lose no response; empty if
    /// nothing. The kernel's count of closes with unread data is part of the promise.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fault = |count: u64, what: &str| {
            if count > 0 {
                faults.push(format!("{}: {count} {what}", self.id));
            }
        };
        fault(self.server_resets as u64, "connections reset by the server");
        fault(self.responses_lost as u64, "responses lost");
        for (name, count) in &self.counters {
            if name == "TCPAbortOnClose" || name == "TCPAbortOnData" {
                fault(*count, name);
            }
        }
        faults
    }
}

/// The lab while it runs.
pub(crate) struct Lab {
    capture: Capture,
    repetitions: usize,
}

impl Lab {
    /// Starts the capture. Each request will be sent `repetitions` times.
    ///
    /// # Errors
    /// The capture cannot be started.
    pub(crate) fn open(repetitions: usize) -> Result<Self> {
        Ok(Self {
            capture: Capture::start()?,
            repetitions,
        })
    }

    /// Sends `request` to `server`, several times.
    ///
    /// # Errors
    /// The client cannot be started or the capture fails; what a server does to a client is
    /// a result and not an error.
    pub(crate) fn measure_client(
        &mut self,
        id: &'static str,
        title: &'static str,
        server: SocketAddr,
        request: Request,
    ) -> Result<Measured> {
        let mut runs = Vec::new();
        let repetitions = self.repetitions;
        let (connections, counters) = self.watch(server, || {
            for _ in 0..repetitions {
                runs.push(client::send(server, request)?);
                wait_until_quiet(server.port(), PATIENCE)?;
            }
            Ok(())
        })?;
        ensure!(
            connections.len() == runs.len(),
            "{id}: {} connections",
            connections.len()
        );
        Ok(summarise(id, title, &runs, &connections, counters))
    }

    /// Runs `provoke` once, which says what the client saw, and reports what happened to the
    /// connection that was opened last.
    ///
    /// # Errors
    /// As `provoke`'s, or the capture fails.
    pub(crate) fn measure_once(
        &mut self,
        id: &'static str,
        title: &'static str,
        server: SocketAddr,
        provoke: impl FnOnce() -> Result<String>,
    ) -> Result<Measured> {
        let mut seen = String::new();
        let (connections, counters) = self.watch(server, || {
            seen = provoke()?;
            Ok(())
        })?;
        ensure!(!connections.is_empty(), "{id}: no connection was captured");
        let mut measured = Measured {
            id,
            title,
            runs: 1,
            counters,
            ..Measured::default()
        };
        measured.outcomes.add(seen.clone());
        measured.seen.add(seen);
        let worst = worst_of(&connections);
        measured.closing.add(worst.closing());
        measured.server_resets = usize::from(worst.reset_by(Side::Server));
        measured.timeline = worst.timeline();
        Ok(measured)
    }

    /// The connections with `server` that `during` made, and what the kernel counted.
    fn watch(
        &mut self,
        server: SocketAddr,
        during: impl FnOnce() -> Result<()>,
    ) -> Result<(Vec<Conversation>, Counted)> {
        self.capture.take()?;
        let before = Counters::read()?;
        during()?;
        let counters = Counters::read()?.since(&before);
        Ok((
            conversations(&self.capture.take()?, server.port()),
            counters,
        ))
    }
}

/// The connection to show when a case opened several: one that was reset, else the last.
fn worst_of(connections: &[Conversation]) -> &Conversation {
    let reset = |c: &&Conversation| c.reset_by(Side::Server) || c.reset_by(Side::Client);
    connections
        .iter()
        .find(reset)
        .unwrap_or(&connections[connections.len() - 1])
}

fn summarise(
    id: &'static str,
    title: &'static str,
    runs: &[Run],
    connections: &[Conversation],
    counters: Counted,
) -> Measured {
    let mut measured = Measured {
        id,
        title,
        runs: runs.len(),
        counters,
        ..Measured::default()
    };
    let mut worst: Option<(Outcome, &Conversation)> = None;
    for (run, connection) in runs.iter().zip(connections) {
        let outcome = run.outcome();
        measured.outcomes.add(outcome.to_string());
        measured.seen.add(run.summary());
        measured.closing.add(connection.closing_kind());
        measured.server_resets += usize::from(connection.reset_by(Side::Server));
        measured.responses_lost += usize::from(outcome != Outcome::Complete);
        if worst.is_none_or(|(known, _)| outcome > known) {
            worst = Some((outcome, connection));
        }
    }
    measured.timeline = worst
        .map(|(_, connection)| connection.timeline())
        .unwrap_or_default();
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_puts_the_most_frequent_first() {
        let mut tally = Tally::default();
        for what in ["a", "b", "b"] {
            tally.add(what.to_owned());
        }
        assert_eq!(tally.rows(), [("b", 2), ("a", 1)]);
    }

    #[test]
    fn a_clean_case_has_no_faults() {
        let counters = vec![("TCPAbortOnTimeout".to_owned(), 1)];
        assert!(
            Measured {
                counters,
                ..Measured::default()
            }
            .faults()
            .is_empty()
        );
    }

    #[test]
    fn resets_lost_responses_and_the_kernels_count_are_faults() {
        let measured = Measured {
            id: "case",
            server_resets: 2,
            responses_lost: 1,
            counters: vec![
                ("TCPAbortOnClose".to_owned(), 3),
                ("TCPAbortOnData".to_owned(), 4),
            ],
            ..Measured::default()
        };
        let expected = [
            "case: 2 connections reset by the server",
            "case: 1 responses lost",
            "case: 3 TCPAbortOnClose",
            "case: 4 TCPAbortOnData",
        ];
        assert_eq!(measured.faults(), expected);
    }
}
