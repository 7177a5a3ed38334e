//! Asks the host over its control socket, as a deployment's program would: one line of JSON there,
//! one object back.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host's control socket.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    path: PathBuf,
}

/// What a host says of itself, as far as the labs want to know.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Status {
    connections: Connections,
    guests: Vec<Guest>,
}

#[derive(Clone, Debug, Deserialize)]
struct Connections {
    open: u64,
}

/// What it says of a guest.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Guest {
    name: String,
    /// The number of the generation that serves.
    pub(crate) generation: u64,
    /// Requests that run at this moment.
    pub(crate) running: u64,
    /// Generations that were taken back.
    pub(crate) rollbacks: u64,
    /// Why the last new generation does not serve.
    pub(crate) last_error: Option<String>,
}

/// What came of a reload.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Whether everything in the files now serves.
    pub(crate) ok: bool,
    /// What serves differently now.
    pub(crate) changes: Vec<String>,
    /// What was wrong.
    pub(crate) errors: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply {
    Status(Status),
    Reload(Outcome),
    Error(String),
}

impl Control {
    /// The control socket at `path`. Nothing is asked yet.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// How the host is.
    ///
    /// # Errors
    /// It does not answer, or not to this question.
    pub(crate) fn status(&self) -> Result<Status> {
        match self.ask("status")? {
            Reply::Status(status) => Ok(status),
            other => bail!("status: {other:?}"),
        }
    }

    /// Has it look at its files again, and waits for the outcome.
    ///
    /// # Errors
    /// It does not answer, or not to this question.
    pub(crate) fn reload(&self) -> Result<Outcome> {
        match self.ask("reload")? {
            Reply::Reload(outcome) => Ok(outcome),
            other => bail!("reload: {other:?}"),
        }
    }

    fn ask(&self, command: &str) -> Result<Reply> {
        let what = || format!("{command} at {}", self.path.display());
        let mut stream = UnixStream::connect(&self.path).with_context(what)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{{\"command\":\"{command}\"}}\n").as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).with_context(what)?;
        match parse(&answer).with_context(what)? {
            Reply::Error(why) => bail!("{}: {why}", what()),
            reply => Ok(reply),
        }
    }
}

impl Status {
    /// How many connections of clients are open.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.open
    }

    /// What is said of the guest with this name.
    ///
    /// # Errors
    /// There is no such guest.
    pub(crate) fn guest(&self, name: &str) -> Result<&Guest> {
        let guest = self.guests.iter().find(|guest| guest.name == name);
        guest.with_context(|| format!("the host has no guest {name:?}"))
    }
}

/// Reads an answer. Line ends before it are signs of life.
fn parse(answer: &[u8]) -> Result<Reply> {
    let text = || String::from_utf8_lossy(answer).into_owned();
    serde_json::from_slice(answer).with_context(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        let answer = br#"

        {"status":{"version":"0.1.0","connections":{"open":5,"max":9},
        "guests":[{"name":"live","state":"probation",
        "generation":7,"hash":"ab","running":3,"queued":0,"rollbacks":1,"last_error":null,
        "previous":{"generation":6,"hash":"cd"}}],"routes":[]}}"#;
        let Reply::Status(status) = parse(answer).unwrap() else {
            panic!("no status");
        };
        let expected = Guest {
            name: "live".to_owned(),
            generation: 7,
            running: 3,
            rollbacks: 1,
            last_error: None,
        };
        assert_eq!(status.guest("live").unwrap(), &expected);
        assert!(status.guest("dead").is_err());
        assert_eq!(status.connections(), 5);
    }

    #[test]
    fn an_outcome_is_read() {
        let answer =
            br#"{"reload":{"ok":false,"changes":["a"],"errors":["b"],"needs_restart":[]}}"#;
        let Reply::Reload(outcome) = parse(answer).unwrap() else {
            panic!("no outcome");
        };
        let expected = Outcome {
            ok: false,
            changes: vec!["a".to_owned()],
            errors: vec!["b".to_owned()],
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn no_answer_is_an_error() {
        assert!(parse(b"").is_err());
        assert!(parse(b"{\"status\":{}}").is_err());
        assert!(matches!(parse(b"{\"error\":\"no\"}"), Ok(Reply::Error(why)) if why == "no"));
    }
}
