//! httpd-host as one of the servers: built before, started inside it with a
//! configuration that has no guests and no routes, so that it answers every path with 404.

use std::{
    env,
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::namespace::{wait_for, wait_until_quiet};

const START_PATIENCE: Duration = Duration::from_secs(30);

/// A running httpd-host. Dropping it ends the process and removes its folder.
pub(crate) struct Host {
    process: Child,
    folder: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Host {
    /// Starts `binary` and returns once it accepts connections.
    ///
    /// # Errors
    /// It cannot be started, ends at once or does not listen; the error holds its own words.
    pub(crate) fn start(binary: &Path) -> Result<Self> {
        let folder = env::temp_dir().join(format!("httpd-close-lab-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let config = folder.join("config.toml");
        fs::write(&config, format!("[server]\nlisten = [\"{address}\"]\n"))?;
        let log = File::create(folder.join("log"))?;
        let process = Command::new(binary)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut host = Self {
            process,
            folder,
            address,
        };
        host.wait_until_it_accepts()?;
        wait_until_quiet(host.address.port(), START_PATIENCE)?;
        Ok(host)
    }

    fn wait_until_it_accepts(&mut self) -> Result<()> {
        let mut ended = None;
        let waited = wait_for(START_PATIENCE, "httpd-host does not listen", || {
            ended = self.process.try_wait().ok().flatten();
            ended.is_some() || TcpStream::connect(self.address).is_ok()
        });
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        waited.with_context(|| log.clone())?;
        if let Some(status) = ended {
            bail!("httpd-host ended at once ({status}):\n{log}");
        }
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
