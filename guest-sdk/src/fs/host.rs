//! The host's files. Only translates.

use std::io;
use std::time::Duration;

use wit_bindgen::StreamReader;

use super::Metadata;
use crate::wasi::wasi::clocks::system_clock::Instant;
use crate::wasi::wasi::filesystem::preopens::get_directories;
use crate::wasi::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};

pub(super) struct Dir(Descriptor);

impl Dir {
    pub(super) fn find(path: &str) -> Option<Self> {
        let mut directories = get_directories().into_iter();
        directories
            .find(|(_, name)| name == path)
            .map(|(descriptor, _)| Self(descriptor))
    }

    pub(super) async fn open(&self, path: &str) -> io::Result<File> {
        let (follow, read) = (PathFlags::SYMLINK_FOLLOW, DescriptorFlags::READ);
        let opened = self
            .0
            .open_at(follow, path.into(), OpenFlags::empty(), read);
        opened.await.map(File).map_err(|code| error(&code))
    }
}

pub(super) struct File(Descriptor);

impl File {
    pub(super) async fn metadata(&self) -> io::Result<Metadata> {
        let stat = self.0.stat().await.map_err(|code| error(&code))?;
        Ok(Metadata {
            is_dir: matches!(stat.type_, DescriptorType::Directory),
            is_file: matches!(stat.type_, DescriptorType::RegularFile),
            length: stat.size,
            modified: stat.data_modification_timestamp.and_then(since_1970),
        })
    }

    pub(super) fn read(&self, offset: u64) -> Reader {
        // The stream's end says enough: a body that misses something breaks off.
        let (stream, _) = self.0.read_via_stream(offset);
        Reader(stream)
    }
}

pub(super) struct Reader(StreamReader<u8>);

impl Reader {
    /// At most so many bytes; none at the end.
    pub(super) async fn next(&mut self, bytes_max: u64) -> io::Result<Vec<u8>> {
        let room = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Ok(self.0.read(Vec::with_capacity(room)).await.1)
    }
}

fn since_1970(instant: Instant) -> Option<Duration> {
    let seconds = u64::try_from(instant.seconds).ok()?;
    Some(Duration::new(seconds, instant.nanoseconds))
}

fn error(code: &ErrorCode) -> io::Error {
    let kind = match code {
        ErrorCode::NoEntry => io::ErrorKind::NotFound,
        ErrorCode::Access | ErrorCode::NotPermitted => io::ErrorKind::PermissionDenied,
        ErrorCode::NotDirectory => io::ErrorKind::NotADirectory,
        ErrorCode::IsDirectory => io::ErrorKind::IsADirectory,
        ErrorCode::NameTooLong => io::ErrorKind::InvalidFilename,
        ErrorCode::Invalid | ErrorCode::IllegalByteSequence => io::ErrorKind::InvalidInput,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, code.to_string())
}
