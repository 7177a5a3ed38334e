//! How much of the machine others use meanwhile: a figure measured beside a busy neighbour says
//! little.

use std::fs;
use std::process;
use std::time::Duration;

use anyhow::{Context, Result};

/// The fields of /proc/PID/stat, counted behind the program's name, that say for how many ticks
/// it ran itself: utime and stime.
const OWN: [usize; 2] = [11, 12];
/// Those of the children it waited for as well.
const WITH_CHILDREN: [usize; 4] = [11, 12, 13, 14];
/// Those of the children alone: cutime and cstime.
const CHILDREN: [usize; 2] = [13, 14];
/// The numbers in the first line of /proc/stat that are no work: idle and iowait.
const IDLE: [usize; 2] = [3, 4];
/// Those after which time is counted that is contained in others: guest and guest_nice.
const COUNTED: usize = 8;

/// A tick, as Linux shows times to programs on every machine (USER_HZ).
const TICK: Duration = Duration::from_millis(10);

/// Watches from its making on.
pub(crate) struct Others {
    hosts: Vec<u32>,
    before: Ticks,
}

/// How many ticks a second has, in which the kernel tells processor time (USER_HZ, proc(5)).
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// Ticks since the machine's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    all: u64,
    busy: u64,
    ours: u64,
}

impl Others {
    /// Watches everybody but this process, the children it waits for, and the processes `hosts`.
    ///
    /// # Errors
    /// This is not Linux, or a host is gone.
    pub(crate) fn watch(hosts: &[u32]) -> Result<Self> {
        Ok(Self {
            hosts: hosts.to_vec(),
            before: now(hosts)?,
        })
    }

    /// The part of the machine, in percent, that others have used since.
    ///
    /// # Errors
    /// A host is gone.
    pub(crate) fn percent(&self) -> Result<f64> {
        Ok(percent(self.before, now(&self.hosts)?))
    }
}

/// The processor time that a process has used.
///
/// # Errors
/// It is gone.
pub(super) fn processor_time(pid: u32) -> Result<Duration> {
    let ticks = u32::try_from(ticks(pid, &OWN)?).context("a long life")?;
    Ok(TICK * ticks)
}

/// The ticks of user and system time that all threads of a process have had.
///
/// # Errors
/// It is gone.
pub(crate) fn ticks_of(pid: u32) -> Result<u64> {
    ticks(pid, &OWN)
}

/// The same for the children that this process has waited for.
///
/// # Errors
/// This is not Linux.
pub(crate) fn ticks_of_children() -> Result<u64> {
    ticks(process::id(), &CHILDREN)
}

fn now(hosts: &[u32]) -> Result<Ticks> {
    let machine = fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let line = machine.lines().next().unwrap_or_default();
    let numbers: Vec<u64> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let all = numbers.iter().take(COUNTED).sum();
    let idle: u64 = IDLE.iter().filter_map(|index| numbers.get(*index)).sum();
    let mut ours = ticks(process::id(), &WITH_CHILDREN)?;
    for host in hosts {
        ours += ticks_of(*host)?;
    }
    Ok(Ticks {
        all,
        busy: all - idle,
        ours,
    })
}

fn ticks(pid: u32, fields: &[usize]) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).context(path)?;
    Ok(sum(&text, fields))
}

/// The sum of these fields. The program's name before them may contain anything.
fn sum(stat: &str, fields: &[usize]) -> u64 {
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let words: Vec<_> = behind_name.split_whitespace().collect();
    let number = |index: &usize| words.get(*index)?.parse::<u64>().ok();
    fields.iter().filter_map(number).sum()
}

fn percent(before: Ticks, after: Ticks) -> f64 {
    let all = after.all - before.all;
    let busy = after.busy - before.busy;
    // The processes are read after the machine, and may be some ticks ahead.
    let others = busy.saturating_sub(after.ours - before.ours);
    others as f64 * 100.0 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_strange_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4 0 0 0 0 100 20 3 4 20 0 1 0 5";
        assert_eq!(sum(stat, &OWN), 120);
        assert_eq!(sum(stat, &WITH_CHILDREN), 127);
        assert_eq!(sum(stat, &CHILDREN), 7);
    }

    #[test]
    fn what_is_ours_is_not_others() {
        let ticks = |all, busy, ours| Ticks { all, busy, ours };
        let before = ticks(1000, 500, 100);
        assert!((percent(before, ticks(1200, 600, 150)) - 25.0).abs() < 1e-9);
        assert!(percent(before, ticks(1200, 600, 210)).abs() < 1e-9);
        assert!(percent(before, before).abs() < 1e-9);
    }

    #[test]
    fn this_machine_can_be_watched() {
        let others = Others::watch(&[process::id()]).unwrap();
        assert!((0.0..=100.0).contains(&others.percent().unwrap()));
    }
}
