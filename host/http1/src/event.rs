//! What the receive side reports.
//!
//! Plain data: events know nothing of the connection they came from.

use crate::fields::Fields;
use crate::head::RequestHead;

/// What came next of the bytes received.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Nothing is complete: append more with [`Connection::input`](crate::Connection::input) or
    /// say that no more will come with [`Connection::receive_eof`](crate::Connection::receive_eof).
    NeedData,
    /// A whole request head, for whoever answers. Give it back with
    /// [`Connection::recycle`](crate::Connection::recycle) when done with it.
    Head(Box<RequestHead>),
    /// A piece of the body, without transfer coding and never empty.
    Data(&'a [u8]),
    /// The body is complete. For a request without one this comes right after the head.
    End(Trailers),
    /// The request is complete; nothing is parsed until
    /// [`Connection::next_cycle`](crate::Connection::next_cycle). Pipelined bytes stay buffered.
    Paused,
    /// No further request will be read: the client ended its side between requests, or the
    /// response made the connection one to be closed.
    Closed,
}

/// The fields after a chunked body (RFC 9112 7.1.2). Without any, nothing is allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers {
    pub(crate) fields: Fields,
}

impl Trailers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.len() == 0
    }

    /// Names, in lower case, and values without surrounding white space, in the order received.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.fields.iter_text()
    }

    /// The first value of `name`, which is compared without case.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name)
    }
}
