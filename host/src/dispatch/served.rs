//! The account of one call: which generation it went to, how long it waited, what it used.

use std::time::{Duration, Instant};

use super::{Report, Usage};
use crate::guest::Remains;
use crate::registry::{Generation, Room};
use crate::shards::Handle;

/// What is known of a call, filled in as it goes on.
#[derive(Debug, Default)]
pub struct Served {
    /// How long the request waited for a place.
    pub queued: Duration,
    /// The generation that was called.
    pub generation: Option<Handle<Generation>>,
    /// When its call ended, if the clock need not be read to know that.
    pub ended: Option<Instant>,
    /// What the guest used; nothing for a call that was stopped.
    pub usage: Usage,
    /// More of a call that went to several guests, one behind the other. What is said of the
    /// generation and of the usage is in there, then.
    pub report: Option<Report>,
    /// What is left of the call. On the heap, for it is large, and what a call comes to is handed
    /// from one future to the next.
    pub(super) left: Option<Box<Left>>,
    tidied: bool,
}

/// An instance that nobody will use again, and its room, which is free after it.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) _remains: Remains,
    pub(super) _room: Room,
}

impl Served {
    /// Clears away what the call has left, and makes an instance ready for the next one. Both take
    /// a while, and the client need not wait for them: do it when the answer is on its way.
    pub fn tidy(&mut self) {
        if !std::mem::replace(&mut self.tidied, true) {
            self.left = None;
            if let Some(generation) = &self.generation {
                generation.guest().restock();
            }
        }
    }
}
