//! Where log lines go: standard error, by a thread of their own.
//!
//! Whoever reads the log may be slow or gone. Requests never wait for it: lines that find the
//! queue full are dropped.

use std::io::{self, BufWriter, Stderr, Write};
use std::thread;
use std::time::Duration;

use httpd_host::config::{Log, LogFormat};
use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt};

/// The most that is written in one go.
const BATCH_BYTES: usize = 64 * 1024;
/// How long the thread rests when no line is left.
const REST: Duration = Duration::from_millis(5);

/// Writes lines in batches. The thread flushes when no line is left; if it did not rest then, a
/// busy host would wake it for almost every line, which costs more than the line itself.
struct Batches(BufWriter<Stderr>);

impl Write for Batches {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.0.flush();
        thread::sleep(REST);
        flushed
    }
}

/// Starts logging as configured. The lines that wait are written when the guard is dropped.
pub(crate) fn start(log: &Log) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(log.queue_max)
        .thread_name("log")
        .finish(Batches(BufWriter::with_capacity(BATCH_BYTES, io::stderr())));
    // What libraries say below a warning is about their insides. The access log has its own key.
    let filter = Targets::new()
        .with_default(Level::WARN)
        .with_target("httpd_host", log.level)
        .with_target("guest", log.level)
        .with_target("access", Level::INFO);
    // A log that cannot be written must not end the host.
    let lines = fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .log_internal_errors(false);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
    // Only a second subscriber is refused, and this is the only place that sets one.
    let _ = tracing::subscriber::set_global_default(subscriber);
    guard
}
