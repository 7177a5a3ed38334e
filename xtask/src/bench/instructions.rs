//! How many instructions of user mode a request takes on its way from the parser to the encoder,
//! sockets left out: counted by callgrind, so that two commits can be compared on a busy machine.
//!
//! The counts of the last run are kept beside the benchmark in the target folder, and the change
//! since then is printed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::lab::host as lab_host;
use crate::setup::{self, Tool};
use crate::{project, shell};

const BENCH: &str = "instructions";
/// The ways that the benchmark knows.
const WAYS: [&str; 3] = ["refused", "fresh", "reused"];
/// What two runs differ in is so many requests; the start, which is the same, drops out.
const TIMES: [u64; 2] = [500, 2500];
/// How often each is run. What threads in the background add depends on the time it takes: the run
/// that they added least to counts.
const RUNS: usize = 3;
const KEPT: &str = "requests.tsv";

/// What is read of a line that cargo writes about what it has built.
#[derive(Debug, Deserialize)]
struct Built {
    #[serde(default)]
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
struct Target {
    name: String,
}

/// Counts and prints.
///
/// # Errors
/// The benchmark does not build or run, or valgrind cannot be had.
pub(super) fn run() -> Result<()> {
    setup::ensure_tools(&[Tool::Valgrind])?;
    let program = shell::step("Build the benchmark", build)?;
    let folder = lab_host::folder()?;
    let kept = program.with_file_name(KEPT);
    let mut counts = read(&fs::read_to_string(&kept).unwrap_or_default());
    println!("| request | instructions | since the last run |\n| --- | ---: | ---: |");
    for way in WAYS {
        let now = for_each(&program, folder.path(), way)?;
        let before = counts.insert(way.to_owned(), now);
        println!("{}", row(way, now, before));
    }
    let lines: String = counts
        .iter()
        .map(|(way, count)| format!("{way}\t{count}\n"))
        .collect();
    fs::write(&kept, lines).with_context(|| format!("cannot write {}", kept.display()))
}

/// Instructions of one request of the `way`.
fn for_each(program: &Path, folder: &Path, way: &str) -> Result<u64> {
    // Compiles the guest for the processor that valgrind imitates; that must not count.
    count(program, folder, way, 1)?;
    let [mut few, mut many] = [u64::MAX; 2];
    for _ in 0..RUNS {
        few = few.min(count(program, folder, way, TIMES[0])?);
        many = many.min(count(program, folder, way, TIMES[1])?);
    }
    ensure!(
        many > few,
        "{} requests took {few} instructions, {} took {many}",
        TIMES[0],
        TIMES[1],
    );
    Ok((many - few) / (TIMES[1] - TIMES[0]))
}

fn row(way: &str, now: u64, before: Option<u64>) -> String {
    let change = before.map(|before| {
        let change = (now as f64 / before as f64 - 1.0) * 100.0;
        format!("{change:+.1} %")
    });
    format!("| {way} | {now} | {} |", change.unwrap_or_default())
}

/// The counts that a run has kept: a way, a tab and a number a line.
fn read(kept: &str) -> BTreeMap<String, u64> {
    let lines = kept.lines().filter_map(|line| line.split_once('\t'));
    lines
        .filter_map(|(way, count)| Some((way.to_owned(), count.parse().ok()?)))
        .collect()
}

fn build() -> Result<PathBuf> {
    let options = [
        "bench",
        "--quiet",
        "--no-run",
        "--package",
        "httpd-host",
        "--bench",
        BENCH,
    ];
    let said = shell::output(
        Command::new(project::cargo())
            .current_dir(project::root())
            .args(options)
            .args(["--message-format", "json"]),
    )?;
    executable(&said).context("cargo built no benchmark")
}

fn executable(said: &str) -> Option<PathBuf> {
    let mut built = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Built>(line).ok());
    built.find_map(|built| built.executable.filter(|_| built.target.name == BENCH))
}

fn count(program: &Path, folder: &Path, way: &str, times: u64) -> Result<u64> {
    let said = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .arg(folder)
        .args([way, &times.to_string()])
        .output()
        .context("valgrind")?;
    let text = String::from_utf8_lossy(&said.stderr);
    ensure!(said.status.success(), "valgrind: {text}");
    match collected(&text) {
        Some(count) => Ok(count),
        None => bail!("callgrind counted nothing: {text}"),
    }
}

/// The number in callgrind's line `==7== Collected : 123`.
fn collected(said: &str) -> Option<u64> {
    let (_, rest) = said.split_once("Collected : ")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_from_what_was_kept() {
        let kept = read("fresh\t200\nreused\tmany\n");
        assert_eq!(kept, BTreeMap::from([("fresh".to_owned(), 200)]));
        let line = row("fresh", 150, kept.get("fresh").copied());
        assert_eq!(line, "| fresh | 150 | -25.0 % |");
        assert_eq!(row("reused", 7, None), "| reused | 7 |  |");
    }

    #[test]
    fn the_count_and_the_program_are_found() {
        let said = "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n";
        assert_eq!(collected(said), Some(1_234_567));
        assert_eq!(collected("==7== "), None);
        let said = r#"{"reason":"x","target":{"name":"other"},"executable":"/a"}
                      {"reason":"y","target":{"name":"instructions"},"executable":"/b"}"#;
        assert_eq!(executable(said), Some("/b".into()));
    }
}
