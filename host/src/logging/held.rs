//! Lines of the access log that a thread keeps until it rests, or until there are a few or one of
//! another kind, so that it does not take the lock of the common buffer for each. Lines of several
//! threads can so come out in another order than that of their times.
//!
//! Only a thread that says when it works and when it rests keeps any.

use super::queue::Queue;
use std::cell::RefCell;

/// So many lines a thread keeps at most.
const HELD_MAX: usize = 32;
/// What they are in is given back when it has grown past this.
const BYTES_KEPT: usize = 64 << 10;

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

/// From now on this thread keeps lines of that queue, unless it is about to end.
pub(super) fn work(queue: &Queue) {
    let _ = HELD.try_with(|held| {
        let mut held = held.borrow_mut();
        if !held.is_of(queue) {
            held.bring_out();
            held.queue = Some(queue.clone());
        }
        held.is_working = true;
    });
}

/// What this thread keeps comes out, and it keeps no more.
pub(super) fn rest() {
    let _ = HELD.try_with(|held| {
        let mut held = held.borrow_mut();
        held.bring_out();
        held.is_working = false;
    });
}

/// Takes a whole line, if it may wait and the thread keeps those; else brings out what came before.
pub(super) fn take(queue: &Queue, line: &[u8], may_wait: bool) -> bool {
    let taken = HELD.try_with(|held| {
        let mut held = held.borrow_mut();
        let keeps = held.is_working && held.is_of(queue);
        if may_wait && keeps {
            held.keep(line, queue.lines_max());
            return true;
        }
        held.bring_out();
        false
    });
    taken.unwrap_or(false)
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
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

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

    fn line(queue: &Queue, line: &[u8], may_wait: bool) {
        if !take(queue, line, may_wait) {
            queue.push(line, &[line.len()]);
        }
    }

    #[test]
    fn a_thread_at_work_keeps_its_lines_until_it_rests_or_has_many() {
        let (writes, reads) = channel();
        let (queue, guard) = start(1000, Told(writes), |_| ());
        queue.work();
        for _ in 1..HELD_MAX {
            line(&queue, b"kept\n", true);
        }
        assert!(reads.try_recv().is_err());
        line(&queue, b"last\n", true);
        assert_eq!(read_lines(&reads, HELD_MAX).last().unwrap(), "last");
        line(&queue, b"before the rest\n", true);
        queue.rest();
        line(&queue, b"after it\n", true);
        assert_eq!(read_lines(&reads, 2), ["before the rest", "after it"]);
        let its = queue.clone();
        let thread = thread::spawn(move || {
            its.work();
            line(&its, b"of one that ended\n", true);
        });
        thread.join().unwrap();
        assert_eq!(read_lines(&reads, 1), ["of one that ended"]);
        queue.work();
        line(&queue, b"kept\n", true);
        line(&queue, b"of another kind\n", false);
        assert_eq!(read_lines(&reads, 2), ["kept", "of another kind"]);
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
