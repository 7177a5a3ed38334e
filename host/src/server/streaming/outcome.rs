//! What a streamed exchange came to. Plain data: what follows from it is decided elsewhere.

use std::fmt::Display;

use httpd_http1::SendError;
use tokio::time::Instant;

use crate::dispatch::{Phase, Refusal, Report, Usage};
use crate::server::transport::WriteFailed;

/// What an exchange came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The whole response was written.
    Complete,
    /// The host has to answer.
    Refused(Refusal),
    /// The client ended its side in the middle of the request. It may yet read why that is refused.
    LeftUnfinished(Refusal),
    /// The response has begun, and will not be complete.
    CutOff(Cut),
    /// The client is not there any more.
    Gone,
    /// It does not take what is sent.
    WriteFailed(WriteFailed),
    /// The protocol refuses the head, which `dispatch` has ruled out.
    Unsendable(SendError),
}

/// Why a response is not complete.
#[derive(Debug)]
pub(in crate::server) enum Cut {
    /// The guest failed.
    Guest(Refusal),
    /// What it sent does not fit what it had announced.
    Mismatch(SendError),
    /// The deadline passed while this was waited for.
    Deadline(Phase),
}

/// What the access line says of an exchange.
#[derive(Debug, Default)]
pub(in crate::server) struct Account {
    /// 0 if no response of the guest has begun.
    pub(in crate::server) status: u16,
    pub(in crate::server) usage: Usage,
    /// More of it where several guests had the request.
    pub(in crate::server) report: Option<Report>,
    /// Bytes of the request's body.
    pub(in crate::server) bytes_in: u64,
    /// When the request's body was over.
    pub(in crate::server) received: Option<Instant>,
    /// Whether there was to be more of it.
    pub(in crate::server) unreceived: bool,
    /// Bytes written.
    pub(in crate::server) bytes_out: u64,
    /// When the response's head was there.
    pub(in crate::server) write_begun: Option<Instant>,
}

impl Outcome {
    /// Whether the client is gone, so that nobody waits for what the guest does last.
    pub(super) fn client_left(&self) -> bool {
        matches!(
            self,
            Self::Gone | Self::LeftUnfinished(_) | Self::WriteFailed(_)
        )
    }
}

impl Cut {
    /// What was waited for when the time was over, if it was that.
    pub(in crate::server) fn phase(&self) -> Option<Phase> {
        match self {
            Self::Guest(refusal) => refusal.phase(),
            Self::Mismatch(_) => None,
            Self::Deadline(phase) => Some(*phase),
        }
    }

    /// For the access line.
    pub(in crate::server) fn text(&self) -> &'static str {
        match self {
            Self::Guest(_) => "cut off: the guest failed after its response had begun",
            Self::Mismatch(_) => "cut off: the response does not fit what its head announced",
            Self::Deadline(_) => "cut off: the deadline passed after the response had begun",
        }
    }

    /// What else is known, for those who look for the fault in the guest.
    pub(in crate::server) fn detail(&self) -> Option<&dyn Display> {
        match self {
            Self::Guest(refusal) => Some(refusal),
            Self::Mismatch(error) => Some(error),
            Self::Deadline(_) => None,
        }
    }
}
