//! Builds every guest and lays the components in `guests/dist`. How a toolchain is found is
//! `toolchain`'s affair, whether anything changed is `fingerprint`'s.

pub(crate) mod fingerprint;
pub(crate) mod toolchain;
mod wasi_libc;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use self::toolchain::Target;
use crate::{project, shell};

/// The first bytes of a component, as opposed to a core module.
pub(crate) const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// What the components are built from. The root manifest has the versions the SDK depends on.
const SOURCES: [&str; 7] = [
    "guests",
    "guest-sdk/Cargo.toml",
    "guest-sdk/macros",
    "guest-sdk/src",
    "guest-sdk/wit",
    "wit",
    "Cargo.toml",
];

/// Builds the guests to `guests/dist/<name>.wasm` and the faulty ones to
/// `guests/dist/faults/<name>.wasm`, unless these are there and no source has changed since.
///
/// # Errors
/// When there is no toolchain for them, or the build fails.
pub(crate) fn build() -> Result<()> {
    let guests = project::root().join("guests");
    let (dist, names) = (guests.join("dist"), names(&guests)?);
    let stamp = dist.join("built-from");
    let current = fingerprint::of(&project::root(), &SOURCES)?;
    if fs::read_to_string(&stamp).is_ok_and(|built| built == current) && all_there(&dist, &names) {
        return Ok(());
    }
    let toolchain = shell::step("Find a toolchain for the guests", || {
        toolchain::choose(Target::Unknown)
    })?;
    let target = project::target().join("guests");
    shell::step(
        &format!("Build the guests with {}", toolchain.describe()),
        || {
            shell::run(
                toolchain
                    .cargo_build(Target::Unknown)?
                    .current_dir(&guests)
                    .arg("--target-dir")
                    .arg(&target),
            )
        },
    )?;
    let built = target.join(Target::Unknown.triple()).join("release");
    update_dist(&built, &dist, &names)?;
    fs::write(&stamp, fingerprint::of(&project::root(), &SOURCES)?)?;
    eprintln!("    {} components are in {}", names.len(), dist.display());
    Ok(())
}

/// The guests by their folder's path below `guests/`: `hello`, `faults/trap`.
fn names(guests: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut names = BTreeSet::new();
    for group in ["", "faults"] {
        let folder = guests.join(group);
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                names.insert(Path::new(group).join(entry.file_name()));
            }
        }
    }
    Ok(names)
}

fn all_there(dist: &Path, names: &BTreeSet<PathBuf>) -> bool {
    names
        .iter()
        .all(|name| component_path(dist, name).is_file())
}

/// Brings `dist` up to date: components that changed are replaced, those without a guest go.
fn update_dist(built: &Path, dist: &Path, names: &BTreeSet<PathBuf>) -> Result<()> {
    for name in names {
        let component = fs::read(artifact_path(built, name))
            .with_context(|| format!("cargo built no component for {}", name.display()))?;
        ensure!(
            component.starts_with(&COMPONENT),
            "{} is not a component: was it linked by wasm-component-ld?",
            name.display()
        );
        replace(&component_path(dist, name), &component)?;
    }
    let kept: BTreeSet<_> = names
        .iter()
        .map(|name| component_path(dist, name))
        .collect();
    for folder in [dist.to_owned(), dist.join("faults")] {
        remove_others(&folder, &kept)?;
    }
    Ok(())
}

/// A host may be watching: it must never read half a component, nor reload one for nothing.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn replace(path: &Path, component: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|current| current == component) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a component has a folder")?)?;
    let unfinished = path.with_extension("new");
    fs::write(&unfinished, component)?;
    fs::rename(&unfinished, path)?;
    Ok(())
}

fn remove_others(folder: &Path, kept: &BTreeSet<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "wasm") && !kept.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn component_path(dist: &Path, name: &Path) -> PathBuf {
    dist.join(name).with_extension("wasm")
}

/// Cargo names a library after its package with `_` for `-`, and packages are named as folders.
fn artifact_path(built: &Path, name: &Path) -> PathBuf {
    let package = name.file_name().unwrap_or_default().to_string_lossy();
    built.join(package.replace('-', "_")).with_extension("wasm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dist_has_the_components_of_the_guests_and_no_others() {
        let temporary = tempfile::tempdir().unwrap();
        let (built, dist) = (
            temporary.path().join("built"),
            temporary.path().join("dist"),
        );
        fs::create_dir_all(&built).unwrap();
        fs::create_dir_all(&dist).unwrap();
        fs::write(dist.join("gone.wasm"), COMPONENT).unwrap();
        fs::write(built.join("a_b.wasm"), COMPONENT).unwrap();
        let names = BTreeSet::from([PathBuf::from("faults/a-b")]);
        assert!(!all_there(&dist, &names));

        update_dist(&built, &dist, &names).unwrap();
        assert!(all_there(&dist, &names));
        assert!(dist.join("faults/a-b.wasm").exists());
        assert!(!dist.join("gone.wasm").exists());

        fs::write(built.join("a_b.wasm"), b"\0asm\x01\0\0\0").unwrap();
        let error = update_dist(&built, &dist, &names).unwrap_err().to_string();
        assert!(error.contains("not a component"), "{error}");
    }
}
