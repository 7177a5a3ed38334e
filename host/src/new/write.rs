//! Writes a folder of files, all or nothing: aside first, then it gets its name.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::project::File;

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// Something is there already, and no empty folder.
    Taken,
}

/// Writes the files into a new folder, or into one that is empty.
///
/// # Errors
/// What the system refused; nothing is left then of what was written.
pub(super) fn write(folder: &Path, files: &[File]) -> io::Result<Written> {
    if !is_free(folder)? {
        return Ok(Written::Taken);
    }
    let aside = Aside::new(folder)?;
    for (path, content) in files {
        let path = aside.0.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, content)?;
    }
    match fs::rename(&aside.0, folder) {
        Ok(()) => Ok(Written::Done),
        // Somebody else was faster.
        Err(error) if is_taken(&error) => Ok(Written::Taken),
        Err(error) => Err(error),
    }
}

fn is_taken(error: &io::Error) -> bool {
    let kinds = [
        ErrorKind::AlreadyExists,
        ErrorKind::DirectoryNotEmpty,
        ErrorKind::NotADirectory,
    ];
    kinds.contains(&error.kind())
}

/// Whether nothing is there, or an empty folder. A link to one is something.
fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => Ok(fs::read_dir(folder)?.next().is_none()),
        Ok(_) => Ok(false),
    }
}

/// A folder that goes with its owner, unless it was given another name.
struct Aside(PathBuf);

impl Aside {
    /// Beside the folder that it is for, so that it only has to be renamed.
    fn new(folder: &Path) -> io::Result<Aside> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let aside = folder.with_file_name(format!(".{name}.{}.new", std::process::id()));
        fs::create_dir(&aside)?;
        Ok(Aside(aside))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // After the rename there is nothing.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<File> {
        let file = |path: &str| (path.to_owned(), path.as_bytes().to_vec());
        vec![file("a"), file("b/c")]
    }

    fn entries(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_made_or_an_empty_one_is_filled() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("new");
        fs::create_dir(temporary.path().join("empty")).unwrap();
        for name in ["new", "empty"] {
            let folder = temporary.path().join(name);
            assert_eq!(write(&folder, &files()).unwrap(), Written::Done);
            assert_eq!(fs::read_to_string(folder.join("b/c")).unwrap(), "b/c");
        }
        assert_eq!(write(&folder, &files()).unwrap(), Written::Taken);
        assert_eq!(entries(temporary.path()), ["empty", "new"]);
    }

    #[test]
    fn whatever_else_is_there_stays_as_it_is() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        fs::write(at("file"), "mine").unwrap();
        fs::create_dir(at("full")).unwrap();
        fs::write(at("full/a"), "mine").unwrap();
        fs::create_dir(at("empty")).unwrap();
        std::os::unix::fs::symlink("empty", at("link")).unwrap();
        for name in ["file", "full", "link"] {
            assert_eq!(
                write(&at(name), &files()).unwrap(),
                Written::Taken,
                "{name}"
            );
        }
        assert_eq!(fs::read_to_string(at("full/a")).unwrap(), "mine");
        assert_eq!(entries(temporary.path()), ["empty", "file", "full", "link"]);
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        // A file cannot be a folder as well.
        let mut files = files();
        files.push(("a/d".to_owned(), Vec::new()));
        assert!(write(&temporary.path().join("new"), &files).is_err());
        assert_eq!(entries(temporary.path()), [""; 0]);
        assert!(write(&temporary.path().join("none/new"), &[]).is_err());
    }
}
