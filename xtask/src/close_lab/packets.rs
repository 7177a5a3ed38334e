//! From tshark's lines to what a reader wants to know: who sent FIN or RST, in which order
//! and when. Pure: no process is started and no socket opened here.

use std::fmt;

const FIN: u16 = 0x01;
const SYN: u16 = 0x02;
const RST: u16 = 0x04;

/// The fields tshark is asked for, in the order [`parse_line`] expects them.
pub(crate) const FIELDS: [&str; 7] = [
    "frame.time_epoch",
    "tcp.stream",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "tcp.len",
    "udp.dstport",
];

/// One captured TCP segment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet {
    /// Seconds since the epoch.
    pub(crate) time: f64,
    /// tshark's number of the connection.
    pub(crate) stream: u32,
    /// The port it came from.
    pub(crate) source: u16,
    /// The port it went to.
    pub(crate) destination: u16,
    /// The flag bits of the TCP header.
    pub(crate) flags: u16,
    /// Payload, in bytes.
    pub(crate) bytes: u64,
}

/// What one line of tshark's output holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// A TCP segment.
    Tcp(Packet),
    /// One of the lab's own UDP datagrams, by its destination port; they part the cases.
    Marker(u16),
}

/// Reads one line of tab-separated [`FIELDS`]; `None` if it is neither TCP nor a marker.
pub(crate) fn parse_line(line: &str) -> Option<Line> {
    let fields: Vec<&str> = line.trim_end_matches(['\r', '\n']).split('\t').collect();
    let [time, stream, source, destination, flags, bytes, marker] = fields.try_into().ok()?;
    if !marker.is_empty() {
        return marker.parse().ok().map(Line::Marker);
    }
    Some(Line::Tcp(Packet {
        time: time.parse().ok()?,
        stream: stream.parse().ok()?,
        source: source.parse().ok()?,
        destination: destination.parse().ok()?,
        flags: u16::from_str_radix(flags.strip_prefix("0x")?, 16).ok()?,
        bytes: bytes.parse().ok()?,
    }))
}

/// The end of a connection a segment came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The end that connected.
    Client,
    /// The end that listened.
    Server,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// All segments of one connection, in the order they were captured.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    server_port: u16,
    packets: Vec<Packet>,
}

/// Parts `packets` by connection, in the order the connections began, leaving out those that
/// do not involve `server_port`.
pub(crate) fn conversations(packets: &[Packet], server_port: u16) -> Vec<Conversation> {
    let mut found: Vec<Conversation> = Vec::new();
    let ours = |p: &&Packet| p.source == server_port || p.destination == server_port;
    for packet in packets.iter().filter(ours) {
        match found
            .iter_mut()
            .find(|known| known.packets[0].stream == packet.stream)
        {
            Some(known) => known.packets.push(packet.clone()),
            None => found.push(Conversation {
                server_port,
                packets: vec![packet.clone()],
            }),
        }
    }
    found
}

impl Conversation {
    /// The order of FIN and RST, such as `server FIN, client FIN`; equal neighbours are
    /// counted (`server RST x3`), because how many segments were under way is chance.
    pub(crate) fn closing(&self) -> String {
        let mut steps: Vec<(String, usize)> = Vec::new();
        for packet in self.packets.iter().filter(|p| p.flags & (FIN | RST) != 0) {
            let name = if packet.flags & RST != 0 {
                "RST"
            } else {
                "FIN"
            };
            push_counted(&mut steps, format!("{} {name}", self.side(packet)));
        }
        let steps: Vec<String> = steps.into_iter().map(counted).collect();
        if steps.is_empty() {
            "neither FIN nor RST".to_owned()
        } else {
            steps.join(", ")
        }
    }

    /// Like [`Self::closing`] without the counts, to tally many connections by.
    pub(crate) fn closing_kind(&self) -> String {
        let closing = self.closing();
        let kinds = closing
            .split(", ")
            .map(|step| step.split(" x").next().unwrap_or(step));
        kinds.collect::<Vec<_>>().join(", ")
    }

    /// Whether `side` sent a RST.
    pub(crate) fn reset_by(&self, side: Side) -> bool {
        self.packets
            .iter()
            .any(|p| p.flags & RST != 0 && self.side(p) == side)
    }

    /// The connection as lines of text: time since its first segment in milliseconds, who
    /// sent, and what. Segments that only acknowledge are left out, and runs of data from
    /// one side are one line.
    pub(crate) fn timeline(&self) -> Vec<String> {
        let mut rows: Vec<Row> = Vec::new();
        for packet in self.packets.iter().filter(|p| is_shown(p)) {
            let side = self.side(packet);
            let what = name(packet.flags);
            match rows.last_mut() {
                Some(last) if last.side == side && last.what == what && what != "FIN" => {
                    last.packets += 1;
                    last.bytes += packet.bytes;
                }
                _ => rows.push(Row {
                    at: self.at(packet),
                    side,
                    what,
                    packets: 1,
                    bytes: packet.bytes,
                }),
            }
        }
        rows.iter().map(Row::to_string).collect()
    }

    fn side(&self, packet: &Packet) -> Side {
        if packet.source == self.server_port {
            Side::Server
        } else {
            Side::Client
        }
    }

    fn at(&self, packet: &Packet) -> f64 {
        (packet.time - self.packets[0].time) * 1000.0
    }
}

/// One line of a timeline.
struct Row {
    at: f64,
    side: Side,
    what: &'static str,
    packets: usize,
    bytes: u64,
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = if self.side == Side::Client {
            "client --> server"
        } else {
            "client <-- server"
        };
        write!(formatter, "{:9.3} ms  {arrow}  {}", self.at, self.what)?;
        if self.bytes > 0 {
            write!(formatter, ", {} bytes", self.bytes)?;
        }
        if self.packets > 1 {
            write!(formatter, " ({} segments)", self.packets)
        } else {
            Ok(())
        }
    }
}

fn is_shown(packet: &Packet) -> bool {
    packet.bytes > 0 || packet.flags & (FIN | SYN | RST) != 0
}

fn name(flags: u16) -> &'static str {
    match flags {
        f if f & RST != 0 => "RST",
        f if f & SYN != 0 => "SYN",
        f if f & FIN != 0 => "FIN",
        _ => "data",
    }
}

fn push_counted(steps: &mut Vec<(String, usize)>, step: String) {
    match steps.last_mut() {
        Some((last, count)) if *last == step => *count += 1,
        _ => steps.push((step, 1)),
    }
}

fn counted((step, count): (String, usize)) -> String {
    if count > 1 {
        format!("{step} x{count}")
    } else {
        step
    }
}

#[cfg(test)]
#[path = "packets_tests.rs"]
mod tests;
