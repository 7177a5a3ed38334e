//! The kernel's TCP counters of this network namespace, before and after a case.
//! Nothing here runs a case or judges one.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// The counters the lab shows: every way Linux counts an aborted or refused connection.
const SHOWN: [&str; 11] = [
    "TCPAbortOnClose",
    "TCPAbortOnData",
    "TCPAbortOnLinger",
    "TCPAbortOnMemory",
    "TCPAbortOnTimeout",
    "TCPAbortFailed",
    "ListenOverflows",
    "ListenDrops",
    "TCPReqQFullDrop",
    "EmbryonicRsts",
    "OutRsts",
];

/// One reading of the shown counters. They count the whole namespace, so both ends of a
/// connection: which end sent a RST is what the capture tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counters(BTreeMap<String, u64>);

impl Counters {
    /// Reads `/proc/net/netstat` and `/proc/net/snmp`.
    ///
    /// # Errors
    /// One of the two cannot be read: not Linux, or `/proc` is not mounted.
    pub(crate) fn read() -> Result<Self> {
        let netstat = std::fs::read_to_string("/proc/net/netstat").context("/proc/net/netstat")?;
        let snmp = std::fs::read_to_string("/proc/net/snmp").context("/proc/net/snmp")?;
        Ok(Self::parse(&[&netstat, &snmp]))
    }

    /// Takes the shown counters out of files in the kernel's two-line format: a line of names
    /// and a line of values, both starting with the name of the group. The kernel leaves out
    /// a counter it does not have, and so does this.
    fn parse(files: &[&str]) -> Self {
        let mut counters = BTreeMap::new();
        for file in files {
            let lines: Vec<&str> = file.lines().collect();
            for pair in lines.chunks_exact(2) {
                let values = pair[1].split_whitespace().skip(1);
                for (name, value) in pair[0].split_whitespace().skip(1).zip(values) {
                    if SHOWN.contains(&name) {
                        counters.insert(name.to_owned(), value.parse().unwrap_or(0));
                    }
                }
            }
        }
        Self(counters)
    }

    /// How much one of the shown counters has grown since `before`.
    pub(crate) fn grown(&self, name: &str, before: &Self) -> u64 {
        let of = |counters: &Self| counters.0.get(name).copied().unwrap_or(0);
        of(self).saturating_sub(of(before))
    }

    /// What was counted since `before`: name and difference, in the order of [`SHOWN`], the
    /// unchanged ones left out.
    pub(crate) fn since(&self, before: &Self) -> Vec<(String, u64)> {
        let difference = |name: &&str| ((*name).to_owned(), self.grown(name, before));
        SHOWN
            .iter()
            .map(difference)
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETSTAT: &str = "TcpExt: SyncookiesSent TCPAbortOnData TCPAbortOnClose\n\
                           TcpExt: 7 1 2\nIpExt: InNoRoutes\nIpExt: 9\n";

    #[test]
    fn groups_are_read_by_name_and_others_ignored() {
        let read = Counters::parse(&[NETSTAT, "Tcp: InSegs OutRsts\nTcp: 100 4\n"]);
        let none = Counters::parse(&[]);
        let expected = [
            ("TCPAbortOnClose", 2),
            ("TCPAbortOnData", 1),
            ("OutRsts", 4),
        ]
        .map(owned)
        .to_vec();
        assert_eq!(read.since(&none), expected);
    }

    #[test]
    fn only_what_changed_is_reported() {
        let before = Counters::parse(&["Tcp: OutRsts\nTcp: 4\n", NETSTAT]);
        let after = Counters::parse(&["Tcp: OutRsts\nTcp: 6\n", NETSTAT]);
        assert_eq!(after.since(&before), vec![owned(("OutRsts", 2))]);
        assert_eq!(after.since(&after), vec![]);
    }

    fn owned((name, count): (&str, u64)) -> (String, u64) {
        (name.to_owned(), count)
    }
}
