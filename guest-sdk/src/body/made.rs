//! Bodies that this guest's own code writes. The writing future and the one slot its pieces pass
//! through live in the body itself: whoever reads the body runs the writer, and so there is no
//! queue, and no task that could be left behind.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use crate::{Error, raw};

type Writing = Pin<Box<dyn Future<Output = Result<Vec<raw::Field>, Error>>>>;

/// A body being written.
pub(super) struct Made {
    writing: Writing,
    slot: Slot,
    /// What is still to come, if the author said how much.
    left: Option<u64>,
}

/// What passes from the writer to the reader: one piece at a time.
type Slot = Rc<RefCell<State>>;

#[derive(Default)]
struct State {
    piece: Option<Vec<u8>>,
    abandoned: bool,
}

impl Made {
    /// Nothing of `write` runs before the body is read.
    pub(super) fn new<F>(write: F) -> Self
    where
        F: AsyncFnOnce(&mut BodyWriter) -> Result<(), Error> + 'static,
    {
        let slot = Slot::default();
        let mut writer = BodyWriter {
            slot: slot.clone(),
            trailers: Vec::new(),
        };
        let writing = Box::pin(async move {
            write(&mut writer).await?;
            Ok(writer.trailers)
        });
        Self {
            writing,
            slot,
            left: None,
        }
    }

    pub(super) fn set_length(&mut self, length: u64) {
        self.left = Some(length);
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.left
    }

    /// Runs the writer until there is a piece, or none is left.
    pub(super) async fn next(
        &mut self,
        trailers: &mut Vec<raw::Field>,
    ) -> Result<Option<Vec<u8>>, Error> {
        poll_fn(|cx| {
            if let Some(piece) = self.take() {
                return Poll::Ready(Ok(Some(piece)));
            }
            let polled = self.writing.as_mut().poll(cx);
            match (self.take(), polled) {
                (Some(piece), Poll::Pending) => Poll::Ready(Ok(Some(piece))),
                (Some(piece), Poll::Ready(end)) => {
                    self.writing = Box::pin(std::future::ready(end));
                    Poll::Ready(Ok(Some(piece)))
                }
                (None, Poll::Pending) => Poll::Pending,
                (None, Poll::Ready(end)) => {
                    self.writing = Box::pin(std::future::pending());
                    Poll::Ready(end.map(|written| {
                        trailers.extend(written);
                        None
                    }))
                }
            }
        })
        .await
    }

    /// Runs the writer to its end without a reader.
    pub(super) async fn abandon(self) {
        {
            let mut slot = self.slot.borrow_mut();
            slot.abandoned = true;
            slot.piece = None;
        }
        if let Err(error) = self.writing.await {
            log::debug!("nobody reads the body any more: {error}");
        }
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let piece = self.slot.borrow_mut().piece.take()?;
        let length = piece.len() as u64;
        self.left = self.left.map(|left| left.saturating_sub(length));
        Some(piece)
    }
}

/// Where the author of a body writes it to.
pub struct BodyWriter {
    slot: Slot,
    trailers: Vec<raw::Field>,
}

impl BodyWriter {
    /// Sends a piece as soon as the one before is on its way. An empty one is nothing.
    ///
    /// # Errors
    /// When nobody reads the body any more: the client has gone.
    pub async fn write(&mut self, piece: impl Into<Vec<u8>>) -> Result<(), Gone> {
        let mut piece = Some(piece.into());
        poll_fn(|_| {
            let mut slot = self.slot.borrow_mut();
            if slot.abandoned {
                return Poll::Ready(Err(Gone));
            }
            if piece.as_ref().is_none_or(Vec::is_empty) {
                return Poll::Ready(Ok(()));
            }
            // The reader takes a piece before it polls again, so that no waker is needed.
            if slot.piece.is_some() {
                return Poll::Pending;
            }
            slot.piece = piece.take();
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Adds a field to be sent after the body.
    pub fn add_trailer(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let (name, value) = (name.to_ascii_lowercase(), value.as_ref().to_vec());
        self.trailers.push(raw::Field { name, value });
    }
}

/// Nobody reads a body any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the body any more")
    }
}

impl std::error::Error for Gone {}
