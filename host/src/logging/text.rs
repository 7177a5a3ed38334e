//! Log lines as text: time, level, target, message, and fields as `key=value`.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::lines::Lines;

/// Room that a thread keeps for its next line.
const LINE_BYTES_KEPT: usize = 4096;
/// `2026-11-25T18:36:33`, of a time in RFC 3339.
const SECOND_CHARS: usize = 19;

/// Writes events as lines of text.
#[derive(Debug)]
pub(super) struct Text(pub(super) Lines);

impl<S: Subscriber> Layer<S> for Text {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        with_line(|line| {
            push_event(line, event);
            self.0.take(event.metadata(), line);
        });
    }
}

thread_local! {
    /// Where this thread writes its lines.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// The second that this thread last wrote, and its text.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Lends the room for a line.
pub(super) fn with_line(write: impl FnOnce(&mut Vec<u8>)) {
    // Taken and not borrowed: what is shown in a field may log something itself.
    let mut line = LINE.take();
    line.clear();
    line.shrink_to(LINE_BYTES_KEPT);
    write(&mut line);
    LINE.set(line);
}

fn push_event(line: &mut Vec<u8>, event: &Event<'_>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    push_time(line, now.unwrap_or_default());
    let metadata = event.metadata();
    line.extend_from_slice(level(*metadata.level()));
    line.extend_from_slice(metadata.target().as_bytes());
    line.push(b':');
    event.record(&mut Fields(line));
    line.push(b'\n');
}

/// A level, aligned.
fn level(level: Level) -> &'static [u8; 7] {
    match level {
        Level::ERROR => b" ERROR ",
        Level::WARN => b"  WARN ",
        Level::INFO => b"  INFO ",
        Level::DEBUG => b" DEBUG ",
        Level::TRACE => b" TRACE ",
    }
}

/// A time since the epoch, in UTC and RFC 3339, to the microsecond.
pub(super) fn push_time(line: &mut Vec<u8>, now: Duration) {
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.as_secs() || text.is_empty() {
            text.clear();
            // A text takes whatever is written.
            let _ = write!(
                text,
                "{}",
                humantime::format_rfc3339_seconds(UNIX_EPOCH + now)
            );
            text.truncate(SECOND_CHARS);
            *second = now.as_secs();
        }
        line.extend_from_slice(text.as_bytes());
    });
    let mut digits = *b".000000Z";
    let mut left = now.subsec_micros();
    for digit in digits[1..7].iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    line.extend_from_slice(&digits);
}

/// Appends a number.
pub(super) fn push_number(line: &mut Vec<u8>, number: u64) {
    match number {
        0..10 => line.push(b'0' + number as u8),
        _ => {
            let mut digits = itoa::Buffer::new();
            line.extend_from_slice(digits.format(number).as_bytes());
        }
    }
}

/// Appends a text, in quotes if it could be taken for something else.
pub(super) fn push_text(line: &mut Vec<u8>, text: &str) {
    // Without an early end, so that many bytes can be looked at together.
    let plain = |so_far: bool, byte: &u8| {
        so_far & (byte.wrapping_sub(b'!') <= b'~' - b'!') & (*byte != b'"')
    };
    if text.is_empty() || !text.as_bytes().iter().fold(true, plain) {
        return push_shown(line, format_args!("{text:?}"));
    }
    line.extend_from_slice(text.as_bytes());
}

/// Appends whatever can be formatted.
pub(super) fn push_shown(line: &mut Vec<u8>, shown: fmt::Arguments<'_>) {
    // Only formatting itself can fail; what it wrote so far is there.
    let _ = Visible(line).write_fmt(shown);
}

/// Appends fields to a line.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    fn key(&mut self, field: &Field) {
        self.0.push(b' ');
        if field.name() != "message" {
            self.0.extend_from_slice(field.name().as_bytes());
            self.0.push(b'=');
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.key(field);
        push_text(self.0, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.key(field);
        push_shown(self.0, format_args!("{value:?}"));
    }
}

/// Shows control characters, with which text could take over the terminal of whoever reads it.
/// The ends of lines and tabs stay.
struct Visible<'a>(&'a mut Vec<u8>);

impl Write for Visible<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_hidden = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
        let mut rest = text;
        while let Some(start) = rest.find(is_hidden) {
            let (shown, hidden) = rest.split_at(start);
            self.0.extend_from_slice(shown.as_bytes());
            let mut chars = hidden.chars();
            if let Some(char) = chars.next() {
                self.0.extend(char.escape_unicode().map(|char| char as u8));
            }
            rest = chars.as_str();
        }
        self.0.extend_from_slice(rest.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            push_event(&mut self.0.lock().unwrap(), event);
        }
    }

    /// What is written of what is logged, without the time.
    fn logged(log: impl FnOnce()) -> String {
        let kept = Kept::default();
        let subscriber = tracing_subscriber::registry().with(kept.clone());
        tracing::subscriber::with_default(subscriber, log);
        let line = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let (time, rest) = line.split_once(' ').unwrap();
        assert_eq!(time.len(), "2026-11-25T18:36:33.053176Z".len(), "{line}");
        assert!(time.ends_with('Z') && time.as_bytes()[SECOND_CHARS] == b'.');
        rest.to_owned()
    }

    #[test]
    fn a_line_has_all_that_was_said_in_its_order() {
        let line = logged(|| {
            let (missing, there) = (None::<u64>, Some("abc"));
            tracing::info!(target: "access", id = "1-2", status = 200, missing, there, less = -1);
        });
        assert_eq!(line, " INFO access: id=1-2 status=200 there=abc less=-1\n");
        let line = logged(|| tracing::error!(target: "here", count = 3, "it {}", "failed"));
        assert_eq!(line, "ERROR here: it failed count=3\n");
    }

    #[test]
    fn values_cannot_pretend_to_be_other_fields_or_lines() {
        let line = logged(|| {
            tracing::warn!(target: "x", name = "a b=c", quoted = "\"", none = "", end = "a\nb");
        });
        let expected = r#" WARN x: name="a b=c" quoted="\"" none="" end="a\nb""#;
        assert_eq!(line, format!("{expected}\n"));
    }

    #[test]
    fn nothing_takes_over_a_terminal() {
        let line = logged(|| tracing::warn!(target: "x", "red \x1b[31m and bell \x07, tab\t."));
        assert_eq!(line, " WARN x: red \\u{1b}[31m and bell \\u{7}, tab\t.\n");
    }
}
