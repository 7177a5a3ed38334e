//! Whether sources changed: one number for the names and contents of many files. Knows nothing of
//! what is built from them.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

/// Folders that hold what was built, not what it was built from.
const BUILT: [&str; 2] = ["dist", "target"];

/// A number, as text, that changes when a file below these paths changes, comes or goes. Contents
/// count and times do not: a fresh clone with the same sources has the same fingerprint.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn of(root: &Path, sources: &[&str]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for source in sources {
        add(&root.join(source), &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn add(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let Some(name) = path.file_name() else {
        return Ok(());
    };
    name.hash(hasher);
    if !path.is_dir() {
        let content = fs::read(path).with_context(|| path.display().to_string())?;
        content.hash(hasher);
        return Ok(());
    }
    let entries: Result<Vec<_>, _> = fs::read_dir(path)?.collect();
    let mut entries = entries?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if !BUILT.iter().any(|built| entry.file_name() == *built) {
            add(&entry.path(), hasher)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_count_and_build_folders_do_not() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        let print = || of(root, &["src"]).unwrap();
        fs::create_dir_all(root.join("src/inner")).unwrap();
        fs::write(root.join("src/inner/a"), "1").unwrap();
        let first = print();
        assert_eq!(first, print());

        fs::create_dir(root.join("src/target")).unwrap();
        fs::write(root.join("src/target/b"), "1").unwrap();
        assert_eq!(first, print());

        fs::write(root.join("src/inner/a"), "2").unwrap();
        assert_ne!(first, print());
        fs::write(root.join("src/inner/a"), "1").unwrap();
        assert_eq!(first, print());
        fs::rename(root.join("src/inner/a"), root.join("src/inner/c")).unwrap();
        assert_ne!(first, print());
    }
}
