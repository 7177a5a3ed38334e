//! The question a new guest must answer before it serves. Whether there is one, and what happens
//! to a guest that fails it, is decided elsewhere.

use std::time::Instant;

use tokio::runtime::Builder;
use tokio::time::timeout_at;

use crate::guest::{CallError, FieldRef, Guest, Request, Stage};

/// The request's id, which the guest's log lines carry.
const ID: &str = "probe";
/// Statuses that pass: success and redirection (RFC 9110 section 15).
const PASSES: std::ops::RangeInclusive<u16> = 200..=399;
/// Characters of a refusal's body that are shown.
const EXCERPT_CHARS: usize = 100;

/// A guest did not pass its probe.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It gave no usable answer.
    #[error("its probe, GET {target}, failed: {source}")]
    Failed {
        /// The target asked for.
        target: String,
        /// What went wrong.
        source: CallError,
    },
    /// It answered with another status than 200 to 399.
    #[error("its probe, GET {target}, was answered with {status}: {excerpt:?}")]
    Status {
        /// The target asked for.
        target: String,
        /// The answer's status.
        status: u16,
        /// The start of the answer's body.
        excerpt: String,
    },
}

impl ProbeError {
    /// Whether the guest may pass another time: there was no room for it, or no time.
    pub(super) fn may_pass(&self) -> bool {
        let Self::Failed { source, .. } = self else {
            return false;
        };
        matches!(source, CallError::Exhausted | CallError::Deadline { .. })
    }
}

/// Asks a guest for `target`, a path and perhaps a query, and waits for its answer until
/// `deadline`.
///
/// # Errors
/// What came back, if it was not a status of 200 to 399.
pub(super) async fn probe(
    guest: &Guest,
    target: &str,
    deadline: Instant,
) -> Result<(), ProbeError> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let request = Request {
        id: ID,
        client: "127.0.0.1:0",
        method: "GET",
        scheme: "http",
        authority: Some("localhost"),
        path,
        query,
        fields: &[FieldRef {
            name: "host",
            value: b"localhost",
        }],
        captures: &[],
        body: b"",
    };
    let target = target.to_owned();
    match guest.call(request, deadline).await.0 {
        Ok(response) if PASSES.contains(&response.status) => Ok(()),
        Ok(response) => Err(ProbeError::Status {
            target,
            status: response.status,
            excerpt: excerpt(&response.body),
        }),
        Err(source) => Err(ProbeError::Failed { target, source }),
    }
}

/// The same on a thread that may block and is none of a runtime. The guest has one of its own
/// meanwhile, for it may wait, for time to pass or for others.
///
/// # Errors
/// As [`probe`].
pub(super) fn probe_blocking(
    guest: &Guest,
    target: &str,
    deadline: Instant,
) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::Failed {
        target: target.to_owned(),
        source,
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return Err(failed(CallError::Host));
    };
    let asked = async { timeout_at(deadline.into(), probe(guest, target, deadline)).await };
    runtime.block_on(asked).unwrap_or_else(|_late| {
        let stage = Stage::Running;
        Err(failed(CallError::Deadline { stage }))
    })
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.trim().chars().take(EXCERPT_CHARS).collect()
}
