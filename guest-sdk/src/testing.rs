//! Help for testing a handler natively: it is called, and the world around it is made up. Nothing
//! of this exists inside a component. `running` polls, `world` says what a handler finds there.

mod running;
mod world;

use std::cell::RefCell;

use log::Level;

#[doc(hidden)]
pub use running::spawn;
pub(crate) use running::{Handler, now, sleep};
pub use running::{block_on, call, next};
pub use world::{answer_fetches, grant_dir, set_config, set_env};
pub(crate) use world::{send, with_world};

/// One line a handler logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub message: String,
}

thread_local! {
    static CAPTURED: RefCell<Option<Vec<LogLine>>> = const { RefCell::new(None) };
}

/// Runs `call` and returns its outcome with the lines this thread logged meanwhile. They also go
/// to stderr, where a failing test shows them.
///
/// ```
/// use httpd_guest::{Request, Response, handler, log, testing};
///
/// #[handler]
/// fn handle(request: Request) -> Response {
///     log::warn!("nobody is at {}", request.path());
///     Response::status(404)
/// }
/// # fn main() {
/// let (response, lines) = testing::capture_log(|| handle(Request::get("/nobody")));
/// assert_eq!(response.status_code(), 404);
/// assert_eq!(lines[0].message, "nobody is at /nobody");
/// # }
/// ```
///
/// Calls may nest: the inner one keeps its lines to itself. A test program that installs a logger
/// of its own before the first call gets the lines there, and none here.
pub fn capture_log<T>(call: impl FnOnce() -> T) -> (T, Vec<LogLine>) {
    crate::logging::install();
    let outer = CAPTURED.replace(Some(Vec::new()));
    let outcome = call();
    let lines = CAPTURED.replace(outer).unwrap_or_default();
    (outcome, lines)
}

/// Where the logger puts a line outside a component.
pub(crate) fn write(level: Level, message: &str) {
    eprintln!("{level} {message}");
    CAPTURED.with_borrow_mut(|captured| {
        if let Some(lines) = captured {
            lines.push(LogLine {
                level,
                message: message.to_owned(),
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_nest_and_end() {
        let ((), outer) = capture_log(|| {
            log::info!("before");
            let ((), inner) = capture_log(|| log::debug!("inside {}", 1));
            assert_eq!(
                inner,
                [LogLine {
                    level: Level::Debug,
                    message: "inside 1".into()
                }]
            );
            log::info!("after");
        });
        let messages: Vec<_> = outer.iter().map(|line| &*line.message).collect();
        assert_eq!(messages, ["before", "after"]);
    }
}
