//! Finds a way to build for WebAssembly. In this order: the target is installed; rustup installs
//! it; Debian's Rust builds the standard library from its source package. What is built is no
//! affair of this file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::wasi_libc;
use crate::{project, setup, shell};

/// What a component is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// No operating system, so a sandbox empty by construction: the lean lane.
    Unknown,
    /// WASI 0.2, which the standard library uses, and 0.3 on top of it: the streamed lanes.
    Wasip2,
}

impl Target {
    /// What rustc calls it.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::Unknown => "wasm32-unknown-unknown",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }
}

const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// The oldest Rust the guests build with, as the manifests say: its minor version.
const MINOR_MIN: u32 = 95;

/// A compiler and a standard library for the guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The Rust that builds the host has the target's standard library.
    Installed,
    /// Debian's Rust, which builds the standard library first.
    Debian,
}

/// Finds a toolchain for a target, installing what is missing if this machine lets us.
///
/// # Errors
/// When there is none; the message says what a person can do.
pub(crate) fn choose(target: Target) -> Result<Toolchain> {
    if is_installed(target)? || rustup_adds(target) {
        return Ok(Toolchain::Installed);
    }
    if !debian_is_ready() && setup::can_install() {
        shell::step("Install Debian's Rust with its source", || {
            setup::apt_install(&DEBIAN_PACKAGES)
        })
        .with_context(|| plea(target, "Debian's Rust could not be installed"))?;
    }
    if !debian_is_ready() {
        bail!(plea(target, "no Rust here can build for WebAssembly"));
    }
    if target == Target::Wasip2 {
        wasi_libc::ensure().with_context(|| plea(target, "there is no C library for WASI 0.2"))?;
    }
    Ok(Toolchain::Debian)
}

impl Toolchain {
    /// A name for people.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Installed => "the installed Rust",
            Self::Debian => "Debian's Rust, the standard library included",
        }
    }

    /// The command that builds the workspace it is run in for the target it was chosen for, in
    /// release mode. Linker and link flags are in that workspace's own configuration, where a
    /// guest's author sees them; flags in our environment would replace those, so they are taken
    /// out.
    ///
    /// # Errors
    /// When the linker that makes components is not there.
    pub(crate) fn cargo_build(self, target: Target) -> Result<Command> {
        let mut command = match self {
            Self::Installed => Command::new(project::cargo()),
            Self::Debian => Command::new(DEBIAN_CARGO),
        };
        command
            .args(["build", "--release", "--target", target.triple()])
            .env("PATH", path_with_linker(target)?);
        for variable in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
        ] {
            command.env_remove(variable);
        }
        if self == Self::Debian {
            command
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC_BOOTSTRAP", "1");
            // Ours would otherwise be what cargo set for the host's Rust when it started us.
            command
                .env("RUSTC", DEBIAN_RUSTC)
                .env_remove("LD_LIBRARY_PATH");
            if target == Target::Wasip2 {
                command.args(["--config", &link_with_debian_libc()?]);
            }
        }
        Ok(command)
    }
}

/// Rust's own targets bring the C library along, and Debian's Rust looks for it in that place. A
/// workspace's own flags for the target are kept: cargo joins lists.
fn link_with_debian_libc() -> Result<String> {
    let folder = wasi_libc::folder();
    let folder = folder
        .to_str()
        .with_context(|| format!("{} is not UTF-8", folder.display()))?;
    let flags = serde_json::to_string(&["-Clink-self-contained=no", &format!("-L{folder}")])?;
    Ok(format!(
        "target.{}.rustflags={flags}",
        Target::Wasip2.triple()
    ))
}

fn is_installed(target: Target) -> Result<bool> {
    let question = ["--print", "target-libdir", "--target", target.triple()];
    let folder = shell::output(rustc().args(question))?;
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(false);
    };
    let is_std = |name: &str| name.starts_with("libstd-");
    Ok(entries
        .flatten()
        .any(|entry| entry.file_name().to_str().is_some_and(is_std)))
}

/// Asks rustup for the target. That it could not is noted in the target folder and asked again
/// only where nothing else helps: the second run shall not wait for a network that is not there.
fn rustup_adds(target: Target) -> bool {
    let triple = target.triple();
    let note = format!("rustup-has-no-{triple}");
    let note = project::target().join("xtask").join(note);
    if shell::find("rustup").is_none() || (note.exists() && debian_is_ready()) {
        return false;
    }
    let added = shell::step(&format!("Ask rustup for {triple}"), || {
        shell::run(Command::new("rustup").args(["target", "add", triple]))
    });
    match added {
        Ok(()) => true,
        Err(error) => {
            eprintln!("    rustup could not add it ({error:#}), trying another way");
            write_note(&note);
            false
        }
    }
}

