//! tshark on the loopback interface of the namespace, for as long as the lab runs.
//!
//! The lab parts the stream of packets with UDP datagrams of its own: a marker that has come
//! out of tshark proves that everything before it has, so nothing here waits for a fixed time.

use std::{
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, UdpSocket},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::namespace::wait_for;
use super::packets::{FIELDS, Line, Packet, parse_line};

/// The UDP ports markers are sent to start here; nobody listens on them.
const FIRST_MARKER: u16 = 40_000;
/// How long a marker may take through the kernel, dumpcap and tshark.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the first marker is sent again until the capture has begun.
const RETRY: Duration = Duration::from_millis(50);

/// A capture under way. Dropping it ends tshark.
pub(crate) struct Capture {
    tshark: Child,
    lines: Receiver<Line>,
    socket: UdpSocket,
    next_marker: u16,
}

impl Capture {
    /// Starts tshark and returns once packets are really being captured.
    ///
    /// # Errors
    /// tshark cannot be started or may not capture; the error holds what it said.
    pub(crate) fn start() -> Result<Self> {
        let mut tshark = command()
            .spawn()
            .context("cannot start tshark (apt: tshark)")?;
        let output = tshark.stdout.take().context("tshark without output")?;
        let (sender, lines) = channel();
        // Ends with tshark's output, or when nobody listens any more.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if parse_line(&line).is_some_and(|line| sender.send(line).is_err()) {
                    break;
                }
            }
        });
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut capture = Self {
            tshark,
            lines,
            socket,
            next_marker: FIRST_MARKER,
        };
        capture.await_first_marker()?;
        Ok(capture)
    }

    /// All TCP segments captured since the last call, complete up to this moment.
    ///
    /// # Errors
    /// tshark ended, or the marker did not come out of it in time.
    pub(crate) fn take(&mut self) -> Result<Vec<Packet>> {
        self.send_marker()?;
        let mut packets = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(Line::Tcp(packet)) => packets.push(packet),
                Ok(Line::Marker(port)) if port == self.next_marker => break,
                Ok(Line::Marker(_)) => {}
                Err(error) => return self.fail(error),
            }
        }
        self.next_marker += 1;
        Ok(packets)
    }

    /// Sends the first marker until one comes out: only then is the capture running.
    fn await_first_marker(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            self.send_marker()?;
            match self.lines.recv_timeout(RETRY) {
                Ok(Line::Marker(_)) => break,
                Ok(Line::Tcp(_)) => {}
                Err(RecvTimeoutError::Timeout) if Instant::now() < end => {}
                Err(error) => return self.fail(error),
            }
        }
        self.next_marker += 1;
        Ok(())
    }

    fn send_marker(&self) -> Result<()> {
        self.socket
            .send_to(b"marker", (Ipv4Addr::LOCALHOST, self.next_marker))?;
        Ok(())
    }

    fn fail<T>(&mut self, error: RecvTimeoutError) -> Result<T> {
        self.tshark.kill()?;
        let mut said = String::new();
        if let Some(mut stderr) = self.tshark.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        bail!(
            "tshark gave no more packets ({error}); it said:\n{}",
            said.trim()
        )
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Asked to end, tshark ends its dumpcap too; killed, it would leave that behind.
        let _ = Command::new("kill")
            .arg(self.tshark.id().to_string())
            .status();
        let ended = wait_for(PATIENCE, "tshark does not end", || {
            matches!(self.tshark.try_wait(), Ok(Some(_)))
        });
        if ended.is_err() {
            let _ = self.tshark.kill();
            let _ = self.tshark.wait();
        }
    }
}

/// Only headers are captured: what the lab asks is who sent which flags, and a small snapshot
/// length and a large buffer keep an 8 MiB upload from overrunning the capture.
fn command() -> Command {
    let mut command = Command::new("tshark");
    command.args([
        "-i",
        "lo",
        "-n",
        "-l",
        "-Q",
        "-s",
        "96",
        "-B",
        "64",
        "-f",
        "tcp or udp",
    ]);
    command.args(["-o", "tcp.desegment_tcp_streams:FALSE"]);
    command.args(["-T", "fields", "-E", "separator=/t", "-E", "occurrence=f"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
