//! Files of the machine that runs a native test, in the directories it grants. What the host does
//! about paths that lead out is done here only as far as a test of a well-behaved guest needs it.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::Metadata;

pub(super) struct Dir(PathBuf);

impl Dir {
    pub(super) fn find(path: &str) -> Option<Self> {
        crate::testing::with_world(|world| world.dirs.get(path).cloned().map(Self))
    }

    pub(super) async fn open(&self, path: &str) -> io::Result<File> {
        let relative = Path::new(path);
        let is_inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !relative.components().all(is_inside) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        std::fs::File::open(self.0.join(relative)).map(File)
    }
}

pub(super) struct File(std::fs::File);

impl File {
    pub(super) async fn metadata(&self) -> io::Result<Metadata> {
        let metadata = self.0.metadata()?;
        let modified = metadata.modified().ok();
        Ok(Metadata {
            is_dir: metadata.is_dir(),
            is_file: metadata.is_file(),
            length: metadata.len(),
            modified: modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()),
        })
    }

    pub(super) fn read(&self, offset: u64) -> Reader<'_> {
        let file = &self.0;
        Reader { file, offset }
    }
}

pub(super) struct Reader<'a> {
    file: &'a std::fs::File,
    offset: u64,
}

impl Reader<'_> {
    /// At most so many bytes; none at the end.
    pub(super) async fn next(&mut self, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        self.file.seek(SeekFrom::Start(self.offset))?;
        self.file.take(bytes_max).read_to_end(&mut piece)?;
        self.offset += piece.len() as u64;
        Ok(piece)
    }
}
