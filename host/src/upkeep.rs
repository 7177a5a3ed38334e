//! What goes on beside serving, for a host that has a configuration file: reloads, for changed
//! files, for SIGHUP and for whoever asks at the control socket, which also tells the status.

mod status;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use httpd_host::config::{self, Config};
use httpd_host::control::{Control, ReloadOutcome, Source, Status};
use httpd_host::notify;
use httpd_host::reload::{Asker, Reloader};
use httpd_host::server::{Handle, Server};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

/// How often a control socket is tried for that another host still has.
const TAKE_OVER_PACE: Duration = Duration::from_millis(200);

/// Goes on until it is dropped.
pub(crate) struct Upkeep {
    _reloader: Reloader,
    hang_ups: JoinHandle<()>,
    /// Dropping it ends the control socket.
    _control: Option<oneshot::Sender<()>>,
}

/// What the control socket's answers are made of.
struct Host {
    started: Instant,
    config: PathBuf,
    listeners: Vec<String>,
    server: Handle,
    reloads: Reloads,
}

/// Reloads one at a time, with word to the service manager, which may wait for the end of each.
#[derive(Clone)]
struct Reloads {
    asker: Asker,
    turn: Arc<Mutex<()>>,
}

impl Upkeep {
    /// Starts it. Call it inside a Tokio runtime.
    ///
    /// # Errors
    /// What the system refuses: a thread, a signal's handler, the control socket.
    pub(crate) fn start(path: &Path, config: &Config, server: &Server) -> Result<Self, String> {
        let refused = |error: io::Error| format!("cannot watch for changes: {error}");
        let reloader = Reloader::start(path, config.clone(), server.handle()).map_err(refused)?;
        let hang_up = signal(SignalKind::hangup()).map_err(refused)?;
        let reloads = Reloads::new(reloader.asker());
        let host = Host {
            started: Instant::now(),
            config: path.to_owned(),
            listeners: server.places().iter().map(ToString::to_string).collect(),
            server: server.handle(),
            reloads: reloads.clone(),
        };
        Ok(Self {
            _reloader: reloader,
            hang_ups: tokio::spawn(reload_at(hang_up, reloads)),
            _control: open_control(&config.control, host)?,
        })
    }
}

/// SIGHUP asks a daemon to read its configuration again.
async fn reload_at(mut signal: Signal, reloads: Reloads) {
    while signal.recv().await.is_some() {
        reloads.reload().await;
    }
}

impl Reloads {
    fn new(asker: Asker) -> Self {
        Self {
            asker,
            turn: Arc::default(),
        }
    }

    async fn reload(&self) -> ReloadOutcome {
        let _turn = self.turn.lock().await;
        notify::reloading();
        let outcome = self.asker.reload().await;
        notify::ready();
        ReloadOutcome {
            ok: outcome.is_ok(),
            changes: outcome.changes,
            errors: outcome.errors,
            needs_restart: outcome.needs_restart,
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        // Not ready any more: a reload would say that it is.
        self.hang_ups.abort();
    }
}

/// Binds the control socket, if there is to be one. One that another host still has is waited for:
/// that host may be about to end.
fn open_control(
    config: &config::Control,
    host: Host,
) -> Result<Option<oneshot::Sender<()>>, String> {
    let Some(path) = config.socket.clone() else {
        return Ok(None);
    };
    let (end, ended) = oneshot::channel::<()>();
    let control = match Control::bind(&path, config) {
        Ok(control) => Some(control),
        Err(error) if error.is_in_use() => {
            tracing::warn!("{error}; it is taken over once it is free");
            None
        }
        Err(error) => return Err(error.to_string()),
    };
    let config = config.clone();
    tokio::spawn(async move {
        // An error is the sender's end.
        let stop = async { drop(ended.await) };
        tokio::pin!(stop);
        let control = match control {
            Some(control) => control,
            None => tokio::select! {
                () = &mut stop => return,
                control = take_over(&path, &config) => control,
            },
        };
        control.serve(Arc::new(host), stop).await;
    });
    Ok(Some(end))
}

async fn take_over(path: &Path, config: &config::Control) -> Control {
    loop {
        tokio::time::sleep(TAKE_OVER_PACE).await;
        if let Ok(control) = Control::bind(path, config) {
            return control;
        }
    }
}

impl Source for Host {
    fn status(&self) -> Status {
        status::of(self)
    }

    async fn reload(&self) -> ReloadOutcome {
        self.reloads.reload().await
    }
}
