//! Who could write to a directory: the rules by which compiled code is kept there or not. Nothing
//! here knows what the directory is for.

use super::CacheError;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Only the owner may do anything.
const PRIVATE: u32 = 0o700;
/// What the group and everybody may do.
const NOT_OWNER: u32 = 0o077;
const PERMISSIONS: u32 = 0o7777;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
/// In a folder with this bit, only the owner of a file can rename or remove it.
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

/// Somebody else could replace what a directory holds.
#[derive(Debug, PartialEq, Eq, Error)]
pub(in crate::guest) enum Untrusted {
    /// It is somebody else's.
    #[error(
        "{} belongs to the user {owner}, neither to this process's user nor to root; set \
         cache.directory to a directory of its own", path.display()
    )]
    Owner {
        /// The directory, or one above it.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// It can be written to by its group or by everybody.
    #[error(
        "others can write to {} (mode {mode:04o}); run `chmod go-w {}`, or set cache.directory \
         to a directory that only this process's user can write to", path.display(), path.display()
    )]
    Writable {
        /// The directory, or one above it.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The folder inside is not as it was made.
    #[error(
        "{} is not a folder of this process's user with mode 0700 (owner {owner}, mode \
         {mode:04o}); remove it", path.display()
    )]
    NotPrivate {
        /// The folder inside.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
        /// Its permissions.
        mode: u32,
    },
}

/// What the system says of a file, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    owner: u32,
    group: u32,
    mode: u32,
}

/// Whose process this is.
#[derive(Clone, Copy, Debug)]
struct Process {
    user: u32,
    group: u32,
}

/// Makes `directory` and the folder `name` in it, if they are not there, and returns the folder's
/// path without symlinks. The folder is private, and nobody but this process's user and root can
/// put another in its place.
///
/// # Errors
/// What cannot be made, and what is not safe.
pub(super) fn private_folder(directory: &Path, name: &str) -> Result<PathBuf, CacheError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| CacheError::Unusable { path, source }
    };
    let make = |path: &Path| DirBuilder::new().recursive(true).mode(PRIVATE).create(path);
    make(directory).map_err(unusable(directory))?;
    let directory = fs::canonicalize(directory).map_err(unusable(directory))?;
    let process = Process::this();
    for path in directory.ancestors() {
        let facts = Facts::of(&fs::metadata(path).map_err(unusable(path))?);
        let checked = if path == directory {
            facts.check_directory(process, path)
        } else {
            facts.check_above(process, path)
        };
        checked?;
    }
    let folder = directory.join(name);
    make(&folder).map_err(unusable(&folder))?;
    let metadata = fs::symlink_metadata(&folder).map_err(unusable(&folder))?;
    if !metadata.is_dir() {
        return Err(unusable(&folder)(io::ErrorKind::NotADirectory.into()));
    }
    Facts::of(&metadata).check_private(process, &folder)?;
    Ok(folder)
}

impl Process {
    fn this() -> Process {
        Process {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
        }
    }
}

impl Facts {
    fn of(metadata: &Metadata) -> Facts {
        Facts {
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & PERMISSIONS,
        }
    }

    /// The directory itself: nobody else writes to it.
    fn check_directory(self, process: Process, path: &Path) -> Result<(), Untrusted> {
        self.check_owner(process, path)?;
        self.refuse_if(self.mode & (GROUP_WRITES | OTHERS_WRITE) != 0, path)
    }

    /// A directory above: nobody else can put another directory in place of the one below. A
    /// group that is the process's own, as each user has one in many systems, is no one else.
    fn check_above(self, process: Process, path: &Path) -> Result<(), Untrusted> {
        self.check_owner(process, path)?;
        let other_group = self.group != ROOT && self.group != process.group;
        let written =
            self.mode & OTHERS_WRITE != 0 || (self.mode & GROUP_WRITES != 0 && other_group);
        self.refuse_if(written && self.mode & STICKY == 0, path)
    }

    fn check_owner(self, process: Process, path: &Path) -> Result<(), Untrusted> {
        if self.owner == process.user || self.owner == ROOT {
            return Ok(());
        }
        Err(Untrusted::Owner {
            path: path.to_owned(),
            owner: self.owner,
        })
    }

    fn refuse_if(self, written: bool, path: &Path) -> Result<(), Untrusted> {
        if !written {
            return Ok(());
        }
        Err(Untrusted::Writable {
            path: path.to_owned(),
            mode: self.mode,
        })
    }

