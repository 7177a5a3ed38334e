//! Server and client on processors of their own, as if the client were another machine. On one
//! processor a single connection's latency is the work of both, one after the other, and where the
//! kernel puts them is chance.

use std::fs;
use std::thread;

use anyhow::{Context, Result};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::process::Processes;

/// While it lives, what this thread starts runs on the last processor and the server on the others.
/// Dropped, everything may run everywhere again.
#[derive(Debug)]
pub(super) struct Apart<'a> {
    server: &'a Processes,
    everywhere: CpuSet,
}

impl<'a> Apart<'a> {
    /// Takes them apart. With one processor only, nothing is done.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn put(server: &'a Processes) -> Result<Self> {
        let everywhere = sched_getaffinity(None)?;
        let apart = Self { server, everywhere };
        if let Some((servers, clients)) = divide(&everywhere) {
            apart.move_server(&servers)?;
            sched_setaffinity(None, &clients)?;
        }
        Ok(apart)
    }

    fn move_server(&self, to: &CpuSet) -> Result<()> {
        for pid in self.server.ids() {
            let tasks = format!("/proc/{pid}/task");
            for task in fs::read_dir(&tasks).context(tasks)?.flatten() {
                let id = task.file_name().to_str().and_then(|name| name.parse().ok());
                // One that has just ended cannot be moved, and need not be.
                if let Some(task) = id.and_then(Pid::from_raw) {
                    let _ = sched_setaffinity(Some(task), to);
                }
            }
        }
        Ok(())
    }
}

impl Drop for Apart<'_> {
    fn drop(&mut self) {
        let moved = self.move_server(&self.everywhere);
        let own = sched_setaffinity(None, &self.everywhere);
        if (moved.is_err() || own.is_err()) && !thread::panicking() {
            eprintln!("bench: server and client stay apart");
        }
    }
}

/// The processors of the server, and the client's.
fn divide(all: &CpuSet) -> Option<(CpuSet, CpuSet)> {
    let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| all.is_set(*cpu))?;
    let (mut servers, mut client) = (*all, CpuSet::new());
    servers.unset(last);
    client.set(last);
    (servers.count() > 0).then_some((servers, client))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(processors: &[usize]) -> CpuSet {
        let mut set = CpuSet::new();
        processors.iter().for_each(|cpu| set.set(*cpu));
        set
    }

    #[test]
    fn the_client_has_the_last_processor() {
        assert_eq!(divide(&set(&[0, 2, 5])), Some((set(&[0, 2]), set(&[5]))));
        assert_eq!(divide(&set(&[3])), None);
    }

    #[test]
    fn afterwards_everything_may_run_everywhere() {
        let before = sched_getaffinity(None).unwrap();
        let own = Processes::of(std::process::id()).unwrap();
        let apart = Apart::put(&own).unwrap();
        let during = sched_getaffinity(None).unwrap();
        assert_eq!(during.count(), 1);
        drop(apart);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
