//! Files in the directories that the host grants a guest (`dirs`), for handlers that are an
//! `async fn`. Thin over `wasi:filesystem`, and only for reading so far; that no path leads out of
//! a directory is the host's to see to.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::{Body, Error};

#[cfg(target_family = "wasm")]
#[path = "fs/host.rs"]
mod backend;
#[cfg(not(target_family = "wasm"))]
#[path = "fs/native.rs"]
mod backend;

/// How much of a file is read at once.
const PIECE_BYTES: u64 = 64 << 10;

/// The directory that the host shows this guest under this path, if it was granted.
///
/// ```
/// use httpd_guest::{fs, testing};
///
/// let directory = tempfile::tempdir().unwrap();
/// std::fs::write(directory.path().join("hello.txt"), "hello").unwrap();
/// testing::grant_dir("/site", directory.path());
///
/// let site = fs::dir("/site").unwrap();
/// testing::block_on(async {
///     let file = site.open("hello.txt").await.unwrap();
///     let length = file.metadata().await.unwrap().length;
///     assert_eq!(file.body(1, length - 1).text(100).await.unwrap(), "ello");
/// });
/// ```
#[must_use]
pub fn dir(path: &str) -> Option<Dir> {
    backend::Dir::find(path).map(Dir)
}

/// A directory granted to this guest.
pub struct Dir(backend::Dir);

impl Dir {
    /// Opens a file, or a directory to ask for its [`metadata`](File::metadata), for reading.
    /// `path` is relative. Symbolic links are followed, though never out of the directory.
    ///
    /// # Errors
    /// When it is not there, or not to be read.
    pub async fn open(&self, path: &str) -> io::Result<File> {
        self.0.open(path).await.map(|file| File(Rc::new(file)))
    }
}

/// An open file.
pub struct File(Rc<backend::File>);

impl File {
    /// What it is.
    ///
    /// # Errors
    /// When the host cannot say.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata().await
    }

    /// A part of it as a body, read while it is sent. A file that has become shorter breaks the
    /// body off.
    #[must_use]
    pub fn body(&self, offset: u64, length: u64) -> Body {
        let file = self.0.clone();
        Body::stream(async move |out| {
            let mut reader = file.read(offset);
            let mut left = length;
            while left > 0 {
                let piece = reader.next(left.min(PIECE_BYTES)).await?;
                if piece.is_empty() {
                    return Err(Error::new(500, "the file has become shorter"));
                }
                left = left.saturating_sub(piece.len() as u64);
                out.write(piece).await?;
            }
            Ok(())
        })
        .with_length(length)
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Whether it is a file with contents.
    pub is_file: bool,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written to, since the beginning of 1970, if that is known.
    pub modified: Option<Duration>,
}
