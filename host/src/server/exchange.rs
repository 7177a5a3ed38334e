//! One request and its response.
//!
//! A request flows through without turning back: head, route, body, guest, response. Wherever it
//! is refused, the refusal is sent as a response of its own and the rest of the request is read
//! and thrown away, here or in the lingering close.

use std::pin::pin;

use futures_util::future::poll_immediate;
use httpd_http1::{Event, RequestHead};
use tokio::time::Instant;

use super::access::Line;
use super::driver::{Driver, Next};
use super::received::Received;
use super::transport::{Read, Wait, WriteFailed};
use crate::dispatch::{Decision, Plan, Refusal};

/// An answer's body up to this size takes no share of `limits.buffered_max`: the connection's own
/// buffers, which it is about to be copied into, have more room than that.
const OWN_BYTES: usize = 4 * 1024;

/// What came of waiting for a head.
enum Arrival {
    Head(Box<RequestHead>, Instant),
    Refused(Refusal, Instant),
    /// Nothing to answer.
    Nothing(Next),
}

/// The request cannot be answered any more: the client is gone.
pub(super) struct Gone;

impl Driver {
    /// Waits for a request, answers it, and says what becomes of the connection.
    pub(super) async fn exchange(&mut self) -> Next {
        match self.receive_head().await {
            Arrival::Nothing(next) => {
                self.idle.transport.slot().set_leaving();
                next
            }
            Arrival::Refused(refusal, first_byte) => {
                self.idle.transport.slot().set_busy();
                self.asked.clear();
                let mut line = Line::new(self.idle.shared.ids.next(), first_byte);
                self.refuse(refusal, &mut line).await
            }
            Arrival::Head(head, first_byte) => {
                self.idle.transport.slot().set_busy();
                self.answer(head, first_byte).await
            }
        }
    }

    async fn receive_head(&mut self) -> Arrival {
        let waiting_since = self.idle.since;
        let mut first_byte = self.http.head_begun().then_some(waiting_since);
        loop {
            match self.http.next_event() {
                Ok(Event::Head(head)) => {
                    return Arrival::Head(head, first_byte.unwrap_or(waiting_since));
                }
                Ok(Event::NeedData) => {}
                Ok(_) => return Arrival::Nothing(self.end_between_requests()),
                Err(error) => {
                    let refusal = Refusal::malformed(error.status(), &error);
                    return Arrival::Refused(refusal, first_byte.unwrap_or(waiting_since));
                }
            }
            let (deadline, wait) = self.head_deadline(first_byte, waiting_since);
            if self.flush().await.is_err() {
                return Arrival::Nothing(Next::Close);
            }
            match self
                .idle
                .transport
                .read(self.http.input(), deadline, wait)
                .await
            {
                Read::Bytes(_) => {
                    self.read_at = Instant::now();
                    first_byte.get_or_insert(self.read_at);
                }
                Read::End => self.http.receive_eof(),
                Read::Late if wait == Wait::Busy => {
                    return Arrival::Refused(Refusal::SlowHead, first_byte.unwrap_or(deadline));
                }
                Read::Late | Read::Dismissed => return Arrival::Nothing(Next::Close),
                Read::Broken => return Arrival::Nothing(Next::Drop),
            }
        }
    }

    /// The client closed between requests: after its FIN nothing is unread, and before it the
    /// host may not just let go.
    fn end_between_requests(&self) -> Next {
        if self.idle.transport.has_ended() {
            Next::Drop
        } else {
            Next::Close
        }
    }

    /// A head that has begun has its own time. Empty lines before a head do not begin it.
    fn head_deadline(&self, first_byte: Option<Instant>, since: Instant) -> (Instant, Wait) {
        let settings = &self.idle.settings;
        match first_byte {
            Some(first) if self.http.head_begun() => {
                // It will not leave when asked to, so a newcomer must not count on it.
                self.idle.transport.slot().set_busy();
                (first + settings.head, Wait::Busy)
            }
            _ => {
                let kept = self.idle.answered > 0;
                self.idle.transport.slot().set_idle(kept, since.into_std());
                (since + settings.idle_max(kept), Wait::Idle)
            }
        }
    }

