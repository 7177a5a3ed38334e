//! Where log lines go: standard error, by a thread of their own.
//!
//! Whoever reads the log may be slow or gone. Requests never wait for it: lines that find the
//! queue full are dropped.

mod access;
mod lines;
mod queue;
mod text;

use std::io;

pub(crate) use access::Access;
use httpd_host::config::{Log, LogFormat};
pub(crate) use lines::Lines;
use queue::Guard;
use text::Text;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt};

/// What was started.
pub(crate) struct Logging {
    /// Where threads say when they work and when they rest.
    pub(crate) lines: Lines,
    /// What writes the access log, if that is not done by way of events.
    pub(crate) access: Option<Access>,
    /// Has the lines that wait written when it is dropped.
    pub(crate) guard: Guard,
}

/// Starts logging as configured.
pub(crate) fn start(log: &Log) -> Logging {
    let (queue, guard) = queue::start(log.queue_max, io::stderr(), |dropped| {
        tracing::warn!("{dropped} lines of the log were dropped: log.queue_max");
    });
    // What libraries say below a warning is about their insides. The access log has its own key.
    let filter = Targets::new()
        .with_default(Level::WARN)
        .with_target("httpd_host", log.level)
        .with_target("guest", log.level)
        .with_target("access", Level::INFO);
    let lines = Lines::new(queue);
    let (layer, access) = match log.format {
        LogFormat::Text => {
            let access = Access::new(lines.clone());
            (Text(lines.clone()).boxed(), Some(access))
        }
        LogFormat::Json => {
            let layer = fmt::layer()
                .with_writer(lines.clone())
                .log_internal_errors(false)
                .json()
                .flatten_event(true)
                .boxed();
            (layer, None)
        }
    };
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
    // Only a second subscriber is refused, and this is the only place that sets one.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Logging {
        lines,
        access,
        guard,
    }
}
