//! One request on its way through an instance that it shares: what its client and the instance know
//! of each other.

use super::super::download::{Needed, Reply};
use super::super::serve::Account;
use crate::guest::error::CallError;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use wasmtime::component::GuestTaskId;
use wasmtime_wasi_http::WasiBody;

/// What an instance needs to answer a request.
pub(in crate::guest::wasi) struct Order {
    pub(in crate::guest::wasi) request: Box<http::Request<WasiBody>>,
    pub(in crate::guest::wasi) id: String,
    pub(in crate::guest::wasi) reply: Reply,
    pub(in crate::guest::wasi) account: Account,
    pub(in crate::guest::wasi) deadline: Instant,
}

/// The state of one request.
pub(super) struct Ticket(Mutex<Inner>);

struct Inner {
    stage: Stage,
    client: Option<Waker>,
    instance: Option<Waker>,
}

enum Stage {
    /// No guest has seen it.
    Queued(Box<Order>),
    /// A guest has it.
    Running,
    /// It was answered, and the client takes the response.
    Answered(Answered),
    /// It came to this.
    Over(Result<(), CallError>),
    /// Nobody waits for it any more, or another instance has it.
    Left,
}

/// A request that has its response, of which the client may have taken only a part.
pub(super) struct Answered {
    /// What the guest does for it.
    pub(super) task: GuestTaskId,
    /// When the guest got it.
    pub(super) begun: Instant,
    /// Completes when the response was taken.
    pub(super) needed: Needed,
}

/// How a request is over.
pub(super) enum Over {
    /// It ended inside, or never began.
    Ended(Result<(), CallError>),
    /// The client has taken the whole response.
    Taken(Answered),
}

/// Where a request was when its client left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// No guest has it any more, or yet.
    Alone,
    /// With a guest, which finds out by itself.
    Running,
    /// With a guest that had answered it.
    Answered(GuestTaskId),
}

impl Ticket {
    /// A request that waits for an instance to take it.
    pub(super) fn new(order: Box<Order>) -> Ticket {
        Ticket(Mutex::new(Inner {
            stage: Stage::Queued(order),
            client: None,
            instance: None,
        }))
    }

    /// Takes the request for a guest, unless it was taken back.
    pub(super) fn take(&self) -> Option<Box<Order>> {
        self.take_as(Stage::Running)
    }

    /// Whether no guest has it, and its client still waits.
    pub(super) fn is_queued(&self) -> bool {
        matches!(self.lock().stage, Stage::Queued(_))
    }

    /// Takes it back, unless a guest has it.
    pub(super) fn take_back(&self) -> Option<Box<Order>> {
        self.take_as(Stage::Left)
    }

    fn take_as(&self, next: Stage) -> Option<Box<Order>> {
        let stage = &mut self.lock().stage;
        match std::mem::replace(stage, next) {
            Stage::Queued(order) => Some(order),
            other => {
                *stage = other;
                None
            }
        }
    }

    /// The guest has an answer, which the client gets right after this. Returns whether it is
    /// there.
    pub(super) fn answer(&self, answered: Answered) -> bool {
        let mut inner = self.lock();
        if !matches!(inner.stage, Stage::Running) {
            return false;
        }
        inner.stage = Stage::Answered(answered);
        // It may take all of the response before it looks here again.
        let client = inner.client.take();
        drop(inner);
        if let Some(client) = client {
            client.wake();
        }
        true
    }

    /// Says what it came to, unless nobody waits.
    pub(super) fn end(&self, result: Result<(), CallError>) {
        let mut inner = self.lock();
        if !matches!(inner.stage, Stage::Over(_) | Stage::Left) {
            inner.stage = Stage::Over(result);
        }
        let client = inner.client.take();
        drop(inner);
        if let Some(client) = client {
            client.wake();
        }
    }

    /// Has the client look again at where it waits.
    pub(super) fn wake_client(&self) {
        let client = self.lock().client.take();
        if let Some(client) = client {
            client.wake();
        }
    }

    /// Completes with what it came to, once. That the response was taken the client finds out
    /// itself: a guest that has nothing more to do with it needs no turn for that.
    pub(super) fn poll_over(&self, context: &mut Context<'_>) -> Poll<Over> {
        let mut inner = self.lock();
        let stage = std::mem::replace(&mut inner.stage, Stage::Left);
        inner.stage = match stage {
            Stage::Over(result) => return Poll::Ready(Over::Ended(result)),
            // When nobody wants the rest of it, the client is about to leave.
            Stage::Answered(mut answered) => match Pin::new(&mut answered.needed).poll(context) {
                Poll::Ready(true) => return Poll::Ready(Over::Taken(answered)),
                _ => Stage::Answered(answered),
            },
            other => other,
        };
        keep(&mut inner.client, context);
        Poll::Pending
    }

    /// The client is gone.
    pub(super) fn leave(&self) -> Left {
        let mut inner = self.lock();
        let stage = std::mem::replace(&mut inner.stage, Stage::Left);
        let instance = inner.instance.take();
        drop(inner);
        match stage {
            Stage::Running => {
                if let Some(instance) = instance {
                    instance.wake();
                }
                Left::Running
            }
            Stage::Answered(answered) => Left::Answered(answered.task),
            Stage::Queued(_) | Stage::Over(_) | Stage::Left => Left::Alone,
        }
    }

    /// Completes when the client is gone.
    pub(super) fn poll_left(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if matches!(inner.stage, Stage::Left) {
            return Poll::Ready(());
        }
        keep(&mut inner.instance, context);
        Poll::Pending
    }

    /// Every statement under the lock leaves it whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(place: &mut Option<Waker>, context: &mut Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(context.waker()),
        None => *place = Some(context.waker().clone()),
    }
}