/// A note that cannot be written only costs the next run a moment.
fn write_note(note: &Path) {
    if let Some(folder) = note.parent() {
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(note, ""));
        if let Err(error) = written {
            eprintln!("    {}: {error}", note.display());
        }
    }
}

/// Whether Debian's packages are here, recent enough, and with the standard library's source.
fn debian_is_ready() -> bool {
    let ready = || -> Result<bool> {
        let version = shell::output(debian_rustc().arg("--version"))?;
        let sysroot = shell::output(debian_rustc().args(["--print", "sysroot"]))?;
        let source = Path::new(&sysroot).join("lib/rustlib/src/rust/library/std");
        Ok(minor_version(&version) >= Some(MINOR_MIN)
            && Path::new(DEBIAN_CARGO).exists()
            && source.exists())
    };
    ready().unwrap_or(false)
}

/// 96 for `rustc 1.96.0 (ac68faa20 2026-05-25)`.
fn minor_version(version: &str) -> Option<u32> {
    version
        .strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// The search path with the folders of `wasm-component-ld` and of the `wasm-ld` it calls in front.
/// Both come with the Rust of rustup, and Debian's Rust can use them as well.
fn path_with_linker(target: Target) -> Result<std::ffi::OsString> {
    let sysroot = PathBuf::from(shell::output(rustc().args(["--print", "sysroot"]))?);
    let host = shell::output(rustc().args(["--print", "host-tuple"]))?;
    let programs = sysroot.join("lib/rustlib").join(host).join("bin");
    let linker = programs.join("wasm-component-ld");
    ensure!(
        linker.is_file() || shell::find("wasm-component-ld").is_some(),
        plea(
            target,
            &format!("there is no {}, which makes components", linker.display())
        )
    );
    let current = std::env::var_os("PATH").unwrap_or_default();
    let folders = [programs.clone(), programs.join("gcc-ld")];
    Ok(std::env::join_paths(
        folders.into_iter().chain(std::env::split_paths(&current)),
    )?)
}

fn rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
}

fn debian_rustc() -> Command {
    let mut command = Command::new(DEBIAN_RUSTC);
    command.env_remove("LD_LIBRARY_PATH");
    command
}

fn plea(target: Target, what: &str) -> String {
    format!(
        "{what}. Guests need Rust from https://rustup.rs with 'rustup target add {}', or \
         Debian 12 with its packages {} next to rustup's Rust",
        target.triple(),
        DEBIAN_PACKAGES.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(
            minor_version("rustc 1.96.0 (ac68faa20 2026-05-25)"),
            Some(96)
        );
        assert_eq!(minor_version("rustc 1.63.0"), Some(63));
        assert_eq!(minor_version("gcc 12"), None);
        assert!(minor_version("gcc 12") < Some(MINOR_MIN));
    }

    #[test]
    fn a_build_ignores_flags_meant_for_the_host() {
        let command = Toolchain::Debian.cargo_build(Target::Unknown).unwrap();
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .collect();
        assert!(
            removed.iter().any(|(name, _)| *name == "RUSTFLAGS"),
            "{removed:?}"
        );
        let triple = Target::Unknown.triple();
        assert!(command.get_args().any(|argument| argument == triple));
    }

    #[test]
    fn the_c_library_is_linked_without_replacing_flags_of_the_workspace() {
        let has_config = |command: &Command| {
            let mut arguments = command.get_args();
            arguments.any(|argument| argument == "--config")
        };
        let debian = Toolchain::Debian.cargo_build(Target::Wasip2).unwrap();
        assert!(has_config(&debian));
        let installed = Toolchain::Installed.cargo_build(Target::Wasip2).unwrap();
        assert!(!has_config(&installed));
        let config = link_with_debian_libc().unwrap();
        let flags = config.strip_prefix("target.wasm32-wasip2.rustflags=");
        let flags: Vec<String> = serde_json::from_str(flags.unwrap()).unwrap();
        assert_eq!(flags[0], "-Clink-self-contained=no");
        assert!(flags[1].starts_with("-L"));
    }
}
