//! The account of one call: which generation it went to, how long it waited, what it used.

use std::sync::Arc;
use std::time::Duration;

use super::{Report, Usage};
use crate::registry::Generation;

/// What is known of a call, filled in as it goes on.
#[derive(Debug, Default)]
pub struct Served {
    /// How long the request waited for a place.
    pub queued: Duration,
    /// The generation that was called.
    pub generation: Option<Arc<Generation>>,
    /// What the guest used; nothing for a call that was stopped.
    pub usage: Usage,
    /// More of a call that went to several guests, one behind the other. What is said of the
    /// generation and of the usage is in there, then.
    pub report: Option<Report>,
}
