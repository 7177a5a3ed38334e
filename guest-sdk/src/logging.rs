//! The `log` crate's logger: to the host inside a component, to a test's hands elsewhere. This
//! file formats lines; what is kept, cut or dropped is the host's to decide.

use log::{LevelFilter, Log, Metadata, Record};

struct Logger;

static LOGGER: Logger = Logger;

/// Makes this the process's logger, at every level. A test that has installed another keeps it.
pub(crate) fn install() {
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let arguments = record.args();
        match arguments.as_str() {
            Some(message) => write(record.level(), message),
            None => write(record.level(), &arguments.to_string()),
        }
    }

    fn flush(&self) {}
}

#[cfg(target_family = "wasm")]
pub(crate) fn write(level: log::Level, message: &str) {
    use crate::raw::log as host;
    let level = match level {
        log::Level::Error => host::Level::Error,
        log::Level::Warn => host::Level::Warn,
        log::Level::Info => host::Level::Info,
        log::Level::Debug => host::Level::Debug,
        log::Level::Trace => host::Level::Trace,
    };
    host::write(level, message);
}

#[cfg(not(target_family = "wasm"))]
use crate::testing::write;
