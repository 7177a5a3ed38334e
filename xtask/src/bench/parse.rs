//! How fast heads are parsed beside httparse: the protocol's own benchmark is run, and what it
//! leaves on the disk is read.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::{project, shell};

/// The heads in the benchmark, by what their names end in: bytes.
const SIZES: [u32; 3] = [80, 700, 4096];
/// Where criterion lays what it measured, below the target folder.
const FOLDER: &str = "criterion/head";

/// The part that is read of what criterion keeps of a benchmark.
#[derive(Debug, Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Debug, Deserialize)]
struct Estimate {
    /// Nanoseconds.
    point_estimate: f64,
}

/// Runs the benchmark. Returns for each size of a head the speed of the host's parser as a multiple
/// of httparse's.
///
/// # Errors
/// It does not build or run, or leaves something else.
pub(super) fn measure() -> Result<Vec<(u32, f64)>> {
    shell::step("Parse heads", || {
        let names = "^head/(ours|httparse)/";
        let bench = [
            "bench",
            "--quiet",
            "--package",
            "httpd-http1",
            "--bench",
            "protocol",
        ];
        shell::run(
            Command::new(project::cargo())
                .current_dir(project::root())
                .args(bench)
                .args(["--", "--noplot", names]),
        )
    })?;
    let folder = project::target().join(FOLDER);
    SIZES
        .iter()
        .map(|size| Ok((*size, speed(&folder, *size)?)))
        .collect()
}

fn speed(folder: &Path, size: u32) -> Result<f64> {
    let nanoseconds = |parser: &str| {
        let path = folder.join(format!("{parser}_{size}/new/estimates.json"));
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        let estimates: Estimates = serde_json::from_slice(&text)?;
        anyhow::Ok(estimates.median.point_estimate)
    };
    let (ours, peer) = (nanoseconds("ours")?, nanoseconds("httparse")?);
    ensure!(ours > 0.0, "no time at all");
    Ok(peer / ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read_from_what_criterion_keeps() {
        let folder = tempfile::tempdir().unwrap();
        for (parser, time) in [("ours_80", 200.0), ("httparse_80", 100.0)] {
            let kept = folder.path().join(parser).join("new");
            fs::create_dir_all(&kept).unwrap();
            let text = format!("{{\"mean\":{{}},\"median\":{{\"point_estimate\":{time}}}}}");
            fs::write(kept.join("estimates.json"), text).unwrap();
        }
        assert!((speed(folder.path(), 80).unwrap() - 0.5).abs() < 1e-9);
        assert!(speed(folder.path(), 700).is_err());
    }
}
