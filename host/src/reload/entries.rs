//! Which entries of which directories decide what a path leads to. Nothing here opens a file.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// How many symbolic links are followed, as many as the kernel does (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// The entry of each directory that is passed on the way of `path`: one for each component, and
/// one for each of what symbolic links put in their places. Changing any of them may change what
/// the path leads to, and nothing else can but a change of the file itself. In Kubernetes, say,
/// `/conf/a.wasm` leads to `..data/a.wasm` and `..data` to the directory of a generation, so the
/// entry `/conf/..data` decides.
///
/// The directories of the entries are free of symbolic links. Where the way ends too early, the
/// entries behind it are those that would be looked for.
pub(super) fn entries(path: &Path) -> Vec<PathBuf> {
    // What has no absolute path has no way either.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (mut here, mut ahead) = (PathBuf::from("/"), Vec::new());
    push_reversed(&mut ahead, &path);
    let (mut entries, mut links) = (Vec::new(), 0);
    while let Some(name) = ahead.pop() {
        if name == ".." {
            here.pop();
            continue;
        }
        let entry = here.join(name);
        let target = std::fs::read_link(&entry);
        entries.push(entry.clone());
        let Ok(target) = target else {
            here = entry;
            continue;
        };
        links += 1;
        if links > LINKS_MAX {
            break;
        }
        if target.is_absolute() {
            here = PathBuf::from("/");
        }
        push_reversed(&mut ahead, &target);
    }
    entries
}

/// Puts the components of a path on a stack, the first on top.
fn push_reversed(stack: &mut Vec<OsString>, path: &Path) {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    stack.extend(names.rev());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A new directory, by a name without symbolic links.
    fn directory() -> (tempfile::TempDir, PathBuf) {
        let guard = tempfile::tempdir().unwrap();
        let path = guard.path().canonicalize().unwrap();
        (guard, path)
    }

    /// The entries below a directory, relative to it.
    fn below(directory: &Path, path: &Path) -> Vec<String> {
        let relative = |entry: PathBuf| Some(entry.strip_prefix(directory).ok()?.to_owned());
        let shown = |entry: PathBuf| entry.display().to_string();
        let entries = entries(path).into_iter().filter_map(relative).map(shown);
        entries.filter(|entry| !entry.is_empty()).collect()
    }

    #[test]
    fn each_component_of_a_plain_path_is_one() {
        let (_guard, root) = directory();
        fs::create_dir(root.join("a")).unwrap();
        fs::write(root.join("a/file"), "").unwrap();
        assert_eq!(below(&root, &root.join("a/file")), ["a", "a/file"]);
        let above: Vec<_> = root
            .ancestors()
            .filter(|path| path.parent().is_some())
            .collect();
        let all = entries(&root.join("a/file"));
        assert!(
            above
                .iter()
                .all(|path| all.iter().any(|entry| entry == path)),
            "{all:?}"
        );
        assert_eq!(
            below(&root, &root.join("a/./none/../file")),
            ["a", "a/none", "a/file"]
        );
    }

    #[test]
    fn links_lead_on_and_are_entries_themselves() {
        let (_guard, root) = directory();
        fs::create_dir_all(root.join("conf/..2026")).unwrap();
        fs::write(root.join("conf/..2026/a.wasm"), "").unwrap();
        symlink("..2026", root.join("conf/..data")).unwrap();
        symlink("..data/a.wasm", root.join("conf/a.wasm")).unwrap();
        symlink(root.join("conf"), root.join("link")).unwrap();
        assert_eq!(
            below(&root, &root.join("link/a.wasm")),
            [
                "link",
                "conf",
                "conf/a.wasm",
                "conf/..data",
                "conf/..2026",
                "conf/..2026/a.wasm"
            ]
        );
    }

    #[test]
    fn what_is_missing_is_looked_for_and_a_circle_ends() {
        let (_guard, root) = directory();
        assert_eq!(below(&root, &root.join("no/file")), ["no", "no/file"]);
        symlink("circle", root.join("circle")).unwrap();
        assert_eq!(below(&root, &root.join("circle")).len(), LINKS_MAX + 1);
        assert!(
            entries(Path::new("relative"))
                .iter()
                .all(|entry| entry.is_absolute())
        );
    }
}
