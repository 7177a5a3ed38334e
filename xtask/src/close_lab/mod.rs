//! `cargo xtask close-lab`: what a client loses when a server closes a TCP connection in the
//! wrong way, measured on real sockets with a real capture and the kernel's own counters; and
//! that httpd-host, in the same situations, loses nothing. Writes docs/closing.md.
//!
//! The lab opens no socket outside a network namespace of its own.

mod capture;
mod cases;
mod client;
mod document;
mod half_open;
mod host;
mod measure;
mod options;
mod packets;
mod report;
mod resets;
mod servers;
mod writer;

use std::{fs, path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, bail, ensure};

use self::{
    document::Facts,
    host::Host,
    measure::{Lab, Measured},
    options::Options,
};
use crate::{
    lab::{counters, machine, namespace},
    project,
    setup::{self, Tool},
};

/// Runs the lab with the arguments of this process.
///
/// # Errors
/// A tool is missing, the lab cannot do its work, or httpd-host broke its promise.
pub(crate) fn run() -> Result<()> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    if options.help {
        print!("{}", options::HELP);
        return Ok(());
    }
    if options.inside {
        return run_inside(&options);
    }
    // The namespace has no way out, and apt and cargo need one: install and build first.
    setup::ensure_tools(&[Tool::Curl, Tool::Ip, Tool::Tshark, Tool::Unshare])?;
    if options.without_host || options.host_binary.is_some() {
        return namespace::enter(&[]);
    }
    let binary = crate::host::build()?;
    namespace::enter(&[Path::new("--host-binary"), &binary])
}

fn run_inside(options: &Options) -> Result<()> {
    namespace::loopback_up()?;
    let started = Instant::now();
    println!(
        "Measuring, {} runs of each case; about two minutes.\n",
        options.repetitions
    );
    let mut results = Vec::new();
    let faults = measure_all(options, &mut results)?;
    println!(
        "{}\nTook {} s.",
        report::table(&results),
        started.elapsed().as_secs()
    );
    if !faults.is_empty() {
        // The document's prose says that httpd-host keeps its promise, so it stays as it was.
        bail!("httpd-host broke its promise:\n  {}", faults.join("\n  "));
    }
    let document = options
        .output
        .clone()
        .unwrap_or_else(|| project::root().join("docs/closing.md"));
    write_document(&document, options, &results)?;
    println!("Wrote {}.", document.display());
    Ok(())
}

/// Measures every case into `results` and returns what is wrong with httpd-host.
fn measure_all(options: &Options, results: &mut Vec<Measured>) -> Result<Vec<String>> {
    let mut lab = Lab::open(options.repetitions)?;
    for case in &cases::LAB {
        keep(results, case.measure(&mut lab)?);
    }
    ensure!(
        results.iter().any(|result| result.responses_lost > 0),
        "no response was lost by any of the lab's servers: this lab cannot fail"
    );
    let lab_cases = results.len();
    if let Some(binary) = &options.host_binary {
        let host = Host::start(binary)?;
        for case in &cases::HOST {
            keep(results, case.measure(&mut lab, host.address)?);
        }
    }
    let faults = results[lab_cases..]
        .iter()
        .flat_map(Measured::faults)
        .collect();
    for way in &resets::WAYS {
        keep(results, way.measure(&mut lab)?);
    }
    Ok(faults)
}

fn keep(results: &mut Vec<Measured>, result: Measured) {
    println!("## {}\n\n{}\n", result.title, report::block(&result));
    results.push(result);
}

fn write_document(path: &Path, options: &Options, results: &[Measured]) -> Result<()> {
    let facts = Facts {
        kernel: machine::kernel()?,
        curl: version("curl")?,
        tshark: version("tshark")?,
        repetitions: options.repetitions,
    };
    let unmeasured = options.host_binary.is_none();
    let skipped: Vec<&str> = cases::HOST
        .iter()
        .filter(|_| unmeasured)
        .map(|case| case.id)
        .collect();
    let text = document::fill(document::TEMPLATE, &facts, results, &skipped)?;
    let folder = path.parent().context("the document has no folder")?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// The version a tool names on the first line of `--version`.
fn version(tool: &str) -> Result<String> {
    let output = Command::new(tool)
        .arg("--version")
        .output()
        .context(tool.to_owned())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbered = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let version = text
        .split_whitespace()
        .find(numbered)
        .unwrap_or("of unknown version");
    Ok(format!("{tool} {}", version.trim_end_matches('.')))
}
