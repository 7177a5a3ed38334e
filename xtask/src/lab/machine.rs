//! What a result depends on and a document therefore says: machine, kernel, tools, day.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use crate::shell;

/// The kernel's version without what its builder appended to it, such as `Linux 6.12.1`.
///
/// # Errors
/// This is not Linux.
pub(crate) fn kernel() -> Result<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").context("the kernel")?;
    let version = release.trim().split('-').next().unwrap_or_default();
    Ok(format!("Linux {version}"))
}

/// Processors, how many and which, such as `4 processors (AMD EPYC 7B13)`.
pub(crate) fn processors() -> String {
    let count = thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    match model(&info) {
        Some(model) => format!("{count} processors ({model})"),
        None => format!("{count} processors"),
    }
}

/// The day in UTC, such as `2026-02-28`.
///
/// # Errors
/// There is no `date`.
pub(crate) fn day() -> Result<String> {
    shell::output(Command::new("date").args(["-u", "+%F"]))
}

/// wrk's version. It exits with 1 after telling it.
///
/// # Errors
/// There is no wrk.
pub(crate) fn wrk() -> Result<String> {
    let said = Command::new("wrk")
        .arg("--version")
        .output()
        .context("wrk")?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let named: Vec<_> = text.split_whitespace().take(2).collect();
    Ok(named.join(" "))
}

/// The name of the first processor in /proc/cpuinfo; none on architectures that do not tell.
fn model(info: &str) -> Option<&str> {
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named() {
        let info = "processor\t: 0\nmodel name\t: AMD EPYC 7B13\ncpu MHz\t: 1\n";
        assert_eq!(model(info), Some("AMD EPYC 7B13"));
        assert_eq!(model("processor\t: 0\n"), None);
    }

    #[test]
    fn the_day_has_year_month_and_day() {
        assert_eq!(day().unwrap().split('-').count(), 3);
    }
}
