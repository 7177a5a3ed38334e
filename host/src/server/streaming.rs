//! One request whose bodies are streamed: its guest runs while the request still arrives, and its
//! response is sent as it is made. What is held of either body is bounded, whatever its length.
//!
//! As for every request, a refusal is a response of its own, and so is a failure before the
//! response has begun. After that nothing but the missing end can tell the client: the response is
//! cut off, never completed, and the connection ends with the lingering close.

mod download;
mod outcome;
mod pump;
mod upload;

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use httpd_http1::{BodyLength, RequestHead};
use tokio::time::Instant;

use super::access::Line;
use super::driver::{Driver, Next};
use super::idle::Idle;
use super::received::Received;
use super::transport::{Watch, WriteFailed, broken, ended, has_to_be_asked};
use crate::dispatch::{self, Allowance, Plan, Refusal, UploadSender, Usage};
use download::Download;
use outcome::Outcome;
use pump::{Guest, Opening, Pump};
use upload::Uploading;

pub(super) use outcome::{Account, Cut};

/// What bounds an exchange, besides the settings of all.
struct Bounds {
    length: BodyLength,
    body_max: u64,
    /// Since when its head, and what follows it so far, is here.
    received: Instant,
    /// When the response has to be complete.
    deadline: Instant,
}

/// An exchange that is over, but for what the host still has to say.
struct Ended {
    outcome: Outcome,
    /// What follows the output buffer.
    rest: Bytes,
    account: Account,
}

impl Driver {
    /// Answers a request by a guest that streams, and that is asked for since then, if not since
    /// the request is there.
    pub(super) async fn stream(
        &mut self,
        head: Box<RequestHead>,
        plan: Plan,
        asked: Option<Instant>,
        line: &mut Line,
    ) -> Next {
        let bounds = Bounds {
            length: head.body_length(),
            body_max: plan.body_max(),
            received: self.read_at.max(line.first_byte),
            deadline: line.first_byte + plan.deadline(),
        };
        let received = Received {
            id: line.id,
            client: self.idle.peer.clone(),
            head,
            body: (),
        };
        let (sender, upload) = dispatch::upload(match bounds.length {
            BodyLength::None => Some(0),
            BodyLength::Known(bytes) => Some(bytes),
            BodyLength::Chunked => None,
        });
        let mut served = std::mem::take(&mut line.served);
        let allowed = Allowance {
            asked: asked.unwrap_or(bounds.received).into_std(),
            deadline: bounds.deadline.into_std(),
            farewell: self.idle.settings.farewell,
            buffered: Arc::clone(&self.idle.shared.buffered),
        };
        let ended = {
            let opening = pin!(plan.open(&received, upload, &allowed, &mut served));
            self.pump(opening, sender, &bounds).await
        };
        line.served = served;
        self.http.recycle(received.head);
        self.conclude(ended, line).await
    }

    /// Has the guest of `opening` answer the request whose head was read.
    async fn pump(&mut self, opening: Opening<'_>, sender: UploadSender, bounds: &Bounds) -> Ended {
        let body_max = bounds.body_max;
        if matches!(bounds.length, BodyLength::Known(bytes) if bytes > body_max) {
            return Ended::refused(Refusal::BodyTooLarge { body_max });
        }
        let Self {
            idle, http, out, ..
        } = self;
        let Idle {
            transport,
            shared,
            settings,
            ..
        } = &mut **idle;
        let wire = transport.wire();
        let socket = wire.stream();
        let (mut ended, mut broken) = (pin!(ended(socket)), pin!(broken(socket)));
        let buffer_max = settings.stream_buffer;
        let mut pump = Pump {
            wire,
            guest: Guest::Opening(opening),
            upload: Uploading::new(sender, http, bounds, buffer_max),
            download: Download::new(out, buffer_max),
            http,
            settings,
            connections: &shared.connections,
            watch: Watch::new(ended.as_mut(), broken.as_mut(), settings.hang_up),
            may_ask: has_to_be_asked(socket),
            deadline: bounds.deadline,
            status: 0,
            usage: Usage::default(),
            report: None,
        };
        let outcome = pump.run().await;
        if outcome.client_left() {
            pump.farewell().await;
        }
        let (rest, account) = pump.stop();
        Ended {
            outcome,
            rest,
            account,
        }
    }

    /// Does what is left to be done after an exchange.
    async fn conclude(&mut self, ended: Ended, line: &mut Line) -> Next {
        let Ended {
            outcome,
            rest,
            account,
        } = ended;
        line.streamed(&account);
        match outcome {
            Outcome::Complete => {
                self.idle.answered += 1;
                line.write(self);
                line.served.tidy();
                self.give_memory_back(&account);
                self.finish().await
            }
            Outcome::Refused(refusal) | Outcome::LeftUnfinished(refusal) => {
                self.refuse(refusal, line).await
            }
            Outcome::CutOff(cut) => self.cut_off(cut, &rest, line).await,
            Outcome::Gone if account.status > 0 => {
                line.set_write_failed(WriteFailed::Broken);
                line.write(self);
                Next::Drop
            }
            Outcome::Gone if account.unreceived => {
                line.give_up("the client left while it sent", self, Next::Drop)
            }
            Outcome::Gone => line.give_up("the client left while it waited", self, Next::Drop),
            Outcome::WriteFailed(failed) => {
                line.set_write_failed(failed);
                line.write(self);
                Next::Close
            }
            Outcome::Unsendable(error) => {
                tracing::error!(id = %line.id, "a checked response was refused: {error}");
                line.give_up("the response could not be encoded", self, Next::Close)
            }
        }
    }

    /// Sends what there is of a response that will never be complete, and nothing that looks like
    /// its end.
    async fn cut_off(&mut self, cut: Cut, rest: &[u8], line: &mut Line) -> Next {
        self.http.abandon_response();
        line.set_cut_off(cut);
        let unsent = (self.out.len() + rest.len()) as u64;
        let stall = self.idle.settings.write;
        match self.idle.transport.write(&self.out, rest, stall).await {
            Ok(()) => line.bytes_out += unsent,
            Err(failed) => tracing::debug!(id = %line.id, ?failed, "cut off earlier still"),
        }
        line.write(self);
        Next::Close
    }

    /// Large buffers are not kept for requests that may never come.
    fn give_memory_back(&mut self, account: &Account) {
        self.out.shrink_to(super::respond::OUT_BYTES_KEPT);
        if account.bytes_in > super::transport::READ_BYTES as u64 {
            self.http.release_buffers();
        }
    }
}

impl Ended {
    /// An exchange that never began.
    fn refused(refusal: Refusal) -> Self {
        Self {
            outcome: Outcome::Refused(refusal),
            rest: Bytes::new(),
            account: Account::default(),
        }
    }
}
