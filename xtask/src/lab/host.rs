//! A host to measure: the release build in a folder of its own, with a control socket and its log
//! in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::control::Control;
use super::namespace::wait_for;
use super::others::{self, Others};
use crate::shell;

/// How long the host may take to end once it was told to.
const END_PATIENCE: Duration = Duration::from_secs(40);
/// The most that the log may take on the disk: past it, it begins anew.
const LOG_BYTES_MAX: u64 = 256 << 20;
/// How many lines of the log are shown when something goes wrong.
const COMPLAINTS_MAX: usize = 20;

/// A running host. Dropped, it is killed.
pub(crate) struct Host {
    process: Child,
    log: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its control socket.
    pub(crate) control: Control,
}

/// A folder for a host, its components and its cache; only this user may enter it. Dropped, it is
/// removed.
///
/// # Errors
/// Those of the system.
pub(crate) fn folder() -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("httpd-lab-").tempdir();
    folder.context("a folder for the host")
}

/// A section for a guest and one for its route.
pub(crate) fn guest(name: &str, component: &str, path: &str, keys: &str) -> String {
    format!(
        "[guests.{name}]\ncomponent = \"{component}\"\n{keys}\n\
         [[routes]]\npath = \"{path}\"\nguest = \"{name}\"\n"
    )
}

impl Host {
    /// Starts `program` in `folder` with these sections of a configuration, and waits until it
    /// listens. Compiled code is kept in `cache` below the folder.
    ///
    /// # Errors
    /// It cannot be started, or ends before it listens; the error holds its log.
    pub(crate) fn start(program: &Path, folder: &Path, sections: &str) -> Result<Self> {
        let config = folder.join("config.toml");
        let text = format!(
            "[server]\nlisten = [\"127.0.0.1:0\"]\n[cache]\ndirectory = \"cache\"\n\
             [control]\nsocket = \"control\"\n{sections}"
        );
        fs::write(&config, text)?;
        // In a folder of its own, which the host has no reason to watch.
        fs::create_dir_all(folder.join("log"))?;
        let log_path = folder.join("log/lines");
        // Appended to, so that it can be cut while the host writes.
        let _ = fs::remove_file(&log_path);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log_path)?;
        let mut process = Command::new(program)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let out = process.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let listening = |line: String| line.strip_prefix("listening on http://")?.parse().ok();
        let Some(address) = lines.find_map(listening) else {
            let log = fs::read_to_string(&log_path)?;
            bail!("the host did not start: {log}");
        };
        // Whatever else it prints is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self {
            process,
            log: log_path,
            address,
            control: Control::at(folder.join("control")),
        })
    }

    /// Its resident memory in KiB (VmRSS of proc(5)).
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        self.status_kib("VmRSS:")
    }

    /// The most resident memory that it ever had, in KiB (VmHWM), since that was last forgotten.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn peak_kib(&self) -> Result<u64> {
        self.status_kib("VmHWM:")
    }

    /// Has the kernel forget what memory it had before.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn forget_peak(&self) -> Result<()> {
        const PEAK: &str = "5";
        let path = format!("/proc/{}/clear_refs", self.process.id());
        fs::write(&path, PEAK).context(path)
    }

    /// The processor time that it has used.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        others::processor_time(self.process.id())
    }

    fn status_kib(&self, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.with_context(|| format!("the host is gone: {}", self.complaints().join("\n")))
    }

    /// Watches how much of the machine others use from now on.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn watch_others(&self) -> Result<Others> {
        Others::watch(&[self.process.id()])
    }

    /// Cuts the log if it has become long.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn trim_log(&self) -> Result<()> {
        let log = OpenOptions::new().write(true).open(&self.log)?;
        if log.metadata()?.len() > LOG_BYTES_MAX {
            log.set_len(0)?;
        }
        Ok(())
    }

    /// The last warnings and errors of its log.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut lines = self.logged(|line| line.contains(" WARN ") || line.contains("ERROR "));
        lines.split_off(lines.len().saturating_sub(COMPLAINTS_MAX))
    }

    /// The lines of its log that are wanted.
    pub(crate) fn logged(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let Ok(log) = File::open(&self.log) else {
            return Vec::new();
        };
        let lines = BufReader::new(log).lines().map_while(Result::ok);
        lines.filter(|line| wanted(line)).collect()
    }

    /// Ends it as an administrator would.
    ///
    /// # Errors
    /// It does not end in good order, or not in time.
    pub(crate) fn stop(mut self) -> Result<()> {
        shell::run(Command::new("kill").args(["-TERM", &self.process.id().to_string()]))?;
        let mut ended = None;
        wait_for(END_PATIENCE, "the host has not ended", || {
            ended = self.process.try_wait().ok().flatten();
            ended.is_some()
        })?;
        let status = ended.context("the host has not ended")?;
        ensure!(
            status.success(),
            "the host did not end in good order: {status}"
        );
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // One that has ended already is what `stop` is for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_has_a_section_and_a_route() {
        let expected = "[guests.a]\ncomponent = \"a.wasm\"\nqueue_max = 0\n\
                        [[routes]]\npath = \"/p\"\nguest = \"a\"\n";
        assert_eq!(guest("a", "a.wasm", "/p", "queue_max = 0"), expected);
    }
}
