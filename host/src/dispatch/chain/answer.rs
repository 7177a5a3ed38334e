//! What a link answers, on its way to the one before it: bodies that are taken piece by piece, and
//! say when nobody wants the rest.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;

use super::link::Turn;
use super::{Chain, Refusal};
use crate::dispatch::Lease;
use crate::guest::{self, CallError, Download, Field, NextBody, NextError, Response, StreamedHead};

/// Bytes of a body that is here which are handed over at once.
const PIECE_BYTES: usize = 64 << 10;

/// The response of a guest that streams. The body is the guest's own: no byte of it is kept here.
pub(super) struct Answering {
    chain: Arc<Chain>,
    index: usize,
    /// Gone at the end.
    download: Option<Download>,
    /// Completes when the call has ended, and what it came to was noted.
    over: Option<oneshot::Receiver<()>>,
    /// Dropped without a word it says that nobody wants the rest.
    wanted: Option<oneshot::Sender<()>>,
    turn: Option<Turn>,
}

impl Answering {
    pub(super) fn new(
        chain: &Arc<Chain>,
        index: usize,
        download: Download,
        over: oneshot::Receiver<()>,
        wanted: oneshot::Sender<()>,
        turn: Turn,
    ) -> Self {
        Self {
            chain: Arc::clone(chain),
            index,
            download: Some(download),
            over: Some(over),
            wanted: Some(wanted),
            turn: Some(turn),
        }
    }

    /// Waits for the head.
    ///
    /// # Errors
    /// There is none, or it must not be passed on. What went wrong was noted.
    pub(super) async fn begin(mut self) -> Result<http::Response<NextBody>, NextError> {
        match poll_fn(|cx| self.poll_head(cx)).await {
            Some(Ok(head)) => {
                let StreamedHead {
                    status,
                    fields,
                    content_length,
                } = head;
                let head = guest::response_head(status, &fields, content_length);
                Ok(head.map(|()| self.boxed_unsync()))
            }
            Some(Err(error)) => Err(self.chain.refuse(self.index, Refusal::Guest(error))),
            None => {
                poll_fn(|cx| self.poll_over(cx)).await;
                Err(self.chain.told())
            }
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<StreamedHead, CallError>>> {
        match &mut self.download {
            Some(download) => download.poll_head(cx),
            None => Poll::Ready(None),
        }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(over) = &mut self.over {
            // An error says that it was stopped.
            let _ = ready!(Pin::new(over).poll(cx));
            self.over = None;
        }
        Poll::Ready(())
    }

    /// The response is complete: its guest may work on.
    fn complete(&mut self) {
        self.download = None;
        self.turn = None;
        if let Some(wanted) = self.wanted.take() {
            // It fails when the guest has ended.
            let _ = wanted.send(());
        }
    }

    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, NextError>>> {
        let Some(download) = &mut self.download else {
            return Poll::Ready(None);
        };
        match ready!(download.poll_piece(cx)) {
            guest::Piece::Data(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            guest::Piece::End(trailers) => {
                self.complete();
                let trailers = (!trailers.is_empty()).then(|| frame_of(&trailers));
                Poll::Ready(trailers.map(Ok))
            }
            guest::Piece::Broken => {
                if download.has_call_failed() {
                    // Why is known when the call has ended, which it is about to.
                    ready!(self.poll_over(cx));
                }
                self.download = None;
                let broken = Refusal::Guest(CallError::BrokenBody);
                if !self.chain.has_failed_behind(self.index - 1) {
                    self.chain.refuse(self.index, broken);
                }
                Poll::Ready(Some(Err(NextError::Incomplete)))
            }
        }
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = NextError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, NextError>>> {
        let polled = self.poll_piece(cx);
        self.chain.set_awaited(self.index, polled.is_pending());
        polled
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.chain.set_awaited(self.index, false);
    }
}

fn frame_of(trailers: &[Field]) -> Frame<Bytes> {
    Frame::trailers(
        guest::response_head(200, trailers, None)
            .into_parts()
            .0
            .headers,
    )
}

/// The body of an answer that is here, with its share of the memory for bodies.
pub(super) struct Held {
    data: Bytes,
    _lease: Lease,
    _turn: Turn,
}

impl Held {
    /// An answer as the guest before gets it.
    pub(super) fn respond(
        answer: Response,
        is_head: bool,
        lease: Lease,
        turn: Turn,
    ) -> http::Response<NextBody> {
        let Response {
            status,
            fields,
            body,
            content_length,
        } = answer;
        // Some responses have the length of what they leave out, and one has none.
        let is_bodiless = is_head || matches!(status, 204 | 304);
        let (data, length) = match is_bodiless {
            true => (Bytes::new(), content_length),
            false => (Bytes::from(body), None),
        };
        let length = length.or((!is_bodiless).then_some(data.len() as u64));
        let body = Self {
            data,
            _lease: lease,
            _turn: turn,
        };
        guest::response_head(status, &fields, length).map(|()| body.boxed_unsync())
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = NextError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, NextError>>> {
        let bytes = self.data.len().min(PIECE_BYTES);
        let piece = self.data.split_to(bytes);
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty()
    }
}
