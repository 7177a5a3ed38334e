//! Load generators, for a short time: they report what went wrong. How fast it was is not looked
//! at here.

use std::process::Command;

use super::{program, run, url};
use crate::support::{Program, folder_with};

#[track_caller]
fn wrk(program: &Program, options: &[&str]) {
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c16", "-d2s"]).args(options);
    let said = run("wrk", command.arg(url(program, "/hello")), Vec::new());
    let report = said.text();
    println!("{report}");
    assert!(!report.contains("Socket errors"), "{report}");
    assert!(!report.contains("Non-2xx or 3xx responses"), "{report}");
    let requests: u64 = word_before(report, " requests in ")
        .parse()
        .expect("a number");
    assert!(requests > 100, "{report}");
}

#[track_caller]
fn ab(program: &Program, options: &[&str], path: &str) {
    let mut command = Command::new("ab");
    command.args(["-q", "-c", "16"]).args(options);
    let said = run("apache2-utils", command.arg(url(program, path)), Vec::new());
    let report = said.text();
    println!("{report}");
    assert_eq!(
        word_after(report, "Failed requests:"),
        Some("0"),
        "{report}"
    );
    assert_eq!(word_after(report, "Non-2xx responses:"), None, "{report}");
    assert!(
        matches!(word_after(report, "Write errors:"), None | Some("0")),
        "{report}"
    );
    let complete = word_after(report, "Complete requests:").expect("a report");
    assert!(complete.parse::<u64>().expect("a number") > 100, "{report}");
    let kept = word_after(report, "Keep-Alive requests:").map(|kept| kept == complete);
    assert_eq!(kept, options.contains(&"-k").then_some(true), "{report}");
}

/// The last word before `mark`.
fn word_before<'a>(report: &'a str, mark: &str) -> &'a str {
    let before = report.split(mark).next().unwrap_or_default();
    before.split_whitespace().last().unwrap_or_default()
}

/// The first word after `mark`.
fn word_after<'a>(report: &'a str, mark: &str) -> Option<&'a str> {
    report.split_once(mark)?.1.split_whitespace().next()
}

#[test]
fn wrk_with_kept_connections() {
    wrk(&program(), &[]);
}

#[test]
fn wrk_with_a_connection_for_each_request() {
    wrk(&program(), &["-H", "Connection: close"]);
}

#[test]
fn ab_with_kept_connections() {
    ab(&program(), &["-t", "2", "-n", "1000000", "-k"], "/hello");
}

#[test]
fn ab_with_a_connection_for_each_request() {
    ab(&program(), &["-t", "2", "-n", "1000000"], "/hello");
}

#[test]
fn ab_with_bodies() {
    let folder = folder_with("body", &"0123456789".repeat(5_000));
    let body = folder.path().join("body");
    let body = body.to_str().expect("a path that is text");
    ab(
        &program(),
        &["-n", "400", "-p", body, "-T", "text/plain"],
        "/echo",
    );
    ab(
        &program(),
        &["-n", "400", "-p", body, "-T", "text/plain", "-k"],
        "/echo",
    );
}
