//! Sockets that the service manager has opened and passes on (sd_listen_fds(3)). They stay its
//! own: while one process goes and the next one comes, clients wait in their backlog.

use listenfd::ListenFd;
use socket2::Socket;

/// Listening sockets of another process. Nothing is accepted from them here.
#[derive(Debug, Default)]
pub struct Inherited {
    /// They do not block.
    pub(super) sockets: Vec<Socket>,
}

/// What was passed on cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "socket {number} of those that LISTEN_FDS announces is not a listening TCP or Unix stream \
     socket; a .socket unit needs ListenStream= and no Accept=yes"
)]
pub struct InheritError {
    /// Counted from 1.
    number: usize,
}

impl Inherited {
    /// Takes the sockets that `LISTEN_FDS` announces, if `LISTEN_PID` names this process, and
    /// removes both from the environment. To be called before the process has a second thread.
    ///
    /// # Errors
    /// The first of them that does not listen for streams.
    pub fn from_env() -> Result<Self, InheritError> {
        let mut passed = ListenFd::from_env();
        let sockets = (0..passed.len())
            .map(|index| take(&mut passed, index).ok_or(InheritError { number: index + 1 }))
            .collect::<Result<_, _>>()?;
        Ok(Self { sockets })
    }

    /// Whether there are none, so that the configuration's places are the ones to listen at.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sockets.len()
    }
}

fn take(passed: &mut ListenFd, index: usize) -> Option<Socket> {
    if let Ok(Some(socket)) = passed.take_tcp_listener(index) {
        return listening(socket.into());
    }
    let socket = passed.take_unix_listener(index).ok()??;
    listening(socket.into())
}

/// A socket as the runtime wants it, if it listens.
fn listening(socket: Socket) -> Option<Socket> {
    let is_fine = socket.is_listener().ok()? && socket.set_nonblocking(true).is_ok();
    is_fine.then_some(socket)
}
