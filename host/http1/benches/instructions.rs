//! How many instructions a request head, a chunked body, a response and an exchange take.
//!
//! Unlike times, these counts are the same on a busy machine, so that two commits can be compared.
//! Each piece of work runs under callgrind with few and with many repetitions; the difference is
//! the repetitions alone, without start-up and preparation. Valgrind has to be installed.
//!
//! Run it with `cargo bench -p httpd-http1 --bench instructions [-- FILTER]`. The counts of the
//! last run are kept in the target folder, and the change since then is printed.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failed benchmark may panic"
)]

mod work;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// How many inputs are prepared, whatever number of them is used.
const PREPARED: usize = 300;
/// How many of them are used in the two runs whose difference is taken.
const FEW: usize = 100;
const MANY: usize = 300;

/// The argument by which this program is told to do the work itself.
const WORK: &str = "--work";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [work, name, count] if work == WORK => run(name, count.parse().unwrap()),
        _ => {
            let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
            count_all(filter.map_or("", String::as_str));
        }
    }
}

fn names() -> Vec<String> {
    let heads = ["httparse", "ours", "exchange"]
        .iter()
        .flat_map(|kind| work::heads().map(|(size, _)| format!("head/{kind}/{size}")));
    let others = ["chunked/16", "chunked/1024", "answer"];
    heads.chain(others.map(str::to_owned)).collect()
}

/// Does the named work `count` times.
fn run(name: &str, count: usize) {
    let parts: Vec<&str> = name.split('/').collect();
    let head = |size: &str| {
        let mut heads = work::heads().into_iter();
        heads.find(|(name, _)| *name == size).unwrap().1
    };
    let mut out = Vec::with_capacity(1024);
    match parts[..] {
        ["head", "httparse", size] => {
            let head = head(size);
            repeat(
                count,
                || (),
                |()| work::httparse_head(black_box(head.as_bytes())),
            );
        }
        ["head", "ours", size] => {
            let head = head(size);
            let ready = || work::connection_with(head.as_bytes());
            repeat(count, ready, work::read_head);
        }
        ["head", "exchange", size] => {
            let head = head(size);
            let ready = || {
                let mut connection = work::connection_to_answer();
                work::write_answer(&mut connection, &mut Vec::new());
                assert!(connection.next_cycle());
                work::exchange(&mut connection, head.as_bytes(), &mut Vec::new());
                connection
            };
            repeat(count, ready, |connection| {
                work::exchange(connection, black_box(head.as_bytes()), &mut out);
            });
        }
        ["chunked", size] => {
            let request = work::chunked_request(size.parse().unwrap());
            let ready = || work::connection_with_body(&request);
            repeat(count, ready, work::read_body);
        }
        ["answer"] => repeat(count, work::connection_to_answer, |connection| {
            out.clear();
            work::write_answer(connection, &mut out);
        }),
        _ => panic!("no work is called {name}"),
    }
}

/// Prepares all inputs and uses `count` of them. Nothing is freed before the end, which would
/// count too.
fn repeat<I, O>(count: usize, ready: impl Fn() -> I, mut work: impl FnMut(&mut I) -> O) {
    let mut inputs: Vec<I> = (0..PREPARED).map(|_| ready()).collect();
    for input in inputs.iter_mut().take(count) {
        std::mem::forget(black_box(work(black_box(input))));
    }
    std::mem::forget(inputs);
}

fn count_all(filter: &str) {
    let kept = kept_counts();
    let mut counts = read_counts(&kept);
    println!("{:<22} {:>12} {:>9}", "instructions", "now", "change");
    for name in names().iter().filter(|name| name.contains(filter)) {
        let now = instructions(name);
        let change = counts.insert(name.clone(), now).map(|before| {
            let change = (now as f64 / before as f64 - 1.0) * 100.0;
            format!("{change:+.1} %")
        });
        println!("{name:<22} {now:>12} {:>9}", change.unwrap_or_default());
    }
    let lines = counts
        .iter()
        .map(|(name, count)| format!("{name}\t{count}\n"));
    fs::write(&kept, lines.collect::<String>()).unwrap();
}

/// Instructions of one repetition.
fn instructions(name: &str) -> u64 {
    let [few, many] = [FEW, MANY].map(|count| collected(name, count));
    many.saturating_sub(few) / (MANY - FEW) as u64
}

/// What callgrind counts while the work is done `count` times, all included.
fn collected(name: &str, count: usize) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args([WORK, name, &count.to_string()])
        .output()
        .unwrap_or_else(|error| panic!("valgrind does not run ({error}): is it installed?"));
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected :"));
    let (_, number) = collected.unwrap_or_else(|| panic!("callgrind counted nothing: {report}"));
    number.trim().parse().unwrap()
}

/// Beside the executable, which is in the target folder.
fn kept_counts() -> PathBuf {
    env::current_exe()
        .unwrap()
        .with_file_name("instructions.tsv")
}

fn read_counts(path: &Path) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    lines
        .filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?)))
        .collect()
}
