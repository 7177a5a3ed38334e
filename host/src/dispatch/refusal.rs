//! The one table from what went wrong to what the client is told.
//!
//! The client gets a status, a short text and the request's id; the details go to the log under
//! that id, because they would tell a stranger about the guest.

use std::fmt::{self, Display};

use std::time::Duration;

use super::{Answer, Phase, RequestId};
use crate::guest::{CallError, Field, Stage};
use crate::registry::Refused;

/// Why a request gets an answer of the host instead of one of a guest.
#[derive(Debug)]
pub enum Refusal {
    /// What arrived is not a request that the protocol allows.
    Malformed {
        /// 400, 414, 417, 431, 501 or 505.
        status: u16,
        /// What is wrong and where.
        detail: String,
    },
    /// The head did not arrive in time.
    SlowHead,
    /// The body made no progress, or not enough before the request's deadline.
    SlowBody,
    /// The body is bigger than the route allows.
    BodyTooLarge {
        /// The limit in bytes.
        body_max: u64,
    },
    /// No route has this path.
    NoRoute,
    /// Routes have this path, for other methods.
    MethodNotAllowed {
        /// Those methods, as the `allow` field lists them.
        allow: String,
    },
    /// The memory for all bodies together is used up.
    OutOfBuffers,
    /// The guest is not to be called now.
    Busy(Refused),
    /// The guest was called and did not answer as it should.
    Guest(CallError),
}

impl Refusal {
    /// A request that breaks the protocol, with the status that says how.
    pub fn malformed(status: u16, detail: &dyn Display) -> Self {
        Self::Malformed {
            status,
            detail: detail.to_string(),
        }
    }

    /// A guest that waited for something past the request's deadline. One that runs is found out
    /// by the sandbox.
    pub fn overran() -> Self {
        Self::Guest(CallError::Deadline {
            stage: Stage::Running,
        })
    }

    /// The status (RFC 9110 section 15; 431 is RFC 6585).
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed { status, .. } => *status,
            Self::SlowHead | Self::SlowBody => 408,
            Self::BodyTooLarge { .. } => 413,
            Self::NoRoute => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::OutOfBuffers | Self::Busy(_) => 503,
            Self::Guest(error) => match error {
                CallError::Exhausted
                | CallError::Deadline {
                    stage: Stage::Waiting,
                } => 503,
                CallError::Deadline { .. } => 504,
                CallError::Trapped { .. }
                | CallError::MemoryExceeded { .. }
                | CallError::Stopped { .. }
                | CallError::BrokenAbi { .. }
                | CallError::Instantiate { .. }
                | CallError::Refused { .. }
                | CallError::NoAnswer
                | CallError::BrokenBody
                | CallError::Host
                | CallError::BadAnswer(_) => 500,
            },
        }
    }

    /// What the request was waiting for when its time was over, if it was that.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::SlowHead => Some(Phase::Head),
            Self::SlowBody => Some(Phase::Body),
            Self::Busy(Refused::QueueTime) => Some(Phase::Queue),
            Self::Guest(CallError::Deadline { stage }) => Some(match stage {
                Stage::Waiting => Phase::Queue,
                Stage::Starting => Phase::Instantiate,
                Stage::Running => Phase::Guest,
            }),
            _ => None,
        }
    }

    /// Whether no further request may be read from the connection: where one ends and the next
    /// begins is not known, or waiting for the rest is what the client was refused for.
    pub fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::Malformed { .. } | Self::SlowHead | Self::SlowBody
        )
    }

    /// The response, with the id in a field and in the text. Where the client is to come back
    /// later it is told to do so after `retry_after`, or after the guest's pause.
    pub fn answer(&self, id: RequestId, retry_after: Duration) -> Answer {
        let status = self.status();
        let mut fields = vec![
            field("content-type", "text/plain; charset=utf-8"),
            field("x-request-id", id.as_str()),
        ];
        match self {
            Self::MethodNotAllowed { allow } => fields.push(field("allow", allow)),
            Self::Busy(Refused::Resting(pause)) => fields.push(retry_field(*pause)),
            _ if status == 503 => fields.push(retry_field(retry_after)),
            _ => {}
        }
        let body = format!("{status} {}\nrequest {id}\n", self.text()).into_bytes();
        Answer {
            status,
            fields,
            body,
            content_length: None,
        }
    }

    /// What the client is told besides the status.
    fn text(&self) -> String {
        match self {
            // The client sent it, so the client may know what was wrong with it.
            Self::Malformed { detail, .. } => detail.clone(),
            Self::SlowHead => "the request's head did not arrive in time".into(),
            Self::SlowBody => "the request's body did not arrive in time".into(),
            Self::BodyTooLarge { body_max } => {
                format!("the request's body may have {body_max} bytes here")
            }
            Self::NoRoute => "nothing is here".into(),
            Self::MethodNotAllowed { .. } => "this method is not offered here".into(),
            Self::Busy(Refused::Resting(_)) => "the handler failed too often; try later".into(),
            _ if self.status() == 503 => "the server is busy; try again soon".into(),
            Self::Guest(CallError::Deadline { .. }) => "the handler did not answer in time".into(),
            Self::OutOfBuffers | Self::Busy(_) | Self::Guest(_) => "the handler failed".into(),
        }
    }
}

/// For the log: everything that is known.
impl Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest(error) => error.fmt(formatter),
            Self::Busy(refused) => refused.fmt(formatter),
            Self::OutOfBuffers => formatter.write_str("limits.buffered_max is reached"),
            _ => formatter.write_str(&self.text()),
        }
    }
}

/// Whole seconds, never too few (RFC 9110 section 10.2.3).
fn retry_field(after: Duration) -> Field {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    field("retry-after", &seconds.to_string())
}

fn field(name: &str, value: &str) -> Field {
    Field {
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::RequestIds;

    #[test]
    fn what_is_refused_for_now_says_when_to_try_again() {
        let id = RequestIds::new().next();
        for refusal in [
            Refusal::OutOfBuffers,
            Refusal::Busy(Refused::QueueFull),
            Refusal::Guest(CallError::Exhausted),
        ] {
            let answer = refusal.answer(id, Duration::from_millis(1500));
            assert_eq!(answer.status, 503);
            assert!(answer.fields.contains(&field("retry-after", "2")));
        }
        let resting = Refusal::Busy(Refused::Resting(Duration::from_secs(5)));
        let answer = resting.answer(id, Duration::from_secs(1));
        assert!(answer.fields.contains(&field("retry-after", "5")));
    }

    #[test]
    fn details_of_a_guest_stay_in_the_log() {
        let id = RequestIds::new().next();
        let refusal = Refusal::Guest(CallError::Trapped {
            reason: "secret place".into(),
        });
        let answer = refusal.answer(id, Duration::ZERO);
        let body = String::from_utf8(answer.body).unwrap();
        assert!(!body.contains("secret") && body.contains(id.as_str()));
        assert!(refusal.to_string().contains("secret place"));
    }

    #[test]
    fn a_method_that_is_not_offered_names_those_that_are() {
        let id = RequestIds::new().next();
        let answer = Refusal::MethodNotAllowed {
            allow: "GET, HEAD".into(),
        }
        .answer(id, Duration::ZERO);
        assert_eq!(answer.status, 405);
        assert!(answer.fields.contains(&field("allow", "GET, HEAD")));
    }
}
