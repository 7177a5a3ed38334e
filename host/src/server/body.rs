//! Receiving a request's body into memory, within the route's limit, the common budget, the time
//! without progress and the request's deadline. No instance is taken before this is done.

use std::sync::Arc;

use httpd_http1::{BodyLength, Event};
use tokio::time::Instant;

use super::driver::Driver;
use super::transport::{Read, Wait, WriteFailed};
use crate::dispatch::{Budget, Lease, Refusal};

/// A body grows by at least this much, so that it is not copied for every packet.
const GROWTH_BYTES_MIN: usize = 16 * 1024;

/// A whole body and its share of the memory for bodies.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// None as long as it is empty.
    lease: Option<Lease>,
}

impl Body {
    /// Appends `piece`; false when the memory for all bodies, which `budget` has, is used up.
    /// `length_max` is what the body can come to, so that its last growth does not overshoot.
    fn append(&mut self, piece: &[u8], length_max: u64, budget: &Arc<Budget>) -> bool {
        let needed = self.bytes.len() + piece.len();
        if needed > self.bytes.capacity() {
            let length_max = usize::try_from(length_max).unwrap_or(usize::MAX);
            let doubled = (self.bytes.capacity() * 2).max(GROWTH_BYTES_MIN);
            let capacity = doubled.min(length_max).max(needed);
            let lease = self.lease.get_or_insert_with(|| budget.lease());
            if !lease.grow(capacity - self.bytes.capacity()) {
                return false;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        true
    }
}

impl Driver {
    /// Receives the whole body of the request whose head was read. The inner error is to be
    /// answered; the outer one says that nobody is there to read an answer.
    pub(super) async fn receive_body(
        &mut self,
        length: BodyLength,
        body_max: u64,
        deadline: Instant,
    ) -> Result<Result<Body, Refusal>, WriteFailed> {
        let mut body = Body {
            bytes: Vec::new(),
            lease: None,
        };
        if matches!(length, BodyLength::Known(bytes) if bytes > body_max) {
            return Ok(Err(Refusal::BodyTooLarge { body_max }));
        }
        let length_max = if let BodyLength::Known(bytes) = length {
            bytes
        } else {
            body_max
        };
        loop {
            match self.http.next_event() {
                Ok(Event::Data(piece)) => {
                    if (body.bytes.len() + piece.len()) as u64 > body_max {
                        return Ok(Err(Refusal::BodyTooLarge { body_max }));
                    }
                    if !body.append(piece, length_max, &self.idle.shared.buffered) {
                        return Ok(Err(Refusal::OutOfBuffers));
                    }
                    continue;
                }
                Ok(Event::NeedData) => {}
                Ok(_) => return Ok(Ok(body)),
                Err(error) => return Ok(Err(Refusal::malformed(error.status(), &error))),
            }
            match self.receive_more(deadline).await? {
                Read::Bytes(_) => {}
                Read::End => self.http.receive_eof(),
                Read::Late | Read::Dismissed => return Ok(Err(Refusal::SlowBody)),
                Read::Broken => return Err(WriteFailed::Broken),
            }
        }
    }

    /// Asks for the body where the client waits to be asked, then waits for bytes.
    async fn receive_more(&mut self, deadline: Instant) -> Result<Read, WriteFailed> {
        let stall = Instant::now() + self.idle.settings.body;
        self.http.send_continue(&mut self.out);
        if !self.out.is_empty() {
            let patience = self.idle.settings.write.min(deadline - Instant::now());
            let written = self.idle.transport.write(&self.out, &[], patience).await;
            self.out.clear();
            written?;
        }
        let read = self
            .idle
            .transport
            .read(self.http.input(), deadline.min(stall), Wait::Busy)
            .await;
        self.read_at = Instant::now();
        Ok(read)
    }
}