    async fn answer(&mut self, head: Box<RequestHead>, first_byte: Instant) -> Next {
        let mut line = Line::new(self.idle.shared.ids.next(), first_byte);
        let text = line.set_head(&head, &mut self.asked);
        let dispatch = self.idle.shared.dispatch.load();
        let decision = dispatch.decide(text.method, text.authority, text.path);
        drop(dispatch);
        match decision {
            Decision::Refuse(refusal) => {
                self.http.recycle(head);
                self.refuse(refusal, &mut line).await
            }
            Decision::Answer(answer) => {
                self.http.recycle(head);
                self.respond(answer, &mut line).await
            }
            Decision::Call(plan) => self.call(head, plan, &mut line).await,
        }
    }

    async fn call(&mut self, head: Box<RequestHead>, plan: Plan, line: &mut Line) -> Next {
        self.asked.set_target(plan.target());
        if let Some(refusal) = plan.refusal() {
            return self.refuse(refusal, line).await;
        }
        if plan.is_streamed() {
            let has_gathered = self.gathered.is_some();
            if let Err(failed) = self.flush().await {
                return self.cannot_write(failed, line);
            }
            // The guest has not had the time that the client took to take what was gathered.
            let asked = has_gathered.then(Instant::now);
            // On the heap: connections of other guests need not have room for it.
            return Box::pin(self.stream(head, plan, asked, line)).await;
        }
        let deadline = line.first_byte + plan.deadline();
        let body = match self
            .receive_body(head.body_length(), plan.body_max(), deadline)
            .await
        {
            Ok(Ok(body)) => body,
            Ok(Err(refusal)) => return self.refuse(refusal, line).await,
            Err(WriteFailed::Broken) => {
                return line.give_up("the client left while it sent", self, Next::Drop);
            }
            Err(failed) => return self.cannot_write(failed, line),
        };
        let received_at = line.received(&body.bytes, self.read_at);
        let received = Received {
            id: line.id,
            client: self.idle.peer.clone(),
            head,
            body,
        };
        // The body goes with the call: its room is free again before the answer asks for its own.
        let ended = {
            let (received_at, deadline) = (received_at.into_std(), deadline.into_std());
            let mut call = pin!(plan.call(received, received_at, deadline, &mut line.served));
            match poll_immediate(&mut call).await {
                Some(result) => Ok(result),
                // Dropping the call stops the guest.
                None => tokio::select! {
                    biased;
                    result = &mut call => Ok(result),
                    end = self.attend() => Err(end),
                },
            }
        };
        let (result, head) = match ended {
            Ok(ended) => ended,
            Err(Ok(Gone)) => {
                return line.give_up("the client left while it waited", self, Next::Drop);
            }
            Err(Err(failed)) => return self.cannot_write(failed, line),
        };
        // Not that of a guest that was stopped, or has panicked.
        if let Some(head) = head {
            self.http.recycle(head);
        }
        let size = result.as_ref().map_or(0, |answer| answer.body.len());
        let mut lease = (size > OWN_BYTES).then(|| self.idle.shared.buffered.lease());
        let has_room = lease.as_mut().is_none_or(|lease| lease.grow(size));
        match result {
            Ok(answer) if has_room => self.respond(answer, line).await,
            Ok(_) => self.refuse(Refusal::OutOfBuffers, line).await,
            Err(refusal) => self.refuse(refusal, line).await,
        }
    }

    /// Sends what was answered to the requests before, which does not wait for a guest, and
    /// completes when the client is gone.
    async fn attend(&mut self) -> Result<Gone, WriteFailed> {
        self.flush().await?;
        Ok(self.hang_up().await)
    }

    /// Ends an exchange whose client does not take what it was sent before. It may yet.
    fn cannot_write(&mut self, failed: WriteFailed, line: &mut Line) -> Next {
        line.set_write_failed(failed);
        line.write(self);
        Next::Close
    }

    /// Sends the refusal in place of a response.
    pub(super) async fn refuse(&mut self, refusal: Refusal, line: &mut Line) -> Next {
        if refusal.ends_connection() {
            self.http.close_after_response();
        }
        let answer = refusal.answer(line.id, self.idle.settings.retry_after);
        line.set_refusal(refusal);
        self.skip_present();
        self.respond(answer, line).await
    }

    /// Reads past what is here of a body that nobody wants. When that is all of it, the connection
    /// can be kept, also if its length was not known.
    fn skip_present(&mut self) {
        while let Ok(Event::Data(_) | Event::End(_)) = self.http.next_event() {}
    }
}
