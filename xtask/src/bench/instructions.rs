//! How many instructions of user mode a request takes on its way from the parser to the encoder,
//! sockets left out: counted by callgrind, so that two commits can be compared on a busy machine.

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
const TIMES: [u64; 2] = [500, 1500];

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
    println!("| request | instructions |\n| --- | ---: |");
    for way in WAYS {
        // Compiles the guest, which would take a minute under callgrind.
        shell::run(Command::new(&program).arg(folder.path()).args([way, "1"]))?;
        let counted = [
            count(&program, folder.path(), way, TIMES[0])?,
            count(&program, folder.path(), way, TIMES[1])?,
        ];
        let for_each = (counted[1] - counted[0]) / (TIMES[1] - TIMES[0]);
        println!("| {way} | {for_each} |");
    }
    Ok(())
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
    fn the_count_and_the_program_are_found() {
        let said = "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n";
        assert_eq!(collected(said), Some(1_234_567));
        assert_eq!(collected("==7== "), None);
        let said = r#"{"reason":"x","target":{"name":"other"},"executable":"/a"}
                      {"reason":"y","target":{"name":"instructions"},"executable":"/b"}"#;
        assert_eq!(executable(said), Some("/b".into()));
    }
}
