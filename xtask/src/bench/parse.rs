//! How fast heads are parsed beside httparse: the protocol's own benchmark is run, in which both
//! take turns of microseconds, and what it prints is read. Measured one after the other, each for
//! seconds, they would meet another speed of a machine that others use, too.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{project, shell};

/// The heads in the benchmark, by what their names end in: bytes.
const SIZES: [u32; 3] = [80, 700, 4096];

/// Runs the benchmark. Returns for each size of a head the speed of the host's parser as a multiple
/// of httparse's.
///
/// # Errors
/// It does not build or run, or prints something else.
pub(super) fn measure() -> Result<Vec<(u32, f64)>> {
    let printed = shell::step("Parse heads", || {
        let bench = [
            "bench",
            "--quiet",
            "--package",
            "httpd-http1",
            "--bench",
            "ratio",
        ];
        let mut command = Command::new(project::cargo());
        shell::output(command.current_dir(project::root()).args(bench))
    })?;
    SIZES
        .iter()
        .map(|size| Ok((*size, speed(&printed, *size)?)))
        .collect()
}

/// The last number of the line that begins with the size.
fn speed(printed: &str, size: u32) -> Result<f64> {
    let size = size.to_string();
    let mut lines = printed.lines().map(str::split_ascii_whitespace);
    let line = lines.find_map(|mut words| (words.next() == Some(&size)).then_some(words));
    let last = line.and_then(Iterator::last);
    let last = last.with_context(|| format!("no line for {size} bytes: {printed}"))?;
    let speed: f64 = last.parse().with_context(|| last.to_owned())?;
    ensure!(speed > 0.0, "no time at all");
    Ok(speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read_from_what_is_printed() {
        let printed = "head   httparse/ns  ours/ns  ratio\n80  54.7  59.2  0.92\n700  1  x\n";
        assert!((speed(printed, 80).unwrap() - 0.92).abs() < 1e-9);
        assert!(speed(printed, 700).is_err() && speed(printed, 4096).is_err());
    }
}
