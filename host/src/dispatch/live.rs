//! An exchange with a guest of a wasi lane: its call and its response as one thing that a
//! connection can poll. Which piece comes next is the guest's affair, when it is taken the
//! connection's.

use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::chain::{Chain, Ended, Judged, serve};
use super::streamed::{Allowance, Exchange, Piece, StreamedHead, Upload};
use super::{IncomingHead, Plan, Refusal, Report, Usage};
use crate::guest::{self, Account, CallError, Download, Run, Woken};
use crate::registry::Admitted;

/// A call under way and its response.
pub(super) struct Live {
    /// Dropped before the call is, so that whoever is stopped with it knows why.
    chain: Option<First>,
    call: Run<'static, Ended>,
    ended: Option<Ended>,
    /// Gone when nobody wants the response any more.
    download: Option<Download>,
    deadline: Instant,
    account: Account,
    /// What taking the response has woken, until the guest goes on: most often that is it. To be
    /// told before whoever polls this waits.
    woken: Woken,
}

/// The chain whose first link is called here. Dropped, it ends the chain.
struct First(Arc<Chain>);

impl Drop for First {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Live {
    /// Makes the call of an admitted request. It begins when it is polled.
    ///
    /// # Errors
    ///
    /// The request cannot be told to a guest of this kind.
    pub(super) fn start(
        plan: &Plan,
        mut admitted: Admitted,
        request: &impl IncomingHead,
        upload: Upload,
        allowed: &Allowance,
    ) -> Result<Self, Refusal> {
        let control = request.control();
        let head = guest::Request {
            id: request.id(),
            client: request.client(),
            method: control.method,
            scheme: control.scheme,
            authority: control.authority,
            path: plan.path.as_deref().unwrap_or(control.path),
            query: control.query,
            fields: &request.fields(),
            captures: &plan.captures(),
            body: b"",
        };
        let streamed = guest::streamed_request(&head, upload);
        let streamed = streamed.map_err(|unfit| Refusal::malformed(400, &unfit))?;
        let chain = Chain::of(plan, &head, allowed);
        let generation = admitted.generation().clone();
        let guest = generation.guest();
        let (serving, download) = guest.prepare(streamed, head.id);
        let (standing, rooms) = admitted.standing();
        let mut serving = serving.standing(standing, rooms);
        let account = serving.account();
        if let Some(chain) = &chain {
            chain.reached(0, &generation, Duration::ZERO);
            chain.uses(0, account.clone());
            if let Some(next) = chain.behind(0) {
                serving = serving.with_next(next);
            }
        }
        let judged = Judged::new(admitted, chain.as_ref().map(|chain| (chain, 0)));
        let deadline = allowed.deadline;
        let make = |serving| serve(judged, serving, deadline);
        Ok(Self {
            chain: chain.map(First),
            call: guest.run_serving(serving, deadline, make),
            ended: None,
            download: Some(download),
            deadline,
            account,
            woken: Woken::default(),
        })
    }
}

impl Live {
    /// Lets the guest go on, and notes its end.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<&Ended> {
        if self.ended.is_none()
            && let Poll::Ready(ended) = std::pin::Pin::new(&mut self.call).poll(cx)
        {
            self.ended = Some(ended.unwrap_or((Err(CallError::Host), Usage::default())));
        }
        // Those behind this guest, too, who may go on when it has ended.
        self.woken.tell();
        self.ended.as_ref().map_or(Poll::Pending, Poll::Ready)
    }

    fn poll_download(&mut self, cx: &mut Context<'_>) -> Poll<guest::Piece> {
        match &mut self.download {
            Some(download) => self.woken.hold(|| download.poll_piece(cx)),
            None => Poll::Ready(guest::Piece::Broken),
        }
    }

    /// What the call failed with, or `otherwise` if it did not; it has ended, or has nothing more
    /// to say. A guest that gives another's failure for its own is not the one that failed.
    fn failure(&mut self, otherwise: CallError) -> Refusal {
        let (result, _) = self.ended.get_or_insert((Ok(()), Usage::default()));
        let failed = std::mem::replace(result, Ok(())).err();
        let chain = self.chain.as_ref();
        let behind = chain.and_then(|First(chain)| chain.take_failure(failed.as_ref()));
        behind.unwrap_or_else(|| Refusal::Guest(failed.unwrap_or(otherwise)))
    }
}

impl Exchange for Live {
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<StreamedHead, Refusal>> {
        let is_over = self.go_on(cx).is_ready();
        let head = match &mut self.download {
            Some(download) => download.poll_head(cx),
            None => Poll::Ready(None),
        };
        match ready!(head) {
            Some(Ok(head)) => Poll::Ready(Ok(head)),
            Some(Err(error)) => Poll::Ready(Err(Refusal::Guest(error))),
            // Why there is none is known when the call has ended.
            None if is_over => Poll::Ready(Err(self.failure(CallError::NoAnswer))),
            None => {
                ready!(self.go_on(cx));
                Poll::Ready(Err(self.failure(CallError::NoAnswer)))
            }
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        // What is here already costs no turn of the guest.
        let mut piece = self.poll_download(cx);
        if piece.is_pending() {
            let _ = self.go_on(cx);
            piece = self.poll_download(cx);
        }
        if piece.is_pending() {
            self.woken.tell();
        }
        Poll::Ready(match ready!(piece) {
            guest::Piece::Data(data) => Piece::Data(data),
            guest::Piece::End(trailers) => Piece::End(trailers),
            guest::Piece::Broken => {
                let failing = self
                    .download
                    .as_ref()
                    .is_some_and(Download::has_call_failed);
                if failing {
                    // Why is known when the call has ended, which it is about to.
                    ready!(self.go_on(cx));
                }
                Piece::Broken(self.failure(CallError::BrokenBody))
            }
        })
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        let _ = self.go_on(cx);
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.download = None;
        self.go_on(cx).map(drop)
    }

    fn usage(&self) -> Usage {
        self.account.get()
    }

    fn report(&self) -> Option<Report> {
        self.chain.as_ref().map(|First(chain)| chain.report())
    }

    fn leave(mut self: Box<Self>) {
        // Most often it ends right now.
        let mut cx = Context::from_waker(Waker::noop());
        if self.go_on(&mut cx).is_pending() {
            let Live { call, deadline, .. } = *self;
            // A guest that waits past its deadline is stopped like one that runs.
            tokio::spawn(timeout_at(deadline.into(), call));
        }
    }
}
