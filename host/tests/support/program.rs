//! The real program, in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::client::Client;
use super::configs::{cache, complete, root};
use super::{PATIENCE, Response};

/// The program, serving. Dropped, it is killed.
pub(crate) struct Program {
    child: Child,
    /// Where the configuration lies.
    folder: TempDir,
    /// Where it listens, in the configuration's order.
    pub(crate) addresses: Vec<SocketAddr>,
    /// What it prints.
    pub(crate) out: Lines,
    /// What it logs.
    pub(crate) log: Lines,
}

/// The lines that a process has written to one of its outputs, as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<(Mutex<Written>, Condvar)>);

#[derive(Debug, Default)]
struct Written {
    lines: Vec<String>,
    ended: bool,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    /// Starts the program with these sections of a configuration and waits until it listens.
    #[track_caller]
    pub(crate) fn start(sections: &str) -> Program {
        Program::start_after("", sections)
    }

    /// The same, from a shell that runs this command first.
    #[track_caller]
    pub(crate) fn start_after(setup: &str, sections: &str) -> Program {
        Program::start_with(Stdio::null(), setup, sections)
    }

    /// The same, and the shell's command finds this as its standard input.
    #[track_caller]
    pub(crate) fn start_with(input: Stdio, setup: &str, sections: &str) -> Program {
        Program::start_in(
            folder_with("config.toml", &complete(sections)),
            input,
            setup,
        )
    }

    /// The same in a folder with its config.toml.
    #[track_caller]
    pub(crate) fn start_in(folder: TempDir, input: Stdio, setup: &str) -> Program {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{setup}\nexec \"$0\" --config config.toml"))
            .arg(env!("CARGO_BIN_EXE_httpd-host"))
            .current_dir(folder.path());
        let mut child = spawn(command.stdin(input));
        let out = Lines::of(child.stdout.take().unwrap());
        let log = Lines::of(child.stderr.take().unwrap());
        let mut program = Program {
            child,
            folder,
            addresses: Vec::new(),
            out,
            log,
        };
        // The addresses come before the tables.
        program.out.wait_for("guests", |line| line == "guests");
        let address = |line: String| line.strip_prefix("listening on http://")?.parse().ok();
        program.addresses = program.out.all().into_iter().filter_map(address).collect();
        program
    }

    /// A path in the folder of its configuration.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new connection to its first address.
    #[track_caller]
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.addresses[0])
    }

    /// A request on a connection of its own.
    #[track_caller]
    pub(crate) fn request(&self, bytes: impl AsRef<[u8]>) -> Response {
        self.connect().request(bytes)
    }

    /// The folder it was started in, where its config.toml lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What the kernel says of its memory, in KiB: `VmRSS:` now, `VmHWM:` at most (proc(5)).
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.unwrap_or_default().parse().unwrap()
    }

    /// Has the kernel forget the most memory that it had so far.
    pub(crate) fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end and returns the exit status, with all that it logged.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (Option<i32>, Vec<String>) {
        let status = wait(&mut self.child);
        (status.code(), self.log.wait_for_end())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already is what the other calls are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    fn of(output: impl Read + Send + 'static) -> Lines {
        let lines = Lines::default();
        let Lines(shared) = lines.clone();
        thread::spawn(move || {
            let (written, changed) = &*shared;
            for line in BufReader::new(output).split(b'\n') {
                let line = String::from_utf8_lossy(&line.unwrap_or_default()).into_owned();
                written.lock().unwrap().lines.push(line);
                changed.notify_all();
            }
            written.lock().unwrap().ended = true;
            changed.notify_all();
        });
        lines
    }

    /// The lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().lines.clone()
    }

    /// How many lines of this kind there are so far.
    pub(crate) fn count(&self, is_it: impl Fn(&str) -> bool) -> usize {
        self.all().iter().filter(|line| is_it(line)).count()
    }

    /// Waits for a line and returns it. `what` names it for the message when it does not come.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let found = |written: &Written| written.lines.iter().find(|line| is_it(line)).cloned();
        let written = self.wait_until(|written| found(written).is_some() || written.ended);
        found(&written).unwrap_or_else(|| panic!("no line {what:?} in {:#?}", written.lines))
    }

    /// Waits until so many lines hold this text, and returns the last of them.
    #[track_caller]
    pub(crate) fn wait_for_number(&self, number: usize, text: &str) -> String {
        let found = |written: &Written| {
            let holding = written.lines.iter().filter(|line| line.contains(text));
            holding.skip(number - 1).last().cloned()
        };
        let written = self.wait_until(|written| found(written).is_some() || written.ended);
        found(&written).unwrap_or_else(|| panic!("no {number} {text:?} in {:#?}", written.lines))
    }

    /// Waits until the process closes this output, and returns all of it.
    pub(crate) fn wait_for_end(&self) -> Vec<String> {
        self.wait_until(|written| written.ended).lines.clone()
    }

    fn wait_until(&self, done: impl Fn(&Written) -> bool) -> std::sync::MutexGuard<'_, Written> {
        let (written, changed) = &*self.0;
        let guard = written.lock().unwrap();
        let waited = changed.wait_timeout_while(guard, PATIENCE, |written| !done(written));
        waited.unwrap().0
    }
}

/// Runs the program with these arguments to its end.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> Finished {
    run_in(root().as_path(), arguments)
}

/// The same, in a folder.
#[track_caller]
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpd-host"));
    command.args(arguments).current_dir(folder);
    let mut child = spawn(command.stdin(Stdio::null()));
    let out = Lines::of(child.stdout.take().unwrap());
    let err = Lines::of(child.stderr.take().unwrap());
    Finished {
        code: wait(&mut child).code(),
        out: out.wait_for_end().join("\n"),
        err: err.wait_for_end().join("\n"),
    }
}

/// A new folder with a file in it, and the guests where configurations look for them.
pub(crate) fn folder_with(file: &str, text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file), text).unwrap();
    symlink(root().join("guests"), folder.path().join("guests")).unwrap();
    folder
}

fn spawn(command: &mut Command) -> Child {
    command
        .env("CACHE_DIRECTORY", cache())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cannot start the program")
}

/// Waits for a process as long as the tests' patience lasts, then kills it.
#[track_caller]
fn wait(child: &mut Child) -> ExitStatus {
    const PACE: Duration = Duration::from_millis(10);
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        thread::sleep(PACE);
    }
    let _ = child.kill();
    panic!("the program did not end");
}
