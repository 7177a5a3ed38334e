//! A connection that waits for a request. It holds nothing that only a request needs: no buffer, no
//! state of the protocol, no future of an exchange. It reads nothing either; bytes stay in the
//! kernel until there is a buffer for them.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use smol_str::SmolStr;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::Shared;
use super::connections::Slot;
use super::settings::Settings;
use super::stream::Stream;
use super::transport::Transport;

/// What is left of a connection between requests.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) transport: Transport,
    /// The peer's address and port, or `unix`, as guests and the log get it.
    pub(super) peer: SmolStr,
    pub(super) shared: Arc<Shared>,
    /// As they were when the request began to be waited for.
    pub(super) settings: Arc<Settings>,
    /// Requests answered so far.
    pub(super) answered: u64,
    /// When it began to wait.
    pub(super) since: Instant,
}

/// What came of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// There is something to read: a request begins, or the connection ends.
    Request,
    /// The time is over, or the host wants the connection to leave.
    InVain,
}

impl Idle {
    /// A connection that was just accepted and waits for its first request.
    pub(super) fn new(stream: Stream, peer: SmolStr, slot: Slot, shared: Arc<Shared>) -> Self {
        let idle = Self {
            transport: Transport::new(stream, slot),
            peer,
            settings: shared.settings.load_full(),
            shared,
            answered: 0,
            since: Instant::now(),
        };
        idle.enter();
        idle
    }

    /// Moves it to another runtime.
    pub(super) fn hand_to(self, there: &Handle) -> io::Result<Box<Self>> {
        let transport = self.transport.hand_to(there)?;
        Ok(Box::new(Self { transport, ..self }))
    }

    /// Begins to wait for another request.
    pub(super) fn begin(&mut self) {
        if self.shared.have_changed(&self.settings) {
            self.settings = self.shared.settings.load_full();
        }
        self.enter();
    }

    /// Says in the table that it waits.
    fn enter(&self) {
        let slot = self.transport.slot();
        slot.set_idle(self.answered > 0, self.since.into_std());
    }

    /// Waits for the client to send something.
    pub(super) fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Waited> {
        let deadline = self.since + self.settings.idle_max(self.answered > 0);
        self.transport.poll_arrival(cx, deadline).map(|arrived| {
            if arrived {
                return Waited::Request;
            }
            self.transport.slot().set_leaving();
            Waited::InVain
        })
    }
}
