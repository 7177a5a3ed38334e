//! Log lines as text: time, level, target, message, and fields as `key=value`. A busy host writes
//! one for each request, so that what costs is avoided here: formatting machinery for numbers and
//! plain text, and dates and names of fields that are the same as before.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use httpd_host::moment;

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
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
        // Taken and not borrowed: what is shown in a field may log something itself.
        let mut line = LINE.take();
        line.clear();
        line.shrink_to(LINE_BYTES_KEPT);
        push_event(&mut line, event);
        self.0.take(event.metadata(), &line);
        LINE.set(line);
    }
}

fn push_event(line: &mut Vec<u8>, event: &Event<'_>) {
    push_time(line);
    let metadata = event.metadata();
    line.extend_from_slice(level(*metadata.level()));
    line.extend_from_slice(metadata.target().as_bytes());
    line.push(b':');
    let keys = &Keys::of(metadata);
    event.record(&mut Fields { line, keys });
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

thread_local! {
    /// Where this thread writes its lines.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Of each place in the code from where this thread has logged.
    static KEYS: RefCell<Vec<Rc<Keys>>> = const { RefCell::new(Vec::new()) };
    /// What the system's clock said when this thread last asked it.
    static KNOWN: Cell<Option<Known>> = const { Cell::new(None) };
    /// The second that this thread last wrote, and its text.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// A moment, and the time of the system's clock then.
#[derive(Clone, Copy)]
struct Known {
    moment: Instant,
    time: Duration,
}

/// The time since the epoch at a moment, or now. With a moment the system's clock is read once a
/// second.
fn time(moment: Option<Instant>) -> Duration {
    let read = || SystemTime::now().duration_since(UNIX_EPOCH);
    let Some(moment) = moment else {
        return read().unwrap_or_default();
    };
    let passed = |known: Known| moment.checked_duration_since(known.moment);
    let known = KNOWN.get().filter(|known| {
        let passed = passed(*known);
        passed.is_some_and(|passed| passed < Duration::from_secs(1))
    });
    let known = known.unwrap_or_else(|| {
        let time = read().unwrap_or_default();
        KNOWN.set(Some(Known { moment, time }));
        Known { moment, time }
    });
    known.time + passed(known).unwrap_or_default()
}

/// The time in UTC and RFC 3339, to the microsecond.
fn push_time(line: &mut Vec<u8>) {
    let now = time(moment::told());
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

/// What is written before the value of each field that one place in the code has.
struct Keys {
    place: Identifier,
    keys: Box<[Key]>,
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

/// A key with the space before it and the sign behind it. One that fits is in a block, which is
/// copied as a whole: that takes less than to copy as many bytes as it has.
enum Key {
    Short([u8; KEY_BYTES], usize),
    Long(Box<str>),
}

const KEY_BYTES: usize = 16;

fn key(field: &Field) -> Key {
    let text = match field.name() {
        "message" => " ".to_owned(),
        name => format!(" {name}="),
    };
    let mut block = [0; KEY_BYTES];
    match block.get_mut(..text.len()) {
        Some(place) => {
            place.copy_from_slice(text.as_bytes());
            Key::Short(block, text.len())
        }
        None => Key::Long(text.into()),
    }
}

/// Appends fields to a line.
struct Fields<'a> {
    line: &'a mut Vec<u8>,
    keys: &'a Keys,
}

impl Fields<'_> {
    fn key(&mut self, field: &Field) {
        // Each is of the place that the keys are of.
        match self.keys.keys.get(field.index()) {
            Some(Key::Short(block, len)) => {
                let end = self.line.len() + len;
                self.line.extend_from_slice(block);
                self.line.truncate(end);
            }
            Some(Key::Long(key)) => self.line.extend_from_slice(key.as_bytes()),
            None => {}
        }
    }
}

impl Visit for Fields<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.key(field);
        match value {
            0..10 => self.line.push(b'0' + value as u8),
            _ => {
                let mut digits = itoa::Buffer::new();
                self.line.extend_from_slice(digits.format(value).as_bytes());
            }
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.key(field);
        let mut digits = itoa::Buffer::new();
        self.line.extend_from_slice(digits.format(value).as_bytes());
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
        self.line.extend_from_slice(value.as_bytes());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.key(field);
        // Only a `Debug` of a value can fail; what it wrote so far is there.
        let _ = write!(Visible(self.line), "{value:?}");
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
    fn a_moment_has_its_own_time() {
        let close = |one: Duration, other: Duration| one.abs_diff(other) < Duration::from_secs(10);
        let now = Instant::now();
        let first = time(Some(now));
        assert!(close(first, time(None)));
        let half = Duration::from_millis(500);
        assert_eq!(time(Some(now + half)), first + half);
        // Asked anew: that this is not yet, the system's clock says.
        let later = now + Duration::from_secs(3600);
        assert!(close(time(Some(later)), time(None)));
        assert!(
            close(time(Some(now)), time(None)),
            "nor is one from before it known"
        );
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
