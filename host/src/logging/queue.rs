//! Lines on their way to standard error, and the thread that writes them. Whoever logs copies a
//! line into a common buffer and goes on; nobody waits for the reader of the log. Lines that find
//! the queue full are dropped and counted.

use std::io::Write;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long the thread rests after each write. If it did not, a busy host would wake it for almost
/// every line, which costs more than the line itself.
const REST: Duration = Duration::from_millis(5);
/// How long the end of the program waits for the last lines. Their reader may have stopped.
const LAST_LINES: Duration = Duration::from_secs(1);
/// A buffer that has grown past this is given back.
const BYTES_KEPT: usize = 1 << 20;

/// Takes lines. A clone leads to the same queue.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<Shared>);

/// Has the lines that still wait written when it is dropped.
#[derive(Debug)]
pub(crate) struct Guard(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Wakes the thread, when it waits for a line or for the end.
    line: Condvar,
    /// Wakes the guard.
    ended: Condvar,
    lines_max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    lines: usize,
    dropped: u64,
    /// The thread has nothing to do and must be woken.
    is_idle: bool,
    is_over: bool,
    has_ended: bool,
}

/// Starts a thread that writes to `output` what the queue is given, of which at most `lines_max`
/// lines wait. It calls `dropped` with how many were dropped meanwhile, which may log that. Without
/// a thread, which the system may refuse, all lines are dropped.
pub(super) fn start(
    lines_max: usize,
    output: impl Write + Send + 'static,
    dropped: impl Fn(u64) + Send + 'static,
) -> (Queue, Guard) {
    let shared = Arc::new(Shared {
        waiting: Mutex::default(),
        line: Condvar::new(),
        ended: Condvar::new(),
        lines_max,
    });
    let its_shared = Arc::clone(&shared);
    let thread = thread::Builder::new().name("log".to_owned());
    let started = thread.spawn(move || its_shared.write_until_over(output, dropped));
    shared.lock().has_ended = started.is_err();
    (Queue(Arc::clone(&shared)), Guard(shared))
}

impl Shared {
    /// No code panics while it holds the lock, and lines would be whole even then.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes lines that end where `ends` says, as many as there is room for.
    fn push(&self, lines: &[u8], ends: &[usize]) {
        let mut waiting = self.lock();
        let room = self.lines_max.saturating_sub(waiting.lines);
        let (taken, dropped) = ends.split_at(ends.len().min(room));
        waiting.dropped += dropped.len() as u64;
        let Some(taken_bytes) = taken.last().and_then(|end| lines.get(..*end)) else {
            return;
        };
        waiting.bytes.extend_from_slice(taken_bytes);
        waiting.lines += taken.len();
        if mem::take(&mut waiting.is_idle) {
            self.line.notify_one();
        }
    }

    fn write_until_over(&self, mut output: impl Write, tell_dropped: impl Fn(u64)) {
        let mut batch = Vec::new();
        while let Some(dropped) = self.take(&mut batch) {
            // A log that cannot be written must not end the host.
            let _ = output.write_all(&batch).and_then(|()| output.flush());
            if dropped > 0 {
                tell_dropped(dropped);
            }
            thread::sleep(REST);
        }
        self.lock().has_ended = true;
        self.ended.notify_all();
    }

    /// Waits for lines and exchanges them for the room in `batch`. Returns how many others were
    /// dropped meanwhile, or none when all is written and over.
    fn take(&self, batch: &mut Vec<u8>) -> Option<u64> {
        batch.clear();
        batch.shrink_to(BYTES_KEPT);
        let mut waiting = self.lock();
        while waiting.lines == 0 {
            if waiting.is_over {
                return None;
            }
            waiting.is_idle = true;
            let woken = self.line.wait(waiting);
            waiting = woken.unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_idle = false;
        waiting.lines = 0;
        mem::swap(&mut waiting.bytes, batch);
        Some(mem::take(&mut waiting.dropped))
    }
}

impl Queue {
    /// Takes lines that end where `ends` says, as many as there is room for.
    pub(super) fn push(&self, lines: &[u8], ends: &[usize]) {
        self.0.push(lines, ends);
    }

    /// How many may wait.
    pub(super) fn lines_max(&self) -> usize {
        self.0.lines_max
    }

    /// Whether it is the same queue.
    pub(super) fn is(&self, other: &Queue) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.is_over = true;
        self.0.line.notify_one();
        let _ = self
            .0
            .ended
            .wait_timeout_while(waiting, LAST_LINES, |waiting| !waiting.has_ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// An output that hands on what is written, and writes only when it is told to.
    struct Gate {
        written: Sender<Vec<u8>>,
        may_write: Receiver<()>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.may_write.recv();
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gate() -> (Gate, Receiver<Vec<u8>>, Sender<()>) {
        let ((written, reads), (opens, may_write)) = (channel(), channel());
        (Gate { written, may_write }, reads, opens)
    }

    fn push(queue: &Queue, line: &[u8]) {
        queue.push(line, &[line.len()]);
    }

    #[test]
    fn lines_arrive_whole_and_in_order() {
        let (gate, reads, opens) = gate();
        let (queue, guard) = start(1000, gate, |_| ());
        drop(opens);
        for number in 0..100 {
            push(&queue, format!("{number}\n").as_bytes());
        }
        drop(guard);
        let written: Vec<u8> = reads.iter().flatten().collect();
        let expected: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn of_lines_that_come_together_those_are_taken_that_find_room() {
        let (gate, reads, opens) = gate();
        let (tells, told) = channel();
        let (queue, guard) = start(3, gate, move |dropped| tells.send(dropped).unwrap());
        push(&queue, b"first\n");
        while queue.0.lock().lines > 0 {
            thread::yield_now();
        }
        queue.push(b"a\nb\n", &[2, 4]);
        queue.push(b"long\nlonger\nlost\n", &[5, 12, 17]);
        drop(opens);
        drop(guard);
        let written: Vec<u8> = reads.iter().flatten().collect();
        assert_eq!(String::from_utf8(written).unwrap(), "first\na\nb\nlong\n");
        assert_eq!(told.iter().sum::<u64>(), 2);
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let (gate, reads, opens) = gate();
        let (tells, told) = channel();
        let (queue, guard) = start(2, gate, move |dropped| tells.send(dropped).unwrap());
        push(&queue, b"first\n");
        while queue.0.lock().lines > 0 {
            thread::yield_now();
        }
        // The thread has taken it and waits for the output.
        for line in ["second\n", "third\n", "fourth\n", "fifth\n"] {
            push(&queue, line.as_bytes());
        }
        drop(opens);
        drop(guard);
        let written: Vec<u8> = reads.iter().flatten().collect();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "first\nsecond\nthird\n"
        );
        assert_eq!(told.iter().sum::<u64>(), 2);
    }

    #[test]
    fn an_output_that_is_stuck_holds_nobody_up() {
        let (gate, _reads, _opens) = gate();
        let (queue, guard) = start(1, gate, |_| ());
        for _ in 0..100 {
            push(&queue, b"line\n");
        }
        drop(guard);
    }
}
