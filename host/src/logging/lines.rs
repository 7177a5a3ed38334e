//! What is written line by line and goes to the queue. A thread keeps its lines of the access log
//! until it rests, or until there are a few or one of another kind, so that it does not take the
//! queue's lock for each. Lines of several threads can so come out in another order than that of
//! their times.
//!
//! Only a thread that says when it works and when it rests keeps any.

use super::queue::Queue;
use std::cell::RefCell;
use std::io::{self, Write};
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// Whose lines there are so many of that a thread keeps them for a moment.
const ACCESS: &str = "access";
/// So many lines a thread keeps at most.
const HELD_MAX: usize = 32;
/// What they are in is given back when it has grown past this.
const BYTES_KEPT: usize = 64 << 10;

/// Takes lines. A clone leads to the same queue.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Queue);

/// Takes one line.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    lines: &'a Lines,
    may_wait: bool,
}

/// What one thread keeps.
#[derive(Debug, Default)]
struct Held {
    /// Where its lines go.
    queue: Option<Queue>,
    is_working: bool,
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

thread_local! {
    static HELD: RefCell<Held> = RefCell::default();
}

impl Lines {
    /// Those that go to this queue.
    pub(super) fn new(queue: Queue) -> Lines {
        Lines(queue)
    }

    /// From now on this thread keeps lines of the access log until [`Lines::rest`], unless it is
    /// about to end.
    pub(crate) fn work(&self) {
        let _ = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            if !held.is_of(&self.0) {
                held.bring_out();
                held.queue = Some(self.0.clone());
            }
            held.is_working = true;
        });
    }

    /// This thread is about to rest: what it keeps comes out.
    pub(crate) fn rest(&self) {
        let _ = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            held.bring_out();
            held.is_working = false;
        });
    }

    /// Takes the whole line of an event.
    pub(super) fn take(&self, event: &Metadata<'_>, line: &[u8]) {
        self.take_line(line, may_wait(event));
    }

    /// Takes the whole line of a request.
    pub(super) fn take_access(&self, line: &[u8]) {
        self.take_line(line, true);
    }

    /// Takes a whole line, after what the thread keeps unless that is kept, too.
    fn take_line(&self, line: &[u8], may_wait: bool) {
        let is_kept = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            if may_wait && held.is_working && held.is_of(&self.0) {
                held.keep(line, self.0.lines_max());
                return true;
            }
            held.bring_out();
            false
        });
        if !is_kept.unwrap_or(false) {
            self.0.push(line, &[line.len()]);
        }
    }
}

impl Write for Writer<'_> {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.take_line(line, self.may_wait);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Writer<'a>;

    fn make_writer(&'a self) -> Writer<'a> {
        Writer {
            lines: self,
            may_wait: false,
        }
    }

    fn make_writer_for(&'a self, line: &Metadata<'_>) -> Writer<'a> {
        Writer {
            lines: self,
            may_wait: may_wait(line),
        }
    }
}

fn may_wait(event: &Metadata<'_>) -> bool {
    event.target() == ACCESS
}

impl Held {
    fn is_of(&self, queue: &Queue) -> bool {
        self.queue.as_ref().is_some_and(|its| its.is(queue))
    }

    fn keep(&mut self, line: &[u8], lines_max: usize) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
        if self.ends.len() >= HELD_MAX.min(lines_max) {
            self.bring_out();
        }
    }

    fn bring_out(&mut self) {
        if self.ends.is_empty() {
            return;
        }
        if let Some(queue) = &self.queue {
            queue.push(&self.bytes, &self.ends);
        }
        self.bytes.clear();
        self.bytes.shrink_to(BYTES_KEPT);
        self.ends.clear();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bring_out();
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::start;
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use tracing_subscriber::layer::SubscriberExt;

    /// Hands on what is written.
    struct Told(Sender<Vec<u8>>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_thread_at_work_keeps_its_lines_until_it_rests_or_has_many() {
        let (writes, reads) = channel();
        let (queue, guard) = start(1000, Told(writes), |_| ());
        let lines = Lines::new(queue);
        lines.work();
        for _ in 1..HELD_MAX {
            lines.take_line(b"kept\n", true);
        }
        assert!(reads.try_recv().is_err());
        lines.take_line(b"last\n", true);
        assert_eq!(read_lines(&reads, HELD_MAX).last().unwrap(), "last");
        lines.take_line(b"before the rest\n", true);
        lines.rest();
        lines.take_line(b"after it\n", true);
        assert_eq!(read_lines(&reads, 2), ["before the rest", "after it"]);
        let its = lines.clone();
        let thread = thread::spawn(move || {
            its.work();
            its.take_line(b"of one that ended\n", true);
        });
        thread.join().unwrap();
        assert_eq!(read_lines(&reads, 1), ["of one that ended"]);
        lines.work();
        lines.take_line(b"kept\n", true);
        lines.take_line(b"of another kind\n", false);
        assert_eq!(read_lines(&reads, 2), ["kept", "of another kind"]);
        drop(guard);
    }

    #[test]
    fn lines_of_the_access_log_are_kept_and_all_others_come_out_at_once() {
        let (writes, reads) = channel();
        let (queue, guard) = start(1000, Told(writes), |_| ());
        let lines = Lines::new(queue);
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .without_time()
            .with_writer(lines.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        lines.work();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "access", "first");
            assert_eq!(HELD.with_borrow(|held| held.ends.len()), 1);
            tracing::warn!(target: "httpd_host", "second");
        });
        let expected = [" INFO access: first", " WARN httpd_host: second"];
        assert_eq!(read_lines(&reads, 2), expected);
        drop(guard);
    }

    /// So many lines of what is written.
    fn read_lines(reads: &Receiver<Vec<u8>>, count: usize) -> Vec<String> {
        let mut text = String::new();
        while text.lines().count() < count {
            text += &String::from_utf8(reads.recv().unwrap()).unwrap();
        }
        text.lines().map(str::to_owned).collect()
    }
}
