//! The C library for WASI 0.2 that Debian's Rust links guests with: Debian 13's package, unpacked
//! into the target folder, for Debian 12's is too old. Nothing is installed on the machine, and
//! nothing here knows what is linked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{project, shell};

/// The release of Debian whose package has `wasm32-wasip2`.
const SUITE: &str = "trixie";
const PACKAGE: &str = "wasi-libc";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The folder with `libc.a` and the start files.
pub(super) fn folder() -> PathBuf {
    home().join("root/usr/lib/wasm32-wasip2")
}

/// Fetches and unpacks the package, unless that was done before. The machine's own list of
/// packages stays as it is: apt gets a folder of ours for everything it keeps.
///
/// # Errors
/// When apt has no mirror of Debian, or cannot fetch the package.
pub(super) fn ensure() -> Result<()> {
    if folder().join("libc.a").is_file() {
        return Ok(());
    }
    shell::step("Fetch Debian's C library for WASI 0.2", || {
        let home = home();
        fs::create_dir_all(home.join("lists/partial"))?;
        fs::write(home.join("sources.list"), source(&mirror()?))?;
        shell::run(apt_get(&home).args(["-q", "update"]))?;
        shell::run(
            apt_get(&home)
                .current_dir(&home)
                .args(["-q", "download", PACKAGE]),
        )?;
        shell::run(
            Command::new("dpkg")
                .arg("-x")
                .arg(package(&home)?)
                .arg(home.join("root")),
        )?;
        fs::remove_dir_all(home.join("lists"))?;
        ensure!(
            folder().join("libc.a").is_file(),
            "{PACKAGE} of {SUITE} has no {}",
            folder().display()
        );
        Ok(())
    })
}

fn home() -> PathBuf {
    project::target().join("tools").join(PACKAGE)
}

/// The mirror this machine gets Debian from: it has the other releases as well.
fn mirror() -> Result<String> {
    let question = [
        "indextargets",
        "--format",
        "$(CODENAME) $(SITE)",
        "Created-By: Packages",
        "Component: main",
    ];
    let known = shell::output(Command::new("apt-get").args(question))?;
    let mirror = main_mirror(&known).context("apt knows no mirror of Debian")?;
    Ok(mirror.to_owned())
}

/// The site of a release's main suite: those of updates and security have other sites.
fn main_mirror(known: &str) -> Option<&str> {
    known
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(codename, _)| !codename.contains(['-', '/']))
        .map(|(_, site)| site)
}

fn source(mirror: &str) -> String {
    format!("deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
}

fn apt_get(home: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let setting = |key: &str, value: &Path| format!("{key}={}", value.display());
    for option in [
        setting("Dir::Etc::SourceList", &home.join("sources.list")),
        setting("Dir::Etc::SourceParts", Path::new("/dev/null")),
        setting("Dir::State::Lists", &home.join("lists")),
        setting("Dir::Cache::pkgcache", Path::new("")),
        setting("Dir::Cache::srcpkgcache", Path::new("")),
        // Descriptions, icons and sources would be most of what is fetched.
        "Acquire::Languages=none".to_owned(),
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
    ] {
        command.args(["-o", &option]);
    }
    command
}

/// Where apt laid the package: its name has the version in it.
fn package(home: &Path) -> Result<PathBuf> {
    let mut entries = fs::read_dir(home)?.flatten().map(|entry| entry.path());
    entries
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .context("apt fetched no package")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_the_main_suite() {
        let known = "bookworm-security http://a.test/security\n\
                     bookworm-updates http://a.test/debian\n\
                     bookworm http://b.test/debian\n";
        assert_eq!(main_mirror(known), Some("http://b.test/debian"));
        assert_eq!(main_mirror("bookworm-updates http://a.test\n"), None);
        assert_eq!(main_mirror(""), None);
    }
}
