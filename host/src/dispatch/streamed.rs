//! An exchange whose bodies are streamed: what a connection sees of a guest that answers while its
//! request still arrives. No sockets here, and nothing of how a guest is run.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::live::Live;
use super::{Budget, IncomingHead, Link, Plan, Refusal, Report, Served, Usage, timed};
use crate::guest::Field;

pub use crate::guest::{Demand, StreamedHead, Upload, UploadFailure, UploadSender, upload};

/// An exchange under way. The guest goes on while it is polled, whatever it is polled for;
/// dropping it stops the guest.
pub struct Streamed(Box<dyn Exchange>);

/// What drives a guest for a [`Streamed`].
pub trait Exchange: Send {
    /// See [`Streamed::poll_head`].
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<StreamedHead, Refusal>>;
    /// See [`Streamed::poll_piece`].
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece>;
    /// See [`Streamed::drive`].
    fn drive(&mut self, cx: &mut Context<'_>);
    /// See [`Streamed::poll_farewell`].
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    /// See [`Streamed::usage`].
    fn usage(&self) -> Usage;
    /// See [`Streamed::report`].
    fn report(&self) -> Option<Report> {
        None
    }
    /// See [`Streamed::leave`].
    fn leave(self: Box<Self>);
}

/// What an exchange may take, beside what the configuration of its guest says.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// Since when the guest is asked for.
    pub asked: Instant,
    /// When it has to be over.
    pub deadline: Instant,
    /// How long a guest runs on when nobody wants its response any more.
    pub farewell: Duration,
    /// The memory for bodies that a guest takes whole.
    pub buffered: Arc<Budget>,
}

/// What comes next of a response's body.
#[derive(Debug)]
pub enum Piece {
    /// Some bytes of it.
    Data(Bytes),
    /// It is complete; with its trailers.
    End(Vec<Field>),
    /// It will never be complete.
    Broken(Refusal),
}

impl Streamed {
    /// An exchange that `exchange` drives.
    pub fn new(exchange: impl Exchange + 'static) -> Self {
        Self(Box::new(exchange))
    }

    /// The head of the response, once. An error is to be answered instead.
    pub fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<StreamedHead, Refusal>> {
        self.0.poll_head(cx)
    }

    /// After the head: the next piece of the body. Not to be called again after
    /// [`Piece::End`] or [`Piece::Broken`].
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        self.0.poll_piece(cx)
    }

    /// Lets the guest go on while nothing can be taken from it.
    pub fn drive(&mut self, cx: &mut Context<'_>) {
        self.0.drive(cx);
    }

    /// Nobody is there any more to take a response: the guest finds its body closed, and completes
    /// this when it has ended. Nothing else may be called afterwards.
    pub fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_farewell(cx)
    }

    /// What the guest has used so far.
    pub fn usage(&self) -> Usage {
        self.0.usage()
    }

    /// More of an exchange with several guests, as it is by now.
    pub fn report(&self) -> Option<Report> {
        self.0.report()
    }

    /// The response is over: what the guest still does goes on by itself until its deadline, and
    /// its place is taken until then.
    pub fn leave(self) {
        self.0.leave();
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Streamed").finish_non_exhaustive()
    }
}

impl Plan {
    /// Whether the bodies of the exchange are streamed: then it is [`Plan::open`]ed.
    pub fn is_streamed(&self) -> bool {
        self.serving.guest().kind().is_streamed()
    }

    /// Waits for a place and starts the guest, the first one where there are several; both no
    /// longer than until the deadline. What is known of it by then is noted in `served`. Dropping
    /// the future, or what it returns, stops the guest.
    ///
    /// # Errors
    ///
    /// What the client is to be told instead of a response.
    pub async fn open(
        self,
        request: &impl IncomingHead,
        upload: Upload,
        allowed: &Allowance,
        served: &mut Served,
    ) -> Result<Streamed, Refusal> {
        let first = self.target.hold(0);
        let admitted = pin!(first.admit(self.serving.clone(), allowed.deadline, allowed.asked));
        let (admitted, queued) = timed(admitted).await;
        served.queued = queued;
        let mut admitted = admitted.map_err(|refused| {
            served.report = self.refused_at_first();
            Refusal::Busy(refused)
        })?;
        if !admitted.generation().guest().kind().is_streamed() {
            // What serves by now takes whole bodies only.
            admitted.go_to(self.serving.clone());
        }
        served.generation = Some(admitted.generation().clone());
        let live = Live::start(&self, admitted, request, upload, allowed)?;
        Ok(Streamed::new(live))
    }

    /// What is to be said of a request that the first of several guests has no room for.
    fn refused_at_first(&self) -> Option<Report> {
        let name = self.target.middleware.first()?.name();
        Some(Report {
            queued: Duration::ZERO,
            usage: Usage::default(),
            generation: None,
            blamed: Link {
                name: name.clone(),
                generation: None,
            },
            short_of: None,
        })
    }
}
