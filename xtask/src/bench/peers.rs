//! The programs of the peers: built or fetched once, into the target folder. Nothing is installed
//! on the machine, and nothing here is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{project, shell};

/// What of `wasmtime serve` counts. What is left out of its default features has no part in
/// serving: other commands, other compilers, proposals that no component here uses.
const WASMTIME_FEATURES: &str = "serve,run,compile,cranelift,cache,logging,wat,backtrace,demangle,\
    parallel-compilation,pooling-allocator,profiling,coredump,addr2line,debug-builtins,\
    component-model,component-model-async,threads,gc,gc-copying,gc-drc,gc-null,stack-switching,\
    debug,wasi-http,clap/default";

/// The program of `xtask/peers`.
///
/// # Errors
/// It does not build.
pub(super) fn native() -> Result<PathBuf> {
    let target = home().join("native");
    shell::run(
        Command::new(project::cargo())
            .current_dir(manifest_folder())
            .args(["build", "--quiet", "--release", "--locked", "--target-dir"])
            .arg(&target),
    )?;
    Ok(target.join("release/bench-peers"))
}

/// `wasmtime` of the version that the host is made of.
///
/// # Errors
/// It cannot be built.
pub(super) fn wasmtime() -> Result<PathBuf> {
    let version = locked(&project::root(), "wasmtime")?;
    let program = home().join("bin/wasmtime");
    if says_version(&program, &version) {
        return Ok(program);
    }
    let build = home().join("build");
    let what = format!("Build wasmtime {version} to compare with; this takes a quarter of an hour");
    shell::step(&what, || {
        shell::run(
            Command::new(project::cargo())
                .args([
                    "install",
                    "wasmtime-cli",
                    "--locked",
                    "--force",
                    "--version",
                    &version,
                ])
                .args(["--no-default-features", "--features", WASMTIME_FEATURES])
                .arg("--root")
                .arg(home())
                .env("CARGO_TARGET_DIR", &build),
        )?;
        // More than a gigabyte, and of no use any more.
        Ok(fs::remove_dir_all(&build)?)
    })?;
    ensure!(
        says_version(&program, &version),
        "{} is another one",
        program.display()
    );
    Ok(program)
}

/// `nginx`: the machine's own, or Debian's package unpacked. To install it would start a service.
///
/// # Errors
/// There is none, and the package cannot be had or does not run.
pub(super) fn nginx() -> Result<PathBuf> {
    if let Some(program) = shell::find("nginx") {
        return Ok(program);
    }
    let folder = home().join("nginx");
    let program = folder.join("root/usr/sbin/nginx");
    if !program.is_file() {
        shell::step("Fetch nginx to compare with", || fetch_nginx(&folder))?;
    }
    version_of(&program)?;
    Ok(program)
}

/// What the versions of all peers are, for the document.
///
/// # Errors
/// One of them is not there.
pub(super) fn versions() -> Result<String> {
    let (hyper, tokio) = (
        locked(&manifest_folder(), "hyper")?,
        locked(&manifest_folder(), "tokio")?,
    );
    let wasmtime = locked(&project::root(), "wasmtime")?;
    let nginx = version_of(&nginx()?)?;
    Ok(format!(
        "wasmtime {wasmtime}, hyper {hyper} on Tokio {tokio}, {nginx}"
    ))
}

fn home() -> PathBuf {
    project::target().join("peers")
}

fn manifest_folder() -> PathBuf {
    project::root().join("xtask/peers")
}

fn fetch_nginx(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    shell::run(
        Command::new("apt-get")
            .current_dir(folder)
            .args(["-q", "download", "nginx"]),
    )?;
    let package = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "deb"));
    let package = package.context("apt fetched no package")?;
    shell::run(
        Command::new("dpkg")
            .arg("-x")
            .arg(package)
            .arg(folder.join("root")),
    )
}

/// `nginx/1.2.3`, which it says on standard error.
fn version_of(nginx: &Path) -> Result<String> {
    let said = Command::new(nginx).arg("-v").output();
    let said = said.with_context(|| nginx.display().to_string())?;
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    match text.rsplit_once(": ") {
        Some((_, version)) if said.status.success() => Ok(version.trim().to_owned()),
        _ => bail!("{} does not run: {text}", nginx.display()),
    }
}

fn says_version(program: &Path, version: &str) -> bool {
    let said = shell::output(Command::new(program).arg("--version")).unwrap_or_default();
    said.split_whitespace().nth(1) == Some(version)
}

/// The version of a crate in a folder's `Cargo.lock`.
fn locked(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join("Cargo.lock");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    version_in(&text, name).with_context(|| format!("{name} is not in {}", path.display()))
}

fn version_in(lock: &str, name: &str) -> Option<String> {
    let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(package.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_lock() {
        let lock = "[[package]]\nname = \"hyper-util\"\nversion = \"0.1\"\n\n\
                    [[package]]\nname = \"hyper\"\nversion = \"1.2.3\"\nsource = \"x\"\n";
        assert_eq!(version_in(lock, "hyper").as_deref(), Some("1.2.3"));
        assert_eq!(version_in(lock, "h2"), None);
    }

    #[test]
    fn the_peers_in_the_lists_are_locked() {
        assert!(locked(&manifest_folder(), "hyper").is_ok());
        assert!(locked(&project::root(), "wasmtime").is_ok());
    }
}