    fn check_private(self, process: Process, path: &Path) -> Result<(), Untrusted> {
        if self.owner == process.user && self.mode & NOT_OWNER == 0 {
            return Ok(());
        }
        Err(Untrusted::NotPrivate {
            path: path.to_owned(),
            owner: self.owner,
            mode: self.mode,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const PROCESS: Process = Process {
        user: 1000,
        group: 1000,
    };

    fn facts(owner: u32, group: u32, mode: u32) -> Facts {
        Facts { owner, group, mode }
    }

    #[test]
    fn who_may_own_and_write_to_the_directory() {
        let check = |facts: Facts| facts.check_directory(PROCESS, Path::new("/c")).is_ok();
        for fine in [
            facts(1000, 1000, 0o700),
            facts(1000, 5, 0o755),
            facts(0, 0, 0o755),
        ] {
            assert!(check(fine), "{fine:?}");
        }
        for bad in [
            facts(1001, 1000, 0o700),
            facts(1000, 1000, 0o770),
            facts(1000, 1000, 0o702),
            facts(0, 0, 0o1777),
        ] {
            assert!(!check(bad), "{bad:?}");
        }
    }

    #[test]
    fn who_may_own_and_write_to_what_is_above() {
        let check = |facts: Facts| facts.check_above(PROCESS, Path::new("/")).is_ok();
        for fine in [
            facts(0, 0, 0o755),
            facts(0, 0, 0o1777),
            facts(0, 0, 0o775),
            facts(1000, 1000, 0o775),
            facts(1000, 5, 0o1775),
        ] {
            assert!(check(fine), "{fine:?}");
        }
        for bad in [
            facts(0, 0, 0o777),
            facts(1000, 5, 0o775),
            facts(1001, 1001, 0o755),
            facts(1001, 1001, 0o1777),
        ] {
            assert!(!check(bad), "{bad:?}");
        }
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        Facts::of(&fs::metadata(path).unwrap()).mode
    }

    #[test]
    fn what_is_missing_is_made_private_and_symlinks_are_resolved() {
        let root = tempfile::tempdir().unwrap();
        symlink("real", root.path().join("link")).unwrap();
        fs::create_dir(root.path().join("real")).unwrap();
        for _again in 0..2 {
            let folder = private_folder(&root.path().join("link/a/b"), "own").unwrap();
            let real = fs::canonicalize(root.path()).unwrap().join("real/a/b");
            assert_eq!(folder, real.join("own"));
            assert_eq!((mode(&real), mode(&folder)), (PRIVATE, PRIVATE));
        }
    }

    #[test]
    fn places_that_others_can_write_to_are_refused_with_advice() {
        let root = tempfile::tempdir().unwrap();
        let (above, directory) = (root.path().join("a"), root.path().join("a/b"));
        fs::create_dir_all(&directory).unwrap();
        for (path, refused) in [(&directory, 0o775), (&directory, 0o757), (&above, 0o777)] {
            let before = mode(path);
            set_mode(path, refused);
            let error = private_folder(&directory, "own").unwrap_err().to_string();
            let advice = format!("chmod go-w {}`", fs::canonicalize(path).unwrap().display());
            assert!(error.contains(&advice), "{error}");
            assert!(!directory.join("own").exists());
            set_mode(path, before);
        }
        set_mode(&above, 0o1777);
        assert!(private_folder(&directory, "own").is_ok());
    }

    #[test]
    fn a_folder_inside_that_is_not_private_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = private_folder(root.path(), "own").unwrap();
        set_mode(&folder, 0o755);
        let error = private_folder(root.path(), "own").unwrap_err();
        assert!(
            matches!(error, CacheError::Untrusted(Untrusted::NotPrivate { .. })),
            "{error:?}"
        );
        fs::remove_dir(&folder).unwrap();
        let elsewhere = root.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        set_mode(&elsewhere, PRIVATE);
        symlink(&elsewhere, &folder).unwrap();
        let error = private_folder(root.path(), "own").unwrap_err();
        assert!(matches!(error, CacheError::Unusable { .. }), "{error:?}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = private_folder(file.path(), "own").unwrap_err().to_string();
        let path = file.path().display().to_string();
        assert!(
            error.contains(&path) && error.contains("cache.directory"),
            "{error}"
        );
    }
}
