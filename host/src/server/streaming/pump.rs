//! What keeps a streamed exchange going: one task that polls the guest, the socket both ways, the
//! client's presence and the connection's one timer. Each side goes on as far as the other side
//! has room, whichever of request and response ends first.

use std::future::{Future, poll_fn};
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use httpd_http1::Connection;
use tokio::time::Instant;

use super::download::Download;
use super::outcome::{Account, Cut, Outcome};
use super::upload::{Trouble, Uploading};
use crate::dispatch::{
    Phase, Piece, Refusal, Report, Streamed, StreamedHead, UploadFailure, Usage,
};
use crate::server::connections::Connections;
use crate::server::settings::Settings;
use crate::server::transport::{Seen, Watch, Wire, WriteFailed};

/// After so many rounds in which something moved, other connections have a turn.
const ROUNDS_MAX: usize = 32;
/// So many pieces are taken before the other side has a turn: those that are thrown away fill
/// nothing.
const PIECES_MAX: usize = 64;

/// Statuses with which a guest is taken to go on with the request (RFC 9110 section 15.3).
const SUCCESS: RangeInclusive<u16> = 200..=299;

/// A guest on its way to be started.
pub(super) type Opening<'p> = Pin<&'p mut (dyn Future<Output = Result<Streamed, Refusal>> + Send)>;

/// One exchange under way, and all that moves it.
pub(super) struct Pump<'p> {
    pub(super) wire: Wire<'p>,
    pub(super) http: &'p mut Connection,
    pub(super) settings: &'p Settings,
    pub(super) connections: &'p Connections,
    pub(super) guest: Guest<'p>,
    pub(super) upload: Uploading,
    pub(super) download: Download<'p>,
    pub(super) watch: Watch<'p>,
    /// Whether a client that has ended its side has to be asked if it is still there.
    pub(super) may_ask: bool,
    /// When the response has to be complete.
    pub(super) deadline: Instant,
    pub(super) status: u16,
    pub(super) usage: Usage,
    pub(super) report: Option<Report>,
}

/// Where the guest is.
pub(super) enum Guest<'p> {
    /// It waits for its place, and for no longer than the deadline.
    Opening(Opening<'p>),
    Running(Streamed),
    /// Its response is over. What it still does can wait until that is written.
    Ended(Streamed),
    /// It is not to be polled any more.
    Left,
}

