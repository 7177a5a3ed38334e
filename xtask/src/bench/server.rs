//! A server to measure, whoever's it is: started, found, and ended. What it is told is `launch`'s
//! affair.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::process::Processes;
use crate::lab::namespace::wait_for;

/// How long a server may need to listen: it may have to compile its component.
const PATIENCE: Duration = Duration::from_secs(120);
/// The most that a log may take on the disk: past it, it begins anew.
const LOG_BYTES_MAX: u64 = 256 << 20;

/// How much of a log is shown when something goes wrong.
const LINES_SHOWN: usize = 10;

/// How a server is started.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, OsString)>,
    pub(super) announces: Announces,
    /// The file that its standard error or its access log goes to.
    pub(super) log: PathBuf,
}

/// How it tells where it listens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Announces {
    /// By a line of standard output that begins like this.
    Out(&'static str),
    /// By a line of standard error.
    Err(&'static str),
    /// Not at all: it was told the address.
    Given(SocketAddr),
}

/// A running server. Dropped, it is ended.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// It cannot be started, or ends before it listens; the error has what it said.
    pub(super) fn start(launch: &Launch) -> Result<Self> {
        // Appended to, so that it can be cut while it is written.
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&launch.log)?;
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .envs(launch.environment.iter().cloned())
            .stdin(Stdio::null());
        match launch.announces {
            Announces::Out(_) => command.stdout(Stdio::piped()).stderr(log),
            Announces::Err(_) => command.stdout(Stdio::null()).stderr(Stdio::piped()),
            Announces::Given(_) => command.stdout(Stdio::null()).stderr(log),
        };
        let process = command
            .spawn()
            .with_context(|| format!("starting {}", launch.program.display()))?;
        let mut server = Self {
            process,
            address: SocketAddr::from(([0; 4], 0)),
            log: launch.log.clone(),
        };
        server.address = server.find(launch.announces).with_context(|| {
            let said = fs::read_to_string(&launch.log).unwrap_or_default();
            let last: Vec<_> = said.lines().rev().take(LINES_SHOWN).collect();
            let last: Vec<_> = last.into_iter().rev().collect();
            format!(
                "{} did not start: {}",
                launch.program.display(),
                last.join("\n")
            )
        })?;
        Ok(server)
    }

    /// What it consists of by now. Looked for when somebody wants it: that takes a millisecond, and
    /// a start is timed.
    ///
    /// # Errors
    /// This is not Linux.
    pub(super) fn processes(&self) -> Result<Processes> {
        Processes::of(self.process.id())
    }

    /// Cuts its log if that has become long.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn trim_log(&self) -> Result<()> {
        let log = OpenOptions::new().write(true).open(&self.log)?;
        if log.metadata()?.len() > LOG_BYTES_MAX {
            log.set_len(0)?;
        }
        Ok(())
    }

    fn find(&mut self, announces: Announces) -> Result<SocketAddr> {
        match announces {
            Announces::Given(address) => {
                wait_for(PATIENCE, "nobody listens", || {
                    TcpStream::connect(address).is_ok()
                })?;
                Ok(address)
            }
            Announces::Out(start) => {
                let out = self.process.stdout.take().context("no standard output")?;
                announced(out, start)
            }
            Announces::Err(start) => {
                let err = self.process.stderr.take().context("no standard error")?;
                announced(err, start)
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not killed at once: nginx has to end its workers.
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        let asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let ended = || matches!(self.process.try_wait(), Ok(Some(_)));
        if !asked || wait_for(Duration::from_secs(3), "it has not ended", ended).is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// Reads lines up to the one that tells the address; the rest is read by a thread, so that the
/// server never waits for us.
fn announced(from: impl Read + Send + 'static, start: &'static str) -> Result<SocketAddr> {
    let mut lines = BufReader::new(from).lines().map_while(Result::ok);
    let mut said = Vec::new();
    for line in lines.by_ref() {
        if let Some(address) = line.strip_prefix(start) {
            let address = address.trim_end_matches('/').parse();
            std::thread::spawn(move || lines.for_each(drop));
            return address.with_context(|| line);
        }
        said.push(line);
    }
    bail!("it ended: {}", said.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_line_that_tells_it() {
        let text = &b"one\nlistening on http://127.0.0.1:80/\nmore\n"[..];
        let address = announced(text, "listening on http://").unwrap();
        assert_eq!(address, SocketAddr::from(([127, 0, 0, 1], 80)));
        let error = announced(&b"cannot\n"[..], "listening on ").unwrap_err();
        assert!(error.to_string().contains("cannot"), "{error}");
    }

    #[test]
    fn one_that_ends_is_no_server() {
        let folder = tempfile::tempdir().unwrap();
        let launch = Launch {
            program: "sh".into(),
            arguments: ["-c", "echo no >&2"].map(OsString::from).to_vec(),
            environment: Vec::new(),
            announces: Announces::Out("listening on "),
            log: folder.path().join("log"),
        };
        let error = format!("{:#}", Server::start(&launch).unwrap_err());
        assert!(error.contains("did not start: no"), "{error}");
    }
}
