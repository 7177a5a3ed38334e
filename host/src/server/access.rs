//! The access log: one line for each request, whatever became of it.

mod entry;

use std::fmt::Display;
use std::time::Duration;

use httpd_http1::{RequestHead, RequestText};
use tokio::time::Instant;

use super::driver::{Driver, Next};
use super::streaming::{Account, Cut};
use super::transport::WriteFailed;
use crate::dispatch::{Phase, Refusal, RequestId, Served, Target, Usage};

use entry::Events;
pub use entry::{AccessEntry, AccessLog};

/// The longest part of a request's target that is logged.
const TARGET_BYTES_MAX: usize = 512;

/// What was asked for, and of whom, as the line says it. A connection keeps it apart from the
/// request's head, which goes to the guest, and uses its memory again for the next request.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The method, the target and the guest's name, each right behind the one before.
    text: String,
    method_bytes: usize,
    /// Where the target ends.
    target_end: usize,
}

impl Asked {
    /// Forgets the request before, for one without a head.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        (self.method_bytes, self.target_end) = (0, 0);
    }

    fn set(&mut self, text: &RequestText<'_>) {
        let RequestText { method, target, .. } = *text;
        // The protocol lets only visible ASCII through, so any place is a character's boundary.
        self.text.clear();
        self.text.push_str(method);
        self.text
            .push_str(&target[..target.len().min(TARGET_BYTES_MAX)]);
        (self.method_bytes, self.target_end) = (method.len(), self.text.len());
    }

    /// Notes which guest answers there.
    pub(super) fn set_target(&mut self, target: &Target) {
        self.text.truncate(self.target_end);
        self.text.push_str(target.slot.name());
    }

    fn method(&self) -> &str {
        or_dash(self.text.get(..self.method_bytes))
    }

    fn target(&self) -> &str {
        or_dash(self.text.get(self.method_bytes..self.target_end))
    }

    fn guest(&self) -> &str {
        or_dash(self.text.get(self.target_end..))
    }
}

fn or_dash(text: Option<&str>) -> &str {
    text.filter(|text| !text.is_empty()).unwrap_or("-")
}

/// What is known of a request so far.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: RequestId,
    /// When the first byte of the request came, or the wait for it ended.
    pub(super) first_byte: Instant,
    pub(super) status: u16,
    pub(super) bytes_out: u64,
    bytes_in: u64,
    received: Option<Instant>,
    is_head: bool,
    pub(super) served: Served,
    write_begun: Option<Instant>,
    refusal: Option<Refusal>,
    failure: Option<&'static str>,
    cut: Option<Cut>,
    /// What the request was waiting for when its time was over.
    overran: Option<Phase>,
}

/// What the access line says of a call.
struct Called<'a> {
    queued: Duration,
    /// Its number, and the first digits of its hash.
    generation: Option<(u64, &'a str)>,
    usage: &'a Usage,
    /// The guest of a chain that failed, or answered in place of those behind it.
    link: Option<&'a str>,
}

impl Line {
    /// A line for a request of which nothing but its beginning is known.
    pub(super) fn new(id: RequestId, first_byte: Instant) -> Self {
        Self {
            id,
            first_byte,
            status: 0,
            bytes_out: 0,
            bytes_in: 0,
            received: None,
            is_head: false,
            served: Served::default(),
            write_begun: None,
            refusal: None,
            failure: None,
            cut: None,
            overran: None,
        }
    }

