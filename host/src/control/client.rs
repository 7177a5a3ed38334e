//! The asking end of the control socket: a process that blocks until it has its answer.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::protocol::{self, Command, Reply};

/// The longest answer that is read, in bytes: that of some hundred thousand guests and routes.
const ANSWER_MAX: u64 = 64 << 20;

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error(
        "no host answers at {}: {source}; is it running, and was it started with this \
         control.socket?", path.display()
    )]
    NoHost {
        /// The socket's file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The host gave no sign of life for too long, or ended.
    #[error("the host at {} did not answer: {source}", path.display())]
    NoAnswer {
        /// The socket's file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// What answered is no host, or one of another version.
    #[error("what {} answered is not understood: {reason}", path.display())]
    NotUnderstood {
        /// The socket's file.
        path: PathBuf,
        /// Where it differs from an answer.
        reason: String,
    },
}

/// Asks the host whose control socket is at `path`. `timeout` is how long it may go without a sign
/// of life; a reload may take longer.
///
/// # Errors
/// Why there is no answer.
pub fn ask(path: &Path, command: Command, timeout: Duration) -> Result<Reply, AskError> {
    let mut stream = connect(path, timeout).map_err(|source| AskError::NoHost {
        path: path.to_owned(),
        source,
    })?;
    let answer = exchange(&mut stream, command).map_err(|error| AskError::NoAnswer {
        path: path.to_owned(),
        source: in_words(error, timeout),
    })?;
    serde_json::from_slice(&answer).map_err(|error| AskError::NotUnderstood {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// The timeout holds for connecting, too: a host whose backlog is full would block it otherwise.
fn connect(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_write_timeout(Some(timeout))?;
    socket.set_read_timeout(Some(timeout))?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(socket.into())
}

fn exchange(stream: &mut UnixStream, command: Command) -> io::Result<Vec<u8>> {
    stream.write_all(&protocol::question(command)?)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    if answer.trim_ascii().is_empty() {
        let ended = "it ended the connection first; it may have been stopped";
        return Err(io::Error::new(ErrorKind::UnexpectedEof, ended));
    }
    Ok(answer)
}

/// The system calls a timeout "resource temporarily unavailable".
fn in_words(error: io::Error, timeout: Duration) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            let waited = format!("nothing came for {timeout:?}");
            io::Error::new(ErrorKind::TimedOut, waited)
        }
        _ => error,
    }
}
