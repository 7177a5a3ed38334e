//! An exchange with a guest of a wasi lane: its call and its response as one thing that a
//! connection can poll. Which piece comes next is the guest's affair, when it is taken the
//! connection's.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::time::timeout_at;

use super::streamed::{Exchange, Piece, StreamedHead, Upload};
use super::{IncomingHead, Plan, Refusal, Usage};
use crate::guest::{self, Account, CallError, Download, Run, Serving};
use crate::registry::Admitted;

/// What a call comes to.
type Ended = (Result<(), CallError>, Usage);

/// A call under way and its response.
pub(super) struct Live {
    call: Run<Ended>,
    ended: Option<Ended>,
    /// Gone when nobody wants the response any more.
    download: Option<Download>,
    deadline: Instant,
    account: Account,
}

impl Live {
    /// Makes the call of an admitted request. It begins when it is polled.
    ///
    /// # Errors
    ///
    /// The request cannot be told to a guest of this kind.
    pub(super) fn start(
        plan: &Plan,
        admitted: Admitted,
        request: &impl IncomingHead,
        upload: Upload,
        deadline: Instant,
    ) -> Result<Self, Refusal> {
        let head = guest::Request {
            id: request.id(),
            client: request.client(),
            method: request.method(),
            scheme: request.scheme(),
            authority: request.authority(),
            path: plan.path.as_deref().unwrap_or(request.path()),
            query: request.query(),
            fields: &request.fields(),
            captures: &plan.captures(),
            body: b"",
        };
        let streamed = guest::streamed_request(&head, upload);
        let streamed = streamed.map_err(|unfit| Refusal::malformed(400, &unfit))?;
        let generation = Arc::clone(admitted.generation());
        let guest = generation.guest();
        let (serving, download) = guest.prepare(streamed, head.id);
        let account = serving.account();
        let make = |serving| serve(admitted, serving, deadline);
        Ok(Self {
            call: guest.run_serving(serving, deadline, make),
            ended: None,
            download: Some(download),
            deadline,
            account,
        })
    }
}

async fn serve(admitted: Admitted, serving: Serving, deadline: Instant) -> Ended {
    let generation = Arc::clone(admitted.generation());
    let (result, usage) = generation.guest().serve(serving, deadline).await;
    admitted.ended(&result);
    (result, usage)
}

impl Live {
    /// Lets the guest go on, and notes its end.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<&Ended> {
        if self.ended.is_none() {
            let ended = ready!(std::pin::Pin::new(&mut self.call).poll(cx));
            self.ended = Some(ended.unwrap_or((Err(CallError::Host), Usage::default())));
        }
        self.ended.as_ref().map_or(Poll::Pending, Poll::Ready)
    }

    /// What the call failed with, or `otherwise` if it did not; it has ended.
    fn failure(&mut self, otherwise: CallError) -> Refusal {
        let (result, _) = self.ended.get_or_insert((Ok(()), Usage::default()));
        let failed = std::mem::replace(result, Ok(()));
        Refusal::Guest(failed.err().unwrap_or(otherwise))
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
        let _ = self.go_on(cx);
        let piece = match &mut self.download {
            Some(download) => ready!(download.poll_piece(cx)),
            None => guest::Piece::Broken,
        };
        Poll::Ready(match piece {
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

    fn leave(self: Box<Self>) {
        if self.ended.is_none() {
            let Live { call, deadline, .. } = *self;
            // A guest that waits past its deadline is stopped like one that runs.
            tokio::spawn(timeout_at(deadline.into(), call));
        }
    }
}
