//! The phases that share a request's one deadline.

use std::fmt;

/// What a request was waiting for when its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The rest of its head.
    Head,
    /// The rest of its body.
    Body,
    /// A place among the requests that its guest serves.
    Queue,
    /// An instance of the guest.
    Instantiate,
    /// The guest's answer.
    Guest,
    /// The client, which took no byte of the response.
    Write,
}

impl Phase {
    /// The word for it in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Body => "body",
            Self::Queue => "queue",
            Self::Instantiate => "instantiate",
            Self::Guest => "guest",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
