//! Log lines as text: time, level, target, message, and fields as `key=value`. A busy host writes
//! one for each request, so that what costs is avoided here: formatting machinery for numbers and
//! plain text, and dates and names of fields that are the same as before.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Clock};
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
        // Taken and not borrowed: what is shown in a field may log something itself.
        let mut line = LINE.take();
        line.clear();
        line.shrink_to(LINE_BYTES_KEPT);
        push_event(&mut line, event);
        self.0.take(event.metadata(), line.as_bytes());
        LINE.set(line);
    }
}

fn push_event(line: &mut String, event: &Event<'_>) {
    push_time(line);
    let metadata = event.metadata();
    line.push_str(level(*metadata.level()));
    line.push_str(metadata.target());
    line.push(':');
    let keys = &Keys::of(metadata);
    event.record(&mut Fields { line, keys });
    line.push('\n');
}

/// A level, aligned.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        Level::TRACE => " TRACE ",
    }
}

thread_local! {
    /// Where this thread writes its lines.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
    /// Of each place in the code from where this thread has logged.
    static KEYS: RefCell<Vec<Rc<Keys>>> = const { RefCell::new(Vec::new()) };
    /// The second that this thread last wrote, and its text.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Now, in UTC and RFC 3339, to the microsecond.
fn push_time(line: &mut String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.as_secs() || text.is_empty() {
            text.clear();
            // A text takes whatever is written.
            let _ = Clock.format_time(&mut Writer::new(text));
            text.truncate(SECOND_CHARS);
            *second = now.as_secs();
        }
        line.push_str(text);
    });
    line.push('.');
    let micros = now.subsec_micros();
    for place in [100_000, 10_000, 1_000, 100, 10, 1] {
        line.push(char::from(b'0' + (micros / place % 10) as u8));
    }
    line.push('Z');
}

/// What is written before the value of each field that one place in the code has.
struct Keys {
    place: Identifier,
    keys: Box<[Box<str>]>,
}

impl Keys {
    fn of(metadata: &Metadata<'_>) -> Rc<Keys> {
        let place = metadata.callsite();
        KEYS.with_borrow_mut(|all| {
            if let Some(keys) = all.iter().find(|keys| keys.place == place) {
                return Rc::clone(keys);
            }
            let keys = Rc::new(Keys {
                place,
                keys: metadata.fields().iter().map(|field| key(&field)).collect(),
            });
            all.push(Rc::clone(&keys));
            keys
        })
    }
}

fn key(field: &Field) -> Box<str> {
    match field.name() {
        "message" => " ".into(),
        name => format!(" {name}=").into(),
    }
}

/// Appends fields to a line.
struct Fields<'a> {
    line: &'a mut String,
    keys: &'a Keys,
}

impl Fields<'_> {
    fn key(&mut self, field: &Field) {
        // Each is of the place that the keys are of.
        if let Some(key) = self.keys.keys.get(field.index()) {
            self.line.push_str(key);
        }
    }
}

impl Visit for Fields<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.key(field);
        self.line.push_str(itoa::Buffer::new().format(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.key(field);
        self.line.push_str(itoa::Buffer::new().format(value));
    }

    /// Text that could be taken for something else is quoted.
    fn record_str(&mut self, field: &Field, value: &str) {
        // Without an early end, so that many bytes can be looked at together.
        let plain = |so_far: bool, byte: &u8| {
            so_far & (byte.wrapping_sub(b'!') <= b'~' - b'!') & (*byte != b'"')
        };
        if value.is_empty() || !value.as_bytes().iter().fold(true, plain) {
            return self.record_debug(field, &value);
        }
        self.key(field);
        self.line.push_str(value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.key(field);
        // Only a `Debug` of a value can fail; what it wrote so far is there.
        let _ = write!(Visible(self.line), "{value:?}");
    }
}

/// Shows control characters, with which text could take over the terminal of whoever reads it.
/// The ends of lines and tabs stay.
struct Visible<'a>(&'a mut String);

impl Write for Visible<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_hidden = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
        let mut rest = text;
        while let Some(start) = rest.find(is_hidden) {
            let (shown, hidden) = rest.split_at(start);
            self.0.push_str(shown);
            let mut chars = hidden.chars();
            if let Some(char) = chars.next() {
                self.0.extend(char.escape_unicode());
            }
            rest = chars.as_str();
        }
        self.0.push_str(rest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<String>>);

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
        let line = kept.0.lock().unwrap().clone();
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
    fn each_place_has_its_own_fields_each_time() {
        for turn in 0..3 {
            let line = logged(|| tracing::info!(target: "a", turn, more = true));
            assert_eq!(line, format!(" INFO a: turn={turn} more=true\n"));
            let line = logged(|| tracing::info!(target: "a", other = turn));
            assert_eq!(line, format!(" INFO a: other={turn}\n"));
        }
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
