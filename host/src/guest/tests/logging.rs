//! What guests write to the host's log.

use super::support::*;
use crate::guest::{Guest, GuestSettings, Priority, Reach, Request, Usage};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::Level;

/// Collects what a subscriber writes.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Calls the guest with the log at `level`, and returns the log's lines. A deadline is passed
/// after `time`.
async fn logged(guest: &Guest, level: Level, time: Duration) -> (Vec<String>, Usage) {
    logged_for(guest, request(), level, time).await
}

async fn logged_for(
    guest: &Guest,
    request: Request<'_>,
    level: Level,
    time: Duration,
) -> (Vec<String>, Usage) {
    let output = Output::default();
    let writer = output.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let subscribed = tracing::subscriber::set_default(subscriber);
    let (_, usage) = guest.call(request, soon(time)).await;
    drop(subscribed);
    let text = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
    (
        text.lines().map(|line| line.trim().to_owned()).collect(),
        usage,
    )
}

/// A guest that writes these lines and answers 200.
fn logger(lines: &[(u32, &str)], after: &str) -> Guest {
    guest(&logger_core(lines, after))
}

fn logger_core(lines: &[(u32, &str)], after: &str) -> String {
    let (mut data, mut calls, mut address) = (String::new(), String::new(), 2048);
    for (level, text) in lines {
        let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        data += &format!("(data (i32.const {address}) \"{escaped}\")");
        let size = text.len();
        calls +=
            &format!("(call $write (i32.const {level}) (i32.const {address}) (i32.const {size}))");
        address += size;
    }
    let answer = "(i32.store (i32.const 1024) (i32.const 200)) (i32.const 1024)";
    format!("{data} {}", handle(&format!("{calls} {after} {answer}")))
}

#[tokio::test]
async fn lines_carry_level_guest_and_request() {
    let guest = logger(&[(2, "hello"), (4, "oh no")], "");
    let (lines, usage) = logged(&guest, Level::TRACE, PATIENCE).await;
    let expected = [
        "INFO guest: hello guest=\"test\" generation=0 request=\"request-1\"",
        "ERROR guest: oh no guest=\"test\" generation=0 request=\"request-1\"",
    ];
    assert_eq!(lines, expected);
    assert_eq!((usage.log_lines, usage.log_lines_dropped), (2, 0));
}

#[tokio::test]
async fn all_levels_are_known_and_those_below_the_configured_one_are_free() {
    let guest = logger(&[(0, "t"), (1, "d"), (2, "i"), (3, "w"), (4, "e")], "");
    let (lines, usage) = logged(&guest, Level::INFO, PATIENCE).await;
    let levels: Vec<_> = lines
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(levels, ["INFO", "WARN", "ERROR"]);
    assert_eq!((usage.log_lines, usage.log_lines_dropped), (3, 0));
    let (lines, _) = logged(&guest, Level::TRACE, PATIENCE).await;
    assert!(
        lines[0].starts_with("TRACE") && lines[1].starts_with("DEBUG"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn lines_are_those_of_the_guest_that_is_called() {
    let sandbox = sandbox(4);
    let text = component(&logger_core(&[(2, "hello")], ""));
    let load = |name| {
        let (reach, bytes) = (Reach::default(), text.as_bytes());
        let loaded = sandbox.load(name, SETTINGS, reach, bytes, Priority::Start);
        loaded.unwrap()
    };
    let (one, two) = (load("one"), load("two"));
    logged(&one, Level::TRACE, PATIENCE).await;
    one.restock();
    let (lines, _) = logged(&two, Level::TRACE, PATIENCE).await;
    assert_eq!(one.instances(), (0, 0), "it was made for both");
    let expected = "INFO guest: hello guest=\"two\" generation=0 request=\"request-1\"";
    assert_eq!(lines, [expected]);
}

#[tokio::test]
async fn lines_are_cut_and_cannot_forge_others() {
    let guest = logger(&[(2, "a\nERROR forged\u{1b}[0m"), (2, &"é".repeat(50))], "");
    let (lines, _) = logged(&guest, Level::INFO, PATIENCE).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("INFO guest: a\\nERROR forged… guest="),
        "{lines:?}"
    );
    let cut = format!("INFO guest: {}… guest=", "é".repeat(LINE_MAX / 2));
    assert!(lines[1].starts_with(&cut), "{lines:?}");
}

#[tokio::test]
async fn lines_over_the_limit_are_counted_in_a_closing_line() {
    let guest = logger(&[(2, "line"); 10], "");
    for _ in 0..2 {
        let (lines, usage) = logged(&guest, Level::INFO, PATIENCE).await;
        assert_eq!(lines.len(), LINES_MAX as usize + 1, "{lines:?}");
        assert!(
            lines[3].starts_with("WARN guest: lines over the limit, not shown: 7"),
            "{lines:?}"
        );
        assert_eq!((usage.log_lines, usage.log_lines_dropped), (LINES_MAX, 7));
    }
}

#[tokio::test]
async fn a_guest_that_fails_has_its_closing_line_too() {
    let guest = logger(&[(2, "line"); 4], "(loop $again (br $again))");
    let (lines, usage) = logged(&guest, Level::INFO, Duration::from_millis(10)).await;
    assert!(
        lines[3].starts_with("WARN guest: lines over the limit, not shown: 1"),
        "{lines:?}"
    );
    assert_eq!(usage.log_lines_dropped, 1);
}

#[tokio::test]
async fn a_reused_instance_logs_for_the_request_it_serves() {
    let reuse = GuestSettings {
        instances: reuse(10),
        ..SETTINGS
    };
    let guest = load(&sandbox(1), reuse, &logger_core(&[(2, "line"); 4], ""));
    for id in ["one", "two", "three"] {
        let request = Request { id, ..request() };
        let (lines, usage) = logged_for(&guest, request, Level::INFO, PATIENCE).await;
        let named = format!("request=\"{id}\"");
        assert!(
            lines[..3].iter().all(|line| line.contains(&named)),
            "{lines:?}"
        );
        assert_eq!((usage.log_lines, usage.log_lines_dropped), (3, 1));
    }
}
