//! A large body streamed through WASI 0.3, there and back at once: how fast, and in what memory.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::figures::median;
use super::launch::{self, Changes, Place};
use super::server::Server;
use super::subject::Subject;
use crate::lab::http::Client;
use crate::shell;

const BYTES: u64 = 1 << 30;
const PIECE: usize = 256 << 10;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// How long the client waits for a byte to go, or to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who passes it on: the host and the peer with its defaults.
const STREAMED: [&str; 3] = [OURS, PEER, "hyper"];
const OURS: &str = "p3-fresh";
const PEER: &str = "wasmtime-p3-reused";

/// What was seen of each: name, MiB/s, peak memory in MiB.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<(&'static str, f64, f64)>);

/// Streams as often through each.
///
/// # Errors
/// A server fails, or not all bytes come back.
pub(super) fn measure(place: Place<'_>, times: u32) -> Result<Streams> {
    shell::step(&format!("Stream 1 GiB {times} times"), || {
        // By default the host takes 10 MiB, and 5 s.
        let changes = Changes {
            guest: "deadline = \"2m\"",
            route: "body_max = \"1GiB\"",
            ..Changes::default()
        };
        let mut servers = Vec::new();
        for name in STREAMED {
            let subject = Subject::named(name).context(name)?;
            let server = Server::start(&launch::subject(place, subject, changes)?)?;
            server.processes()?.forget_peak()?;
            servers.push((name, server, Vec::new()));
        }
        for _ in 0..times {
            for (name, server, rates) in &mut servers {
                let taken = stream(server.address).context(*name)?;
                rates.push(BYTES as f64 / f64::from(1 << 20) / taken.as_secs_f64());
            }
        }
        let seen = servers.into_iter().map(|(name, server, rates)| {
            let peak = server.processes()?.peak_kib()? as f64 / 1024.0;
            Ok((name, median(rates), peak))
        });
        Ok(Streams(seen.collect::<Result<_>>()?))
    })
}

/// Sends the body and reads it back meanwhile.
fn stream(address: SocketAddr) -> Result<Duration> {
    let mut upload = Client::connect_patiently(address, PATIENCE)?
        .stream()
        .try_clone()?;
    let download = upload.try_clone()?;
    let started = Instant::now();
    let head = format!(
        "POST /echo HTTP/1.1\r\nhost: lab\r\ncontent-length: {BYTES}\r\nconnection: close\r\n\r\n"
    );
    upload.write_all(head.as_bytes())?;
    let sender = thread::spawn(move || send(&mut upload));
    let received = receive(download.try_clone()?);
    let taken = started.elapsed();
    // A sender whose server has given up must not wait.
    let _ = download.shutdown(Shutdown::Both);
    let sent = sender.join().map_err(|_| anyhow!("the sender panicked"))?;
    received?;
    sent?;
    Ok(taken)
}

fn send(upload: &mut TcpStream) -> Result<()> {
    let piece = vec![b'x'; PIECE];
    for _ in 0..BYTES / PIECE as u64 {
        upload.write_all(&piece).context("the upload")?;
    }
    Ok(())
}

/// Reads to the end and looks whether the body is complete: one with a length has so many bytes, a
/// chunked one is longer than what was sent, and says that it ends.
fn receive(download: TcpStream) -> Result<()> {
    let mut download = BufReader::with_capacity(PIECE, download);
    let mut is_chunked = false;
    loop {
        let mut line = String::new();
        download.read_line(&mut line).context("the response")?;
        ensure!(!line.is_empty(), "there is no response");
        is_chunked |= line.eq_ignore_ascii_case("transfer-encoding: chunked\r\n");
        if line == "\r\n" {
            break;
        }
    }
    let (mut received, mut end) = (0, Vec::new());
    loop {
        let piece = download.fill_buf().context("the response's body")?;
        if piece.is_empty() {
            break;
        }
        let length = piece.len();
        received += length as u64;
        end.extend_from_slice(&piece[length.saturating_sub(LAST_CHUNK.len())..]);
        end.drain(..end.len().saturating_sub(LAST_CHUNK.len()));
        download.consume(length);
    }
    let is_complete = match is_chunked {
        true => received > BYTES && end == LAST_CHUNK,
        false => received == BYTES,
    };
    ensure!(
        is_complete,
        "the response breaks off after {received} of {BYTES} bytes"
    );
    Ok(())
}

impl Streams {
    /// MiB/s of the host as a multiple of `wasmtime serve`'s.
    pub(super) fn ratio(&self) -> Option<f64> {
        let rate = |wanted| {
            self.0
                .iter()
                .find(|(name, ..)| *name == wanted)
                .map(|seen| seen.1)
        };
        Some(rate(OURS)? / rate(PEER)?)
    }

    /// The results as Markdown; empty without any.
    pub(super) fn table(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let row =
            |(name, rate, peak): &(&str, f64, f64)| format!("| {name} | {rate:.0} | {peak:.1} |\n");
        "| server | MiB/s | peak memory, MiB |\n| --- | ---: | ---: |\n".to_owned()
            + &self.0.iter().map(row).collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_compared_with_the_peer() {
        for name in STREAMED {
            assert!(Subject::named(name).is_some(), "{name}");
        }
        let streams = Streams(vec![(OURS, 3000.0, 20.0), (PEER, 2000.0, 35.0)]);
        assert!((streams.ratio().unwrap() - 1.5).abs() < 1e-9);
        assert!(streams.table().contains("| p3-fresh | 3000 | 20.0 |"));
        assert_eq!(Streams::default().ratio(), None);
    }
}