    /// Takes what it says from the head, and notes method and target in `asked`. Returns the head's
    /// text.
    pub(super) fn set_head<'a>(
        &mut self,
        head: &'a RequestHead,
        asked: &mut Asked,
    ) -> RequestText<'a> {
        let text = head.text();
        self.bytes_in = head.head_bytes() as u64;
        self.is_head = text.method == "HEAD";
        asked.set(&text);
        text
    }

    /// Whether the request is a HEAD.
    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }

    /// Notes that the whole body is here, since something was read last, at `read_at`. Returns
    /// since when.
    pub(super) fn received(&mut self, body: &[u8], read_at: Instant) -> Instant {
        self.bytes_in += body.len() as u64;
        let received = read_at.max(self.first_byte);
        self.received = Some(received);
        received
    }

    /// Notes since when the response is there and only has to be sent.
    pub(super) fn write_begins(&mut self, now: Instant) {
        self.write_begun = Some(now);
    }

    /// Notes how far a streamed exchange came.
    pub(super) fn streamed(&mut self, account: &Account) {
        self.status = account.status;
        self.served.usage = account.usage;
        if account.report.is_some() {
            self.served.report = account.report.clone();
        }
        self.bytes_in += account.bytes_in;
        self.bytes_out = account.bytes_out;
        self.received = account.received;
        self.write_begun = account.write_begun;
    }

    /// Notes why a response that has begun is not complete.
    pub(super) fn set_cut_off(&mut self, cut: Cut) {
        self.overran = cut.phase();
        self.failure = Some(cut.text());
        self.cut = Some(cut);
    }

    /// Notes why the request is not answered by a guest.
    pub(super) fn set_refusal(&mut self, refusal: Refusal) {
        self.overran = refusal.phase();
        self.refusal = Some(refusal);
    }

    /// Notes that the response did not get through.
    pub(super) fn set_write_failed(&mut self, failed: WriteFailed) {
        if failed == WriteFailed::Stalled {
            self.overran = Some(Phase::Write);
        }
        self.failure = Some(match failed {
            WriteFailed::Stalled => "the client stopped reading: timeouts.write",
            WriteFailed::Broken => "the client left before it had the response",
        });
    }

    /// Ends the exchange without a response: writes the line with the reason, and says what
    /// becomes of the connection.
    pub(super) fn give_up(
        &mut self,
        reason: &'static str,
        driver: &mut Driver,
        next: Next,
    ) -> Next {
        self.failure = Some(reason);
        self.write(driver);
        next
    }

    /// Writes the line, and one more with the details where a request was refused. With it ends
    /// the exchange: from now on the next request is waited for.
    pub(super) fn write(&self, driver: &mut Driver) {
        let now = Instant::now();
        driver.idle.since = now;
        driver
            .idle
            .shared
            .tally
            .respond(self.status, self.refusal.is_some());
        if driver.idle.settings.access {
            let (client, asked) = (&driver.idle.peer, &driver.asked);
            let entry = self.entry(client, asked, now);
            match driver.idle.shared.access.get() {
                Some(log) => log.write(&entry),
                None => Events.write(&entry),
            }
        }
        if let Some(refusal @ Refusal::Guest(_)) = &self.refusal {
            self.warn(refusal, &driver.asked);
        }
        if let Some(detail) = self.cut.as_ref().and_then(Cut::detail) {
            self.warn(detail, &driver.asked);
        }
    }

    /// Tells what a guest did wrong.
    fn warn(&self, what: &dyn Display, asked: &Asked) {
        let (guest, generation) = match &self.served.report {
            Some(report) => (&*report.blamed.name, report.blamed.generation.as_ref()),
            None => (asked.guest(), self.served.generation.as_ref()),
        };
        let generation = generation.map(|served| served.number());
        tracing::warn!(id = %self.id, guest, generation, "{what}");
    }

    fn entry<'a>(&'a self, client: &'a str, asked: &'a Asked, now: Instant) -> AccessEntry<'a> {
        let Called {
            queued,
            generation,
            usage,
            link,
        } = self.called();
        let micros = |time: Duration| time.as_micros() as u64;
        let as_display = |refusal: &'a Refusal| -> &'a dyn Display { refusal };
        AccessEntry {
            at: now.into_std(),
            id: self.id.as_str(),
            client,
            method: asked.method(),
            target: asked.target(),
            status: self.status,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            guest: asked.guest(),
            link,
            generation,
            receive_us: micros(self.received.unwrap_or(now) - self.first_byte),
            queue_us: micros(queued),
            instantiate_us: micros(usage.instantiate),
            run_us: micros(usage.run),
            write_us: self.write_begun.map_or(0, |begun| micros(now - begun)),
            total_us: micros(now - self.first_byte),
            memory_peak: usage.memory_peak,
            overran: self.overran.map(Phase::as_str),
            refused: self.refusal.as_ref().map(as_display),
            failure: self.failure,
        }
    }

    /// What is to be said of the call: of all guests together where there were several, but for
    /// the generation, which is that of the route's own.
    fn called(&self) -> Called<'_> {
        let served = &self.served;
        let Some(report) = &served.report else {
            return Called {
                queued: served.queued,
                generation: served
                    .generation
                    .as_ref()
                    .map(|it| (it.number(), it.short_hash())),
                usage: &served.usage,
                link: None,
            };
        };
        let of_guest = matches!(self.refusal, Some(Refusal::Guest(_) | Refusal::Busy(_)));
        let link = match of_guest || self.cut.is_some() {
            true => Some(&report.blamed),
            false => report.short_of.as_ref(),
        };
        Called {
            queued: served.queued + report.queued,
            generation: report
                .generation
                .as_ref()
                .map(|it| (it.number(), it.short_hash())),
            usage: &report.usage,
            link: link.map(|link| &*link.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_http1::{Connection, Event, Limits};

    fn head_of(request: &str) -> Box<RequestHead> {
        let mut connection = Connection::new(Limits::default());
        connection.receive(request.as_bytes());
        match connection.next_event() {
            Ok(Event::Head(head)) => head,
            other => panic!("{other:?}"),
        }
    }

    fn said(asked: &Asked) -> (&str, &str) {
        (asked.method(), asked.target())
    }

    #[test]
    fn a_line_says_what_its_own_head_asked_for() {
        let mut asked = Asked::default();
        assert_eq!(said(&asked), ("-", "-"));
        asked.set(&head_of("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n").text());
        assert_eq!(said(&asked), ("OPTIONS", "*"));
        assert_eq!(asked.guest(), "-");
        asked.set(&head_of("GET /a?b HTTP/1.1\r\nhost: a\r\n\r\n").text());
        assert_eq!(said(&asked), ("GET", "/a?b"));
        asked.clear();
        assert_eq!(said(&asked), ("-", "-"));
    }

    #[test]
    fn a_long_target_is_cut() {
        let target = format!("/{}", "a".repeat(TARGET_BYTES_MAX));
        let mut asked = Asked::default();
        let head = head_of(&format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"));
        asked.set(&head.text());
        assert_eq!(said(&asked), ("GET", &target[..TARGET_BYTES_MAX]));
    }
}
