//! A host that answers by rote, on a runtime and a socket of its own. No assertions here.

use crate::config;
use crate::control::{BindError, Control, ReloadOutcome, Source, Status};
use std::future::Future;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, Semaphore, oneshot};

/// Far longer than any exchange here should take, on the slowest machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Answers with what it was made with. A reload waits until it is let go.
#[derive(Debug)]
pub(super) struct Rote {
    pub(super) status: Status,
    pub(super) outcome: ReloadOutcome,
    /// A permit for each reload that may end.
    pub(super) let_go: Semaphore,
    /// Told of each reload that begins.
    pub(super) begun: Notify,
}

impl Default for Rote {
    fn default() -> Rote {
        Rote {
            status: Status {
                version: "1.2.3".to_owned(),
                pid: 42,
                ..Status::default()
            },
            outcome: ReloadOutcome {
                ok: true,
                changes: vec!["hello is generation 2".to_owned()],
                ..ReloadOutcome::default()
            },
            let_go: Semaphore::new(0),
            begun: Notify::new(),
        }
    }
}

impl Source for Rote {
    fn status(&self) -> Status {
        self.status.clone()
    }

    async fn reload(&self) -> ReloadOutcome {
        self.begun.notify_one();
        self.let_go.acquire().await.unwrap().forget();
        self.outcome.clone()
    }
}

/// A host that runs. Dropped, it ends.
pub(super) struct Host {
    pub(super) rote: Arc<Rote>,
    pub(super) path: PathBuf,
    pub(super) runtime: Runtime,
    stop: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<()>>,
    _folder: TempDir,
}

pub(super) fn settings(connections_max: usize, timeout: Duration) -> config::Control {
    config::Control {
        socket: None,
        connections_max,
        timeout,
    }
}

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Binds on a runtime.
pub(super) fn bind(runtime: &Runtime, path: &Path) -> Result<Control, BindError> {
    let _entered = runtime.enter();
    Control::bind(path, &settings(8, PATIENCE))
}

impl Host {
    /// A host that is patient with its askers.
    pub(super) fn start() -> Host {
        Host::with(&settings(8, PATIENCE))
    }

    pub(super) fn with(settings: &config::Control) -> Host {
        Host::telling(Rote::default(), settings)
    }

    pub(super) fn telling(rote: Rote, settings: &config::Control) -> Host {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let runtime = runtime();
        let control = {
            let _entered = runtime.enter();
            Control::bind(&path, settings).unwrap()
        };
        let rote = Arc::new(rote);
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = async move {
            let _ = stopped.await;
        };
        let served = runtime.spawn(control.serve(Arc::clone(&rote), ended));
        Host {
            rote,
            path,
            runtime,
            stop: Some(stop),
            served: Some(served),
            _folder: folder,
        }
    }

    /// Lets this many reloads end.
    pub(super) fn let_go(&self, reloads: usize) {
        self.rote.let_go.add_permits(reloads);
    }

    /// Stops it and waits for that.
    pub(super) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(served) = self.served.take() {
            self.wait(served).unwrap();
        }
    }

    /// Waits for something that is about to happen.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(PATIENCE, future).await };
        self.runtime.block_on(bounded).expect("it did not happen")
    }

    pub(super) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends these bytes, ends its own sending, and returns all that comes back.
    pub(super) fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        rest(&mut stream)
    }
}

/// All that comes until the other end has nothing more to say.
pub(super) fn rest(stream: &mut UnixStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
