//! The host under load: a process of its own with a configuration for every guest.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{project, shell};

/// The sections that are not about a guest. Errors only: what guests log would fill the disk.
const SETTINGS: &str = "[server]\nlisten = [\"127.0.0.1:0\"]\n\
    [log]\nlevel = \"error\"\nguest_lines_max = 10\n\
    [timeouts]\nlinger = \"10s\"\nlinger_idle = \"2s\"\n";

/// A running host. Dropped, it is killed.
pub(super) struct Server {
    process: Child,
    folder: PathBuf,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts the program and waits until it listens.
    ///
    /// # Errors
    /// It cannot be started, or ends before it listens; its log says why.
    pub(super) fn start(program: &Path) -> Result<Self> {
        let folder = project::target().join("soak");
        fs::create_dir_all(&folder)?;
        let (config, log) = (folder.join("config.toml"), folder.join("log"));
        fs::write(
            &config,
            configuration(&project::root().join("guests/dist"))?,
        )?;
        let mut process = Command::new(program)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let out = process.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let address = line.strip_prefix("listening on http://")?;
            address.parse().ok()
        });
        let Some(address) = address else {
            bail!("the host did not start: {}", fs::read_to_string(&log)?);
        };
        // Whatever else it prints is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self {
            process,
            folder,
            address,
        })
    }

    /// Its resident memory in KiB (VmRSS of proc(5)).
    ///
    /// # Errors
    /// It is gone; its log is named.
    pub(super) fn resident_kib(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        let log = self.folder.join("log");
        kib.with_context(|| format!("the host is gone; its log is {}", log.display()))
    }

    /// Ends it as an administrator would.
    ///
    /// # Errors
    /// It does not end in good order.
    pub(super) fn stop(mut self) -> Result<()> {
        let id = self.process.id().to_string();
        shell::run(Command::new("kill").args(["-TERM", &id]))?;
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the host did not end in good order: {status}");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is what `stop` is for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A guest and a route of the same name for each component in `dist` and `dist/faults`.
fn configuration(dist: &Path) -> Result<String> {
    let mut text = SETTINGS.to_owned();
    for folder in [dist.to_owned(), dist.join("faults")] {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "wasm")
            {
                add_guest(&mut text, &path)?;
            }
        }
    }
    Ok(text)
}

fn add_guest(text: &mut String, component: &Path) -> Result<()> {
    let name = component.file_stem().unwrap_or_default().display();
    let deadline = match &*name.to_string() {
        "spin-forever" => "100ms",
        _ => "30s",
    };
    let component = component.display();
    writeln!(
        text,
        "[guests.{name}]\ncomponent = \"{component}\"\ndeadline = \"{deadline}\""
    )?;
    writeln!(text, "[[routes]]\npath = \"/{name}\"\nguest = \"{name}\"")?;
    Ok(())
}
