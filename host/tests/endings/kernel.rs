//! What the kernel says of this network namespace: how often it had to reset a connection, and
//! which sockets somebody still holds.

use std::fs;
use std::ops::Sub;
use std::time::{Duration, Instant};

/// State 0A of /proc/net/tcp.
const LISTEN: &str = "0A";
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Connections that the kernel reset because of what a program did (tcp(7), TcpExt).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Aborts {
    /// `TCPAbortOnClose`: a socket was closed with bytes in it that nobody had read.
    pub(super) on_close: u64,
    /// `TCPAbortOnData`: bytes came for a socket that was closed, or it was closed with a linger
    /// time of zero.
    pub(super) on_data: u64,
}

impl Aborts {
    /// The counters of this namespace.
    pub(super) fn read() -> Self {
        let table = fs::read_to_string("/proc/self/net/netstat").expect("/proc/self/net/netstat");
        Self {
            on_close: counter(&table, "TCPAbortOnClose"),
            on_data: counter(&table, "TCPAbortOnData"),
        }
    }
}

impl Sub for Aborts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            on_close: self.on_close - before.on_close,
            on_data: self.on_data - before.on_data,
        }
    }
}

/// How many connections at this local `port` a program still holds: their file is open. What the
/// kernel finishes alone is not counted.
pub(super) fn connections_held(port: u16) -> usize {
    let table = fs::read_to_string("/proc/self/net/tcp").expect("/proc/self/net/tcp");
    let local = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|row| row[1].ends_with(&local) && row[3] != LISTEN && row[9] != "0")
        .count()
}

/// Waits until at most `most` connections at `port` are held; the time that took, or none if
/// `patience` was not enough.
pub(super) async fn held_at_most(most: usize, port: u16, patience: Duration) -> Option<Duration> {
    let started = Instant::now();
    while connections_held(port) > most {
        if started.elapsed() > patience {
            return None;
        }
        // The kernel tells nobody when a file is closed, so it has to be asked.
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Some(started.elapsed())
}

/// The tables have pairs of lines: `TcpExt: NAME NAME`, then `TcpExt: VALUE VALUE`.
fn counter(table: &str, name: &str) -> u64 {
    let mut lines = table.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let value = names
        .split_whitespace()
        .zip(values.split_whitespace())
        .find_map(|(found, value)| (found == name).then_some(value));
    let value = value.unwrap_or_else(|| panic!("this kernel does not count {name}"));
    value.parse().expect("a counter is a number")
}

#[test]
fn a_counter_is_found_by_its_name() {
    let table = "TcpExt: A TCPAbortOnClose B\nTcpExt: 1 20 300\nIpExt: X\nIpExt: 4\n";
    assert_eq!(counter(table, "TCPAbortOnClose"), 20);
    assert_eq!(counter(table, "B"), 300);
}