impl Pump<'_> {
    /// Moves the exchange to its end.
    pub(super) async fn run(&mut self) -> Outcome {
        poll_fn(|cx| match self.turn(cx) {
            Ok(()) => Poll::Pending,
            Err(outcome) => Poll::Ready(self.settle(outcome)),
        })
        .await
    }

    /// Lets the guest of a client that is gone notice that, for a short time.
    pub(super) async fn farewell(&mut self) {
        self.upload.fail(UploadFailure::Broken, self.http);
        let until = Instant::now() + self.settings.farewell;
        let Self { guest, wire, .. } = self;
        let Guest::Running(streamed) = guest else {
            return;
        };
        poll_fn(|cx| {
            if Instant::now() >= until || streamed.poll_farewell(cx).is_ready() {
                return Poll::Ready(());
            }
            wire.poll_passed(cx, until)
        })
        .await;
    }

    /// Stops the guest, and leaves in the output buffer what is not written; returns what follows
    /// it.
    pub(super) fn stop(mut self) -> (Bytes, Account) {
        self.leave_guest();
        self.note_usage();
        self.upload.fail(UploadFailure::Broken, self.http);
        let account = Account {
            status: self.status,
            usage: self.usage,
            report: self.report.take(),
            bytes_in: self.upload.bytes(),
            received: self.upload.over_since(),
            unreceived: self.upload.has_failed(),
            bytes_out: self.download.bytes_written(),
            write_begun: self.download.begun(),
        };
        (self.download.into_rest(), account)
    }

    /// Goes on until nothing moves, or others should have a turn.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), Outcome> {
        for _ in 0..ROUNDS_MAX {
            if !self.round(cx)? && !self.look_at_clock(cx)? {
                return Ok(());
            }
        }
        self.look_at_clock(cx)?;
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Gives each side a turn; true when one of them has moved. A guest that answers at once costs
    /// one write, and nobody has to look whether its client is still there.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<bool, Outcome> {
        let mut moved = self.ask_guest(cx)?;
        moved |= self.write(cx)?;
        self.leave_guest();
        self.end_if_complete()?;
        moved |= self.feed_guest(cx)?;
        moved |= self.look_at_client(cx)?;
        self.end_if_complete()?;
        Ok(moved)
    }

    fn end_if_complete(&self) -> Result<(), Outcome> {
        if self.download.is_complete() && self.upload.is_over() {
            return Err(Outcome::Complete);
        }
        Ok(())
    }

    /// What goes wrong with the rest of the request is no matter of a response that is complete.
    fn settle(&mut self, outcome: Outcome) -> Outcome {
        if !self.download.is_complete() {
            return outcome;
        }
        self.upload.fail(UploadFailure::Broken, self.http);
        Outcome::Complete
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Outcome> {
        let written = self.download.poll_write(cx, &mut self.wire);
        written.map_err(Outcome::WriteFailed)
    }

    /// Takes what the guest has: of a quick one everything, for one write.
    fn ask_guest(&mut self, cx: &mut Context<'_>) -> Result<bool, Outcome> {
        let mut moved = false;
        if let Guest::Opening(opening) = &mut self.guest {
            let Poll::Ready(opened) = opening.as_mut().poll(cx) else {
                return Ok(false);
            };
            self.guest = Guest::Left;
            self.guest = Guest::Running(opened.map_err(Outcome::Refused)?);
            moved = true;
        }
        if let Guest::Running(streamed) = &mut self.guest
            && !self.http.response_begun()
        {
            let Poll::Ready(head) = streamed.poll_head(cx) else {
                return Ok(moved);
            };
            self.begin(&head.map_err(Outcome::Refused)?)?;
            moved = true;
        }
        Ok(moved | self.take_pieces(cx)?)
    }

    fn begin(&mut self, head: &StreamedHead) -> Result<(), Outcome> {
        if let Err(trouble) = self.upload.look_ahead(self.http) {
            // It can still be told in place of what the guest makes of it.
            self.trouble(trouble)?;
        }
        if self.connections.is_stopping() || self.connections.is_short_of_places() {
            self.http.close_after_response();
        }
        if SUCCESS.contains(&head.status) && self.upload.is_held() {
            // A guest that passes the body on asks for it only now. After the final head the
            // client could not be asked any more (RFC 9110 section 10.1.1).
            self.http.send_continue(self.download.out());
        }
        let begun = self.download.begin(self.http, head);
        begun.map_err(Outcome::Unsendable)?;
        self.status = head.status;
        Ok(())
    }

    /// Takes of the body what is ready and has room.
    fn take_pieces(&mut self, cx: &mut Context<'_>) -> Result<bool, Outcome> {
        let Self {
            guest: Guest::Running(streamed),
            http,
            download,
            ..
        } = self
        else {
            return Ok(false);
        };
        let mismatch = |error| Outcome::CutOff(Cut::Mismatch(error));
        for taken in 0..PIECES_MAX {
            if !download.has_room() {
                // It may have other things to do.
                streamed.drive(cx);
                return Ok(taken > 0);
            }
            match streamed.poll_piece(cx) {
                Poll::Pending => return Ok(download.pause(http) || taken > 0),
                Poll::Ready(Piece::Data(data)) => download.put(http, data).map_err(mismatch)?,
                Poll::Ready(Piece::End(trailers)) => {
                    download.end(http, &trailers).map_err(mismatch)?;
                    self.end_guest();
                    return Ok(true);
                }
                Poll::Ready(Piece::Broken(refusal)) => {
                    return Err(Outcome::CutOff(Cut::Guest(refusal)));
                }
            }
        }
        Ok(true)
    }

    fn end_guest(&mut self) {
        self.note_usage();
        if let Guest::Running(streamed) = std::mem::replace(&mut self.guest, Guest::Left) {
            self.guest = Guest::Ended(streamed);
        }
    }

    /// Leaves a guest whose response is over to itself.
    fn leave_guest(&mut self) {
        if matches!(self.guest, Guest::Ended(_))
            && let Guest::Ended(streamed) = std::mem::replace(&mut self.guest, Guest::Left)
        {
            streamed.leave();
        }
    }

    fn note_usage(&mut self) {
        if let Guest::Running(streamed) = &self.guest {
            self.usage = streamed.usage();
            self.report = streamed.report();
        }
    }

    fn feed_guest(&mut self, cx: &mut Context<'_>) -> Result<bool, Outcome> {
        let Self {
            upload,
            http,
            wire,
            download,
            ..
        } = self;
        match upload.poll(cx, http, wire, download.out()) {
            Ok(moved) => Ok(moved),
            Err(trouble) => self.trouble(trouble),
        }
    }

    /// Ends a request that will not be complete.
    fn trouble(&mut self, trouble: Trouble) -> Result<bool, Outcome> {
        let Trouble::Refused {
            refusal,
            failure,
            client_left,
        } = trouble
        else {
            return Err(Outcome::Gone);
        };
        self.upload.fail(failure, self.http);
        self.refuse_unless_begun(if client_left {
            Outcome::LeftUnfinished(refusal)
        } else {
            Outcome::Refused(refusal)
        })
    }

    /// A response that has begun goes on, whatever becomes of the request; the guest knows of it,
    /// and the connection ends with it.
    fn refuse_unless_begun(&mut self, refused: Outcome) -> Result<bool, Outcome> {
        if !self.http.response_begun() {
            return Err(refused);
        }
        self.http.close_after_response();
        Ok(true)
    }

    fn look_at_client(&mut self, cx: &mut Context<'_>) -> Result<bool, Outcome> {
        let quiet = self.upload.is_complete() && !self.http.response_begun();
        match self.watch.look(cx, self.may_ask && quiet) {
            Seen::Nothing => Ok(false),
            Seen::Gone => Err(Outcome::Gone),
            Seen::Ask => {
                self.http.send_unasked_continue(self.download.out());
                Ok(true)
            }
        }
    }

    /// Waits for the next of all deadlines; true when one has passed and that has changed
    /// something.
    fn look_at_clock(&mut self, cx: &mut Context<'_>) -> Result<bool, Outcome> {
        let Settings { body, write, .. } = self.settings;
        let deadlines = [
            self.response_deadline(),
            self.upload.deadline(*body),
            self.download.deadline(*write),
            self.watch.look_at(),
        ];
        let Some(next) = deadlines.into_iter().flatten().min() else {
            return Ok(false);
        };
        if self.wire.poll_passed(cx, next).is_pending() {
            return Ok(false);
        }
        let now = Instant::now();
        let [response, upload, download, _] =
            deadlines.map(|deadline| deadline.is_some_and(|time| time <= now));
        if download {
            return Err(Outcome::WriteFailed(WriteFailed::Stalled));
        }
        if response {
            return Err(self.overran());
        }
        if upload {
            self.upload.fail(UploadFailure::Late, self.http);
            return self.refuse_unless_begun(Outcome::Refused(Refusal::SlowBody));
        }
        Ok(true)
    }

    /// A guest that is not started yet keeps the deadline by itself.
    fn response_deadline(&self) -> Option<Instant> {
        (!matches!(self.guest, Guest::Opening(_))).then_some(self.deadline)
    }

    /// The deadline of it all has passed.
    fn overran(&mut self) -> Outcome {
        let waits_for_client = self.upload.waiting_since().is_some();
        self.upload.fail(UploadFailure::Late, self.http);
        match (self.http.response_begun(), waits_for_client) {
            (false, true) => Outcome::Refused(Refusal::SlowBody),
            (false, false) => Outcome::Refused(Refusal::overran()),
            (true, _) if !self.download.is_flushed() => {
                Outcome::CutOff(Cut::Deadline(Phase::Write))
            }
            (true, true) => Outcome::CutOff(Cut::Deadline(Phase::Body)),
            (true, false) => Outcome::CutOff(Cut::Deadline(Phase::Guest)),
        }
    }
}
