//! The file of a Unix socket: what may be done to one that is there already, and when ours goes.
//!
//! A file that is no socket is never touched, nor is a socket at which somebody listens.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// The file of a socket that this process has bound. Dropping this removes it.
#[derive(Debug)]
pub(crate) struct SocketFile {
    /// None once the file is removed: the path, and soon the number too, are anybody's then.
    path: Option<PathBuf>,
    /// The device and the number of the file. Nobody else's has them while the socket is open, so
    /// they tell whether somebody has put another file in this one's place.
    identity: (u64, u64),
}

/// Why a path cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Taken {
    #[error("another server listens there; stop it, or choose another path")]
    InUse,
    #[error("a file that is no socket is there, and is left alone; choose another path")]
    OtherKind,
    #[error("a socket is there, and whether somebody listens at it cannot be told: {0}")]
    Unknown(io::Error),
    #[error("what is there cannot be removed: {0}")]
    NotRemoved(io::Error),
}

impl SocketFile {
    /// The file that was just made at `path`.
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: Some(path.to_owned()),
            identity: identity(&fs::symlink_metadata(path)?),
        })
    }

    /// Removes the file if it is still this one.
    pub(crate) fn remove(&mut self) {
        let Some(path) = self.path.take() else {
            return;
        };
        let found = fs::symlink_metadata(&path);
        if found.is_ok_and(|found| identity(&found) == self.identity)
            && let Err(error) = fs::remove_file(&path)
        {
            let path = path.display();
            tracing::warn!("the socket {path} is left behind, as it cannot be removed: {error}");
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Why a path could not be bound.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unbound {
    #[error(transparent)]
    Taken(#[from] Taken),
    #[error(transparent)]
    Refused(#[from] io::Error),
}

/// Listens with a socket that does not block at `path`, which is first cleared of what a process
/// left behind there. Whatever the umask, nobody can connect before the file has its `mode`.
pub(crate) fn bind(path: &Path, backlog: i32, mode: u32) -> Result<(Socket, SocketFile), Unbound> {
    clear(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::at(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(backlog)?;
    Ok((socket, file))
}

/// Removes a socket at `path` at which nobody listens, which a process left behind that could not
/// tidy up. Afterwards the path is free, unless somebody takes it in that moment.
fn clear(path: &Path) -> Result<(), Taken> {
    let Ok(found) = fs::symlink_metadata(path) else {
        // It is not there, or the attempt to bind will tell why it cannot be looked at.
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(Taken::OtherKind);
    }
    match knock(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(Taken::NotRemoved)
        }
        // A full backlog is a sign of life as well.
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(Taken::Unknown(error)),
        _ => Err(Taken::InUse),
    }
}

/// Connects, and lets go at once.
fn knock(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
