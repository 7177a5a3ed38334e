//! A guest's response on its way to the connection: a head, then a body piece by piece. What the
//! guest says is checked here, and a body that breaks off can be told from one that ends.
//!
//! Nothing is buffered here: a piece is taken from the guest when the connection asks for it.

use super::shared::{Held, Woken};
use crate::guest::answer::{self, AnswerLimits};
use crate::guest::error::CallError;
use crate::guest::interface::Field;
use atomic_waker::AtomicWaker;
use bytes::Bytes;
use futures_channel::oneshot;
use http::HeaderMap;
use http_body::Body;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::task::{Context, Poll, ready};
use wasmtime_wasi_http::WasiBody;

/// The head of a response whose body follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamedHead {
    /// 200 to 599.
    pub status: u16,
    /// As in [`crate::guest::Response`]: checked, none of them frames the message.
    pub fields: Vec<Field>,
    /// The length that the guest announced; the body has to have it, unless none is sent.
    pub content_length: Option<u64>,
}

/// What comes next of a response's body.
#[derive(Debug)]
pub enum Piece {
    /// Some of it, never nothing.
    Data(Bytes),
    /// It is complete. These are its trailers.
    End(Vec<Field>),
    /// There will be no more of it, and it is not complete.
    Broken,
}

/// The guest's end: the response is given to it once. Dropping it without that says that there
/// will be none.
#[derive(Debug)]
pub(in crate::guest) struct Reply {
    sender: oneshot::Sender<http::Response<WasiBody>>,
    progress: Arc<Progress>,
}

/// Completes when the response was taken to its end, or nobody wants it any more; says whether it
/// was the first.
#[derive(Debug)]
pub(in crate::guest) struct Needed(Arc<Progress>);

/// Tells the connection, when dropped, that what it has of the response is not all of it. To be
/// dropped before the instance is, so that an end of the body which that makes is not taken for
/// one that the guest meant.
#[derive(Debug)]
pub(in crate::guest) struct Breaking {
    progress: Arc<Progress>,
    armed: bool,
}

/// What both ends know of a response.
#[derive(Debug, Default)]
struct Progress {
    broken: AtomicBool,
    taken: AtomicU8,
    /// Waits for it to be taken.
    waiting: AtomicWaker,
}

/// It is being taken, or was not begun yet.
const OPEN: u8 = 0;
/// It was taken to its end.
const TAKEN: u8 = 1;
/// The connection is gone, or wants no more of it.
const UNWANTED: u8 = 2;

/// The connection's end.
pub struct Download {
    head: Option<oneshot::Receiver<http::Response<WasiBody>>>,
    body: Option<WasiBody>,
    limits: AnswerLimits,
    /// The response has no body on the wire: nothing of it can be missing.
    bodiless: bool,
    progress: Arc<Progress>,
}

/// Both ends of a response to a request that is, or is not, a HEAD.
pub(in crate::guest) fn download(limits: AnswerLimits, is_head: bool) -> (Reply, Download) {
    let (sender, head) = oneshot::channel();
    let progress = Arc::<Progress>::default();
    let reply = Reply {
        sender,
        progress: Arc::clone(&progress),
    };
    let download = Download {
        head: Some(head),
        body: None,
        limits,
        bodiless: is_head,
        progress,
    };
    (reply, download)
}

impl Reply {
    /// Splits off what tells that the response breaks off.
    pub(in crate::guest) fn breaking(&self) -> Breaking {
        Breaking {
            progress: Arc::clone(&self.progress),
            armed: true,
        }
    }

    /// Splits off what says how long the response is needed.
    pub(in crate::guest) fn split(self) -> (Reply, Needed) {
        let needed = Needed(Arc::clone(&self.progress));
        (self, needed)
    }

    /// Hands the response over.
    pub(in crate::guest) fn send(self, response: http::Response<WasiBody>) {
        // It fails when nobody waits any more.
        let _ = self.sender.send(response);
    }
}

