//! Connections that have had one answer and stay open: what each costs its server in memory.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::super::check::GREETING;
use super::super::launch::{self, Changes, Place};
use super::super::server::Server;
use super::super::subject::Subject;
use crate::shell;

/// As many as a process may have with 20,000 open files.
const CONNECTIONS: u64 = 19_000;
/// Files that a process has open beside its connections.
const FILES_BESIDE: u64 = 900;
/// How long a server has to give back what an idle connection does not need.
const SETTLING: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);
/// Who holds them.
const HOLDERS: [&str; 6] = [
    OURS,
    "p2-fresh",
    "p3-fresh",
    "nginx",
    "hyper",
    "wasmtime-p2-fresh",
];
/// Those that a quick run is content with.
const QUICK: [&str; 2] = [OURS, "hyper"];
const OURS: &str = "lean-fresh";

/// What was seen: how many connections, and KiB for each of them by server.
#[derive(Debug, Default)]
pub(in super::super) struct Idle {
    connections: u64,
    costs: Vec<(&'static str, f64)>,
}

/// Lets this process, and the servers it starts, open as many files as the system allows.
///
/// # Errors
/// The system refuses.
pub(in super::super) fn raise_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("the limit of open files")
}

/// Measures; the host and one peer in a quick run.
///
/// # Errors
/// A server refuses a connection, or answers wrong.
pub(in super::super) fn measure(place: Place<'_>, quick: bool) -> Result<Idle> {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections = CONNECTIONS.min(files.saturating_sub(FILES_BESIDE));
    let mut seen = Idle {
        connections,
        costs: Vec::new(),
    };
    shell::step(&format!("Hold {connections} idle connections"), || {
        let holders: &[&'static str] = if quick { &QUICK } else { &HOLDERS };
        for name in holders {
            let subject = Subject::named(name).context(*name)?;
            let cost = cost(place, subject, connections).context(*name)?;
            seen.costs.push((name, cost));
        }
        Ok(())
    })?;
    Ok(seen)
}

fn cost(place: Place<'_>, subject: &Subject, connections: u64) -> Result<f64> {
    let folder = place.folder.join("idle");
    std::fs::create_dir_all(&folder)?;
    let place = Place {
        folder: &folder,
        ..place
    };
    // By default the host takes 10,000, and wasmtime serve 1,000.
    let changes = Changes {
        server: "max_connections = 20_000",
        flags: &["--max-concurrent-connections", "20000"],
        ..Changes::default()
    };
    let server = Server::start(&launch::subject(place, subject, changes)?)?;
    // What one call costs is there before.
    drop(ask(server.address)?);
    thread::sleep(SETTLING);
    let before = server.processes()?.resident_kib()?;
    let open: Result<Vec<_>> = (0..connections).map(|_| ask(server.address)).collect();
    let open = open?;
    thread::sleep(SETTLING);
    let after = server.processes()?.resident_kib()?;
    still_open(&open)?;
    Ok(after.saturating_sub(before) as f64 / connections as f64)
}

/// Connects, asks once, and reads the whole answer.
fn ask(address: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).context("no connection")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /hello HTTP/1.1\r\nhost: lab\r\n\r\n")?;
    let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        let read = match stream.read(&mut piece) {
            // A process that is stopped and goes on finds its wait interrupted (signal(7)).
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.context("no answer")?,
        };
        if read == 0 {
            bail!("it closed the connection after {} bytes", answer.len());
        }
        answer.extend_from_slice(&piece[..read]);
        if is_complete(&answer) {
            return Ok(stream);
        }
    }
}

/// A greeting with its length, or in one chunk and the last.
fn is_complete(answer: &[u8]) -> bool {
    let chunked = answer.windows(7).any(|window| window == b"chunked");
    match chunked {
        true => answer.ends_with(b"0\r\n\r\n"),
        false => answer.ends_with(GREETING),
    }
}

/// A server that closes connections saves memory, too.
fn still_open(connections: &[TcpStream]) -> Result<()> {
    let closed = |stream: &&TcpStream| {
        let _ = stream.set_nonblocking(true);
        matches!(stream.peek(&mut [0]), Ok(0))
    };
    let closed = connections.iter().filter(closed).count();
    ensure!(closed == 0, "{closed} of {} were closed", connections.len());
    Ok(())
}

impl Idle {
    /// KiB for each connection of the host.
    pub(in super::super) fn ours(&self) -> Option<f64> {
        self.costs
            .iter()
            .find(|(name, _)| *name == OURS)
            .map(|(_, cost)| *cost)
    }

    /// The results as Markdown; empty without any.
    pub(in super::super) fn table(&self) -> String {
        if self.costs.is_empty() {
            return String::new();
        }
        let rows = self
            .costs
            .iter()
            .map(|(name, cost)| format!("| {name} | {cost:.2} |\n"));
        format!(
            "| server, {} connections | KiB for each |\n| --- | ---: |\n{}",
            self.connections,
            rows.collect::<String>()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_at_its_end() {
        assert!(is_complete(
            b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello world!"
        ));
        assert!(!is_complete(
            b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHello"
        ));
        let chunked = b"transfer-encoding: chunked\r\n\r\nC\r\nHello world!\r\n0\r\n\r\n";
        assert!(is_complete(chunked));
        assert!(!is_complete(&chunked[..chunked.len() - 7]));
    }

    #[test]
    fn every_holder_is_a_subject() {
        for name in HOLDERS.iter().chain(&QUICK) {
            assert!(Subject::named(name).is_some(), "{name}");
        }
        let idle = Idle {
            connections: 10,
            costs: vec![(OURS, 2.5)],
        };
        assert_eq!(idle.ours(), Some(2.5));
        assert!(
            idle.table().contains("| lean-fresh | 2.50 |"),
            "{}",
            idle.table()
        );
    }

    #[test]
    fn the_limit_of_open_files_is_raised() {
        raise_files().unwrap();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
