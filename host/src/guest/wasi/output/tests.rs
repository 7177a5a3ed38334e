//! What guests write to their standard streams, as lines of the host's log.

use super::*;
use crate::guest::log::LogLimits;
use crate::guest::subject::Subject;
use tokio::io::AsyncWriteExt as _;

const LIMITS: LogLimits = LogLimits {
    line_max: 20,
    lines_max: 4,
};

fn log(request: &str) -> GuestLog {
    GuestLog::new(LIMITS, Subject::new("a", &Arc::default()).into(), request).of_generation(7)
}

/// Collects what a subscriber writes.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl io::Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that are logged meanwhile, without what all of them have.
fn logged(write: impl FnOnce()) -> Vec<String> {
    let collected = Collected::default();
    let writer = collected.clone();
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, write);
    let text = String::from_utf8(collected.0.lock().unwrap().clone()).unwrap();
    let line = |line: &str| {
        line.trim()
            .replace(" guest=\"a\" generation=7 request=", " ")
    };
    text.lines().map(line).collect()
}

fn write(output: &Output, standard: Standard, text: &str) {
    let mut stream = output.stream(standard).p2_stream();
    assert!(stream.check_write().unwrap() >= text.len());
    stream
        .write(Bytes::copy_from_slice(text.as_bytes()))
        .unwrap();
    stream.flush().unwrap();
}

#[test]
fn lines_have_their_level_guest_generation_and_request() {
    let lines = logged(|| {
        let output = Output::new(log("r-1"));
        write(&output, Standard::Output, "hello\n");
        write(&output, Standard::Error, "oh no\n");
        output.log(Level::Error, "by the interface", None);
        assert_eq!(output.end(), (3, 0));
    });
    let expected = [
        "INFO guest: hello \"r-1\"",
        "WARN guest: oh no \"r-1\"",
        "ERROR guest: by the interface \"r-1\"",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn lines_are_put_together_and_the_last_one_needs_no_end() {
    let lines = logged(|| {
        let output = Output::new(log("r-1"));
        write(&output, Standard::Output, "a");
        write(&output, Standard::Error, "x");
        write(&output, Standard::Output, "b\r\n\nc");
        drop(output);
    });
    let expected = [
        "INFO guest: ab \"r-1\"",
        "INFO guest:  \"r-1\"",
        "INFO guest: c \"r-1\"",
        "WARN guest: x \"r-1\"",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn lines_are_made_safe_and_cut_and_counted_with_all_others() {
    let lines = logged(|| {
        let output = Output::new(log("r-1"));
        output.log(Level::Info, "one", None);
        write(&output, Standard::Output, "\u{1b}[2J\n");
        for _ in 0..20 {
            write(&output, Standard::Output, &"x".repeat(PERMIT_BYTES));
        }
        write(&output, Standard::Output, "\n");
        let mut stream = output.stream(Standard::Output).p2_stream();
        stream
            .write(Bytes::from_static(b"\xff\xfe\nfive\nsix\n"))
            .unwrap();
        output.log(Level::Info, "seven", None);
        assert_eq!(output.end(), (4, 3));
    });
    let expected = [
        "INFO guest: one \"r-1\"",
        "INFO guest: \\u{1b}[2J \"r-1\"",
        &format!("INFO guest: {}… \"r-1\"", "x".repeat(20)),
        "INFO guest: \u{fffd}\u{fffd} \"r-1\"",
        "WARN guest: lines over the limit, not shown: 3 \"r-1\"",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_line_without_an_end_takes_no_more_memory_than_one_that_is_shown() {
    let output = Output::new(log("r-1"));
    for _ in 0..100 {
        write(&output, Standard::Output, &"x".repeat(PERMIT_BYTES));
    }
    assert!(output.lock().output.bytes.capacity() < 100);
}

#[test]
fn each_request_has_a_log_of_its_own() {
    let lines = logged(|| {
        let output = Output::new(log("r-1"));
        write(&output, Standard::Output, "begun");
        output.begin(log("r-2"));
        write(&output, Standard::Output, "next\n");
        assert_eq!(output.end(), (1, 0));
    });
    assert_eq!(
        lines,
        ["INFO guest: begun \"r-1\"", "INFO guest: next \"r-2\""]
    );
}

#[test]
fn streams_of_wasi_0_3_write_the_same() {
    let lines = logged(|| {
        let output = Output::new(log("r-1"));
        let mut stream = Box::into_pin(output.stream(Standard::Error).async_stream());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            stream.write_all(b"a\nb").await.unwrap();
            stream.shutdown().await.unwrap();
        });
        assert_eq!(output.end(), (2, 0));
        assert!(!output.stream(Standard::Output).is_terminal());
    });
    assert_eq!(lines, ["WARN guest: a \"r-1\"", "WARN guest: b \"r-1\""]);
}
