//! `cargo xtask sdks`: runs the tests of the SDKs that need no component, and sets up what the
//! tests of `httpd-host new` need: the toolchains, and a `cargo` that builds for WebAssembly
//! wherever the guests of this project can be built. The projects themselves are the tests' affair.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::guests::toolchain::{self, Target};
use crate::setup::{self, Tool};
use crate::{guests, project, shell, tools};

/// Sets up and tests.
///
/// # Errors
/// When a tool cannot be had, or a test fails.
pub(crate) fn run() -> Result<()> {
    shell::step("Set up for the SDKs of other languages", || {
        setup::ensure_tools(&[Tool::Cc, Tool::Make])?;
        tools::ensure_npm()?;
        tools::ensure_python()?;
        lay_cargo()
    })?;
    shell::step("Test the SDK for JavaScript", || {
        let mut command = Command::new("node");
        command.args(["--test", "--test-reporter=dot"]);
        shell::run(command.current_dir(sdk("js")))
    })?;
    shell::step("Test the SDK for Python", || {
        let mut command = Command::new("python3");
        // The interpreter would leave its own files among the sources.
        command.args(["-B", "-m", "unittest", "discover", "tests"]);
        shell::run(command.current_dir(sdk("python")))
    })?;
    shell::step("Test the SDK for C", test_c)
}

fn sdk(language: &str) -> PathBuf {
    project::root().join("guest-sdk").join(language)
}

fn test_c() -> Result<()> {
    let program = folder()?.join("test-c");
    let mut compiler = Command::new("cc");
    compiler
        .args([
            "-std=c11",
            "-O1",
            "-g",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
        ])
        .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        .args(["-Isrc", "-o"])
        .arg(&program)
        .args(["tests/test_guest.c", "src/httpd_guest.c", "src/testing.c"]);
    shell::run(compiler.current_dir(sdk("c")))?;
    // The tests log lines of all lengths; whoever waits wants to know how it ended.
    let printed = shell::output(&mut Command::new(program))?;
    eprintln!("{printed}");
    Ok(())
}

/// Where tests look for what is laid here.
fn folder() -> Result<PathBuf> {
    let folder = project::target().join("sdks");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Lays `target/sdks/bin/cargo`: what a user with rustup has as `cargo`. Where the toolchain for
/// WebAssembly is another one, this hides it; target folders are those of the project's own
/// guests, so that little is built twice.
fn lay_cargo() -> Result<()> {
    let build = toolchain::choose(Target::Unknown)?.cargo_build(Target::Unknown)?;
    let bin = folder()?.join("bin");
    fs::create_dir_all(&bin)?;
    let script = bin.join("cargo");
    guests::replace(&script, cargo_script(&build)?.as_bytes())?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// A script that does what `build` does when it is called to build for WebAssembly, and otherwise
/// is the cargo that runs this task.
fn cargo_script(build: &Command) -> Result<String> {
    let mut script = String::from("#!/bin/sh\ncase \" $* \" in *\" --target \"*)\n");
    for (name, value) in build.get_envs() {
        let name = text(name)?;
        match value {
            Some(value) => writeln!(script, "    export {name}={}", quoted(text(value)?))?,
            None => writeln!(script, "    unset {name}")?,
        }
    }
    let target = project::target();
    let folder =
        |name: &str| -> Result<String> { Ok(quoted(text(target.join(name).as_os_str())?)) };
    writeln!(script, "    export CARGO_TARGET_DIR={}", folder("guests")?)?;
    write!(
        script,
        "    exec {} \"$@\"",
        quoted(text(build.get_program())?)
    )?;
    // The user's arguments are the first four; the toolchain's own come after them.
    for argument in build.get_args().skip(4) {
        write!(script, " {}", quoted(text(argument)?))?;
    }
    writeln!(script, "\nesac")?;
    writeln!(
        script,
        "export CARGO_TARGET_DIR={}",
        folder("guests-native")?
    )?;
    writeln!(script, "exec {} \"$@\"", quoted(text(&project::cargo())?))?;
    Ok(script)
}

fn text(word: &std::ffi::OsStr) -> Result<&str> {
    word.to_str()
        .with_context(|| format!("{} is not UTF-8", word.display()))
}

/// A word that the shell takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_the_toolchain_for_webassembly_and_cargo_otherwise() {
        let temporary = tempfile::tempdir().unwrap();
        let mut build = Command::new("echo");
        build.args(["build", "--release", "--target", "t", "-Zits own"]);
        build.env("OWN", "it's").env_remove("HOME");
        let mut script = cargo_script(&build).unwrap();
        // What cargo would do is not for a test to wait for.
        script = script.replace(&quoted(text(&project::cargo()).unwrap()), "echo cargo");
        let path = temporary.path().join("script");
        fs::write(&path, script).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new("sh");
            shell::output(command.arg(&path).args(arguments)).unwrap()
        };
        assert_eq!(run(&["test", "-q"]), "cargo test -q");
        assert_eq!(
            run(&["build", "--target", "t"]),
            "build --target t -Zits own"
        );
    }
}