impl Progress {
    /// Notes how the taking ended, if it had not yet.
    fn end(self: &Arc<Progress>, how: u8) {
        let ended = self.taken.compare_exchange(OPEN, how, SeqCst, SeqCst);
        if ended.is_ok() && !Woken::is_told_of(self) {
            self.waiting.wake();
        }
    }
}

impl Held for Progress {
    /// Whoever waits for it may have seen it by now, and then no longer does.
    fn tell(&self) {
        self.waiting.wake();
    }
}

impl Future for Needed {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let is_over = || match self.0.taken.load(SeqCst) {
            OPEN => Poll::Pending,
            taken => Poll::Ready(taken == TAKEN),
        };
        if is_over().is_pending() {
            self.0.waiting.register(context.waker());
        }
        let over = is_over();
        if over.is_ready() {
            self.0.waiting.take();
        }
        over
    }
}

impl Breaking {
    /// All went well.
    pub(in crate::guest) fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for Breaking {
    fn drop(&mut self) {
        if self.armed {
            self.progress.broken.store(true, SeqCst);
        }
    }
}

impl Download {
    /// The head of the response, once; `None` when the guest gave none.
    pub fn poll_head(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<StreamedHead, CallError>>> {
        let Some(head) = &mut self.head else {
            return Poll::Ready(None);
        };
        let received = ready!(Pin::new(head).poll(context));
        self.head = None;
        Poll::Ready(received.ok().map(|response| self.take(response)))
    }

    fn take(&mut self, response: http::Response<WasiBody>) -> Result<StreamedHead, CallError> {
        let (parts, body) = response.into_parts();
        let mut fields = fields(&parts.headers);
        let status = parts.status.as_u16();
        answer::check_head(status, &mut fields, &self.limits)?;
        let announced = answer::take_announced(&mut fields)?;
        self.bodiless |= matches!(status, 204 | 304);
        self.body = Some(body);
        Ok(StreamedHead {
            status,
            fields,
            content_length: announced,
        })
    }

    /// What comes next of the body, after the head. After an end of any kind there is nothing more.
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Piece> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Piece::Broken);
        };
        loop {
            let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(context)) else {
                return Poll::Ready(self.ended(Vec::new()));
            };
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) if data.is_empty() => {}
                Ok(Ok(data)) => return Poll::Ready(Piece::Data(data)),
                Ok(Err(frame)) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    return Poll::Ready(self.trailers(&trailers));
                }
                Err(error) => {
                    tracing::debug!("the body of a response broke off: {error}");
                    return Poll::Ready(self.break_off());
                }
            }
        }
    }

    /// Whether the guest's call has failed, or is about to be known to have.
    pub fn has_call_failed(&self) -> bool {
        self.progress.broken.load(SeqCst)
    }

    fn trailers(&mut self, map: &HeaderMap) -> Piece {
        let mut trailers = fields(map);
        match answer::check_fields(&mut trailers, &self.limits) {
            Ok(()) => self.ended(trailers),
            Err(error) => {
                tracing::debug!("the trailers of a response are refused: {error}");
                self.break_off()
            }
        }
    }

    fn ended(&mut self, trailers: Vec<Field>) -> Piece {
        if self.has_call_failed() {
            return self.break_off();
        }
        self.over();
        Piece::End(trailers)
    }

    fn break_off(&mut self) -> Piece {
        if self.has_call_failed() {
            // It ends with that failure, and not by what was taken.
            self.progress.end(UNWANTED);
        }
        self.over();
        if self.bodiless {
            Piece::End(Vec::new())
        } else {
            Piece::Broken
        }
    }

    fn over(&mut self) {
        self.body = None;
        self.progress.end(TAKEN);
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.progress.end(UNWANTED);
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut download = formatter.debug_struct("Download");
        download.field("head", &self.head).finish_non_exhaustive()
    }
}

fn fields(map: &HeaderMap) -> Vec<Field> {
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| Field {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    map.iter().map(field).collect()
}

#[cfg(test)]
mod tests;
