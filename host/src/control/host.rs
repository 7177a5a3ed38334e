//! The host's end of the control socket: its file, who may connect, and one exchange at a time
//! with each who does. Every read, write and number of askers is bounded.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::outcome::ReloadOutcome;
use super::protocol::{self, Command, QUESTION_MAX, Reply, SIGN_OF_LIFE};
use super::status::Status;
use crate::config;
use crate::socket_file::{self, SocketFile, Taken, Unbound};

/// Only the host's own user, and root.
const MODE: u32 = 0o600;
/// Askers that the kernel may queue while all places are taken.
const BACKLOG: i32 = 16;
/// After the system has refused to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Signs of life within one timeout: a late one does not look like a dead host.
const SIGNS_PER_TIMEOUT: u32 = 3;
/// Bytes behind a question that are read and dropped, so that the answer is not lost.
const DRAIN_MAX: u64 = 64 * 1024;

/// Where answers come from.
pub trait Source: Send + Sync + 'static {
    /// How the host is. It must not block.
    fn status(&self) -> Status;

    /// Looks at the configuration and the components again. The future ends when what is to
    /// change has changed, and is only dropped when the host ends.
    fn reload(&self) -> impl Future<Output = ReloadOutcome> + Send;
}

/// The control socket cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on the control socket {}: {reason}{}", path.display(), advice(reason))]
pub struct BindError {
    path: PathBuf,
    reason: Unbound,
}

/// What to do where the system refuses.
fn advice(reason: &Unbound) -> &'static str {
    match reason {
        Unbound::Refused(_) => "; is its directory there, and may this user write to it?",
        Unbound::Taken(_) => "",
    }
}

impl BindError {
    /// Whether another host listens there: one that has not ended yet, perhaps.
    pub fn is_in_use(&self) -> bool {
        matches!(self.reason, Unbound::Taken(Taken::InUse))
    }
}

/// A control socket that is bound. Dropping it removes its file, if that is still ours.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    file: SocketFile,
    connections_max: usize,
    timeout: Duration,
}

impl Control {
    /// Binds `path`, with the mode 0600 from the first moment on; call it inside a Tokio runtime.
    /// A file that a host left behind is replaced.
    ///
    /// # Errors
    /// When somebody listens there, or something that is no socket is there, or the system refuses.
    pub fn bind(path: &Path, config: &config::Control) -> Result<Self, BindError> {
        let bound = socket_file::bind(path, BACKLOG, MODE).and_then(|(socket, file)| {
            let listener = UnixListener::from_std(socket.into())?;
            Ok((listener, file))
        });
        let (listener, file) = bound.map_err(|reason| BindError {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self {
            listener,
            file,
            connections_max: config.connections_max,
            timeout: config.timeout,
        })
    }

    /// Answers until `stop` completes; whoever is still waiting for an answer then gets none.
    pub async fn serve(self, source: Arc<impl Source>, stop: impl Future<Output = ()>) {
        let Self {
            listener,
            // Removed when this ends.
            file: _file,
            connections_max,
            timeout,
        } = self;
        let places = Arc::new(Semaphore::new(connections_max));
        let mut askers = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let (stream, place) = tokio::select! {
                () = &mut stop => return,
                Some(_) = askers.join_next() => continue,
                accepted = accept(&listener, &places) => match accepted {
                    Some(accepted) => accepted,
                    None => return,
                },
            };
            let source = Arc::clone(&source);
            askers.spawn(async move {
                converse(stream, &*source, timeout).await;
                drop(place);
            });
        }
    }
}

/// The next asker, once there is a place for one. None only when there will never be a place.
async fn accept(
    listener: &UnixListener,
    places: &Arc<Semaphore>,
) -> Option<(UnixStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, place)),
            Err(error) => {
                tracing::warn!("cannot accept on the control socket: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One question and its answer.
async fn converse(mut stream: UnixStream, source: &impl Source, patience: Duration) {
    let reply = match timeout(patience, question(&mut stream)).await {
        Err(_) => Reply::Error(format!("no question came within {patience:?}")),
        // Whoever hangs up without a word wants no answer.
        Ok(None) => return,
        Ok(Some(Err(problem))) => Reply::Error(problem),
        Ok(Some(Ok(Command::Status))) => Reply::Status(Box::new(source.status())),
        Ok(Some(Ok(Command::Reload))) => {
            Reply::Reload(reload(&stream, source, patience / SIGNS_PER_TIMEOUT).await)
        }
    };
    // An asker that has gone, or reads nothing, is no concern of the host.
    let _ = timeout(patience, finish(&mut stream, &reply)).await;
}

/// Reads up to the end of the line, or of what is sent. None when nothing is.
async fn question(stream: &mut UnixStream) -> Option<Result<Command, String>> {
    let mut line = Vec::with_capacity(QUESTION_MAX);
    let mut bounded = stream.take(QUESTION_MAX as u64);
    loop {
        let read = bounded.read_buf(&mut line).await.ok()?;
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            return Some(protocol::command(&line[..end]));
        }
        if line.len() >= QUESTION_MAX {
            return Some(Err(format!("longer than {QUESTION_MAX} bytes")));
        }
        if read == 0 {
            return (!line.is_empty()).then(|| protocol::command(&line));
        }
    }
}

/// Waits for a reload, and shows the asker meanwhile that the host is alive. An asker that leaves
/// changes nothing about the reload.
async fn reload(stream: &UnixStream, source: &impl Source, period: Duration) -> ReloadOutcome {
    let mut outcome = pin!(source.reload());
    let period = period.max(Duration::from_millis(1));
    let mut signs = interval_at(Instant::now() + period, period);
    loop {
        tokio::select! {
            outcome = &mut outcome => return outcome,
            // A sign that finds no room is not needed: there are earlier ones to read.
            _ = signs.tick() => drop(stream.try_write(SIGN_OF_LIFE)),
        }
    }
}

/// Sends the reply, then reads what is left: a socket that is closed with bytes unread would take
/// the reply away from the asker.
async fn finish(stream: &mut UnixStream, reply: &Reply) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(reply)?;
    bytes.push(b'\n');
    stream.write_all(&bytes).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(DRAIN_MAX), &mut tokio::io::sink()).await?;
    Ok(())
}
