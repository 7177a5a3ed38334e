//! The access log as text: lines like those of `text.rs`. A busy host writes one for each request,
//! so that they go past the machinery of events, and what costs is avoided: dates and clocks read
//! before, and formatting of numbers and plain text by way of `fmt`.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use httpd_host::server::{AccessEntry, AccessLog};

use super::lines::Lines;
use super::text;

/// Writes requests as lines of text.
#[derive(Debug)]
pub(crate) struct Access(Lines);

thread_local! {
    /// What the system's clock said when this thread last asked it.
    static KNOWN: Cell<Option<Known>> = const { Cell::new(None) };
}

/// A moment, and the time of the system's clock then.
#[derive(Clone, Copy)]
struct Known {
    moment: Instant,
    time: Duration,
}

impl Access {
    /// One that writes its lines there.
    pub(super) fn new(lines: Lines) -> Access {
        Access(lines)
    }
}

impl AccessLog for Access {
    fn write(&self, entry: &AccessEntry<'_>) {
        text::with_line(|line| {
            text::push_time(line, time(entry.at));
            push(line, entry);
            self.0.take_access(line);
        });
    }
}

/// The time since the epoch at a moment. The system's clock is read once a second.
fn time(moment: Instant) -> Duration {
    if let Some(known) = KNOWN.get()
        && let Some(passed) = moment.checked_duration_since(known.moment)
        && passed < Duration::from_secs(1)
    {
        return known.time + passed;
    }
    let read = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = read.unwrap_or_default();
    KNOWN.set(Some(Known { moment, time }));
    time
}

/// All but the time.
fn push(line: &mut Vec<u8>, entry: &AccessEntry<'_>) {
    let mut fields = Fields(line);
    fields.token("  INFO access: id=", entry.id);
    fields.token(" client=", entry.client);
    fields.token(" method=", entry.method);
    fields.text(" target=", entry.target);
    fields.number(" status=", entry.status.into());
    fields.number(" bytes_in=", entry.bytes_in);
    fields.number(" bytes_out=", entry.bytes_out);
    fields.text(" guest=", entry.guest);
    if let Some(link) = entry.link {
        fields.text(" link=", link);
    }
    if let Some((number, hash)) = entry.generation {
        fields.number(" generation=", number);
        fields.token(" hash=", hash);
    }
    fields.number(" receive_us=", entry.receive_us);
    fields.number(" queue_us=", entry.queue_us);
    fields.number(" instantiate_us=", entry.instantiate_us);
    fields.number(" run_us=", entry.run_us);
    fields.number(" write_us=", entry.write_us);
    fields.number(" total_us=", entry.total_us);
    fields.number(" memory_peak=", entry.memory_peak);
    if let Some(overran) = entry.overran {
        fields.text(" overran=", overran);
    }
    if let Some(refused) = entry.refused {
        fields.0.extend_from_slice(b" refused=");
        text::push_shown(fields.0, format_args!("{refused}"));
    }
    if let Some(failure) = entry.failure {
        fields.text(" failure=", failure);
    }
    fields.0.push(b'\n');
}

/// Appends fields to a line.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    /// For a value that cannot be taken for something else: a token (RFC 9110 section 5.6.2), an
    /// address, or hexadecimal digits.
    #[inline]
    fn token(&mut self, key: &str, value: &str) {
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(value.as_bytes());
    }

    #[inline]
    fn text(&mut self, key: &str, value: &str) {
        self.0.extend_from_slice(key.as_bytes());
        text::push_text(self.0, value);
    }

    #[inline]
    fn number(&mut self, key: &str, value: u64) {
        self.0.extend_from_slice(key.as_bytes());
        text::push_number(self.0, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>() -> AccessEntry<'a> {
        AccessEntry {
            at: Instant::now(),
            id: "1-2",
            client: "127.0.0.1:80",
            method: "GET",
            target: "/a?b",
            status: 200,
            bytes_in: 1,
            bytes_out: 20,
            guest: "hello",
            link: None,
            generation: Some((3, "0a1b")),
            receive_us: 4,
            queue_us: 0,
            instantiate_us: 6,
            run_us: 7,
            write_us: 8,
            total_us: 9_000_000,
            memory_peak: 65536,
            overran: None,
            refused: None,
            failure: None,
        }
    }

    fn pushed(entry: &AccessEntry<'_>) -> String {
        let mut line = Vec::new();
        push(&mut line, entry);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_line_has_all_of_a_request_that_was_answered() {
        let expected = "  INFO access: id=1-2 client=127.0.0.1:80 method=GET target=/a?b \
            status=200 bytes_in=1 bytes_out=20 guest=hello generation=3 hash=0a1b receive_us=4 \
            queue_us=0 instantiate_us=6 run_us=7 write_us=8 total_us=9000000 memory_peak=65536\n";
        assert_eq!(pushed(&entry()), expected);
    }

    #[test]
    fn and_why_another_was_not() {
        let refused = AccessEntry {
            target: "/a\"b",
            link: Some("auth"),
            generation: None,
            overran: Some("run"),
            refused: Some(&"it was \x1b late"),
            failure: Some("the client left"),
            ..entry()
        };
        let line = pushed(&refused);
        assert!(line.contains(r#" target="/a\"b" status=200 "#), "{line}");
        assert!(
            line.contains(" guest=hello link=auth receive_us="),
            "{line}"
        );
        let end = " overran=run refused=it was \\u{1b} late failure=\"the client left\"\n";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn a_moment_has_its_own_time() {
        let close = |one: Duration, other: Duration| one.abs_diff(other) < Duration::from_secs(10);
        let system = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Instant::now();
        let first = time(now);
        assert!(close(first, system()));
        let half = Duration::from_millis(500);
        assert_eq!(time(now + half), first + half);
        // Asked anew: that this is not yet, the system's clock says.
        assert!(close(time(now + Duration::from_secs(3600)), system()));
        assert!(
            close(time(now), system()),
            "nor is one from before it known"
        );
    }
}
