//! What the kernel tells of a server's processes: processor time and memory.

use std::fs;

use anyhow::{Context, Result};

use crate::lab::others::{self, TICKS_PER_SECOND};

/// A server's process and its children.
#[derive(Debug)]
pub(super) struct Processes(Vec<u32>);

impl Processes {
    /// The process `pid`, and the children it has by now.
    ///
    /// # Errors
    /// This is not Linux.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let mut all = vec![pid];
        for entry in fs::read_dir("/proc").context("/proc")?.flatten() {
            let Some(candidate) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // One that has just ended has no line any more.
            let line = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            if parent(&line) == Some(pid) {
                all.push(candidate);
            }
        }
        Ok(Self(all))
    }

    /// Their process ids.
    pub(super) fn ids(&self) -> &[u32] {
        &self.0
    }

    /// Seconds of user and system time that all their threads have had.
    ///
    /// # Errors
    /// One of them is gone.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        let ticks: Result<Vec<_>> = self.0.iter().map(|pid| others::ticks_of(*pid)).collect();
        Ok(ticks?.iter().sum::<u64>() as f64 / TICKS_PER_SECOND)
    }

    /// Their resident memory in KiB.
    ///
    /// # Errors
    /// One of them is gone.
    pub(super) fn resident_kib(&self) -> Result<u64> {
        self.sum("VmRSS:")
    }

    /// The most that it has been since [`Processes::forget_peak`], in KiB.
    ///
    /// # Errors
    /// One of them is gone.
    pub(super) fn peak_kib(&self) -> Result<u64> {
        self.sum("VmHWM:")
    }

    /// Lets the peak begin anew (`clear_refs` of proc(5)).
    ///
    /// # Errors
    /// One of them is gone, or belongs to somebody else.
    pub(super) fn forget_peak(&self) -> Result<()> {
        self.0.iter().try_for_each(|pid| {
            let path = format!("/proc/{pid}/clear_refs");
            fs::write(&path, "5").context(path)
        })
    }

    fn sum(&self, field: &str) -> Result<u64> {
        self.0.iter().map(|pid| memory_kib(*pid, field)).sum()
    }
}

fn memory_kib(pid: u32, field: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).context(path)?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.with_context(|| format!("process {pid} tells no {field}"))
}

/// The parent in a line of `/proc/PID/stat`. The program's name before it may contain anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn the_parent_is_found_behind_a_strange_name() {
        assert_eq!(parent("7 (a) 9 b) S 42 7 7 0"), Some(42));
        assert_eq!(parent(""), None);
    }

    /// Not this one: children of other tests come and go.
    #[test]
    fn a_process_and_its_child_are_seen() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let said = shell.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut line).unwrap();
        let child: u32 = line.trim().parse().unwrap();
        let theirs = Processes::of(shell.id()).unwrap();
        assert!(theirs.ids().contains(&shell.id()) && theirs.ids().contains(&child));
        theirs.forget_peak().unwrap();
        assert!(theirs.peak_kib().unwrap() > 0 && theirs.resident_kib().unwrap() > 0);
        assert!(theirs.cpu_seconds().unwrap() >= 0.0);
        let ended = Command::new("kill").arg(line.trim()).status().unwrap();
        assert!(ended.success());
        shell.wait().unwrap();
    }
}
