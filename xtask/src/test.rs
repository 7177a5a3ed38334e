//! `cargo xtask test`: everything that must hold, the quick checks first.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::fixtures::{self, Extent};
use crate::setup::Tool;
use crate::{guests, project, sdks, setup, shell, tidy};

/// What the host is built with and the tests call: real clients, load generators, and network
/// namespaces.
const TOOLS: [Tool; 8] = [
    Tool::Ab,
    Tool::Curl,
    Tool::Ip,
    Tool::Make,
    Tool::Node,
    Tool::Python,
    Tool::Unshare,
    Tool::Wrk,
];

/// Sets up, builds guests and fixtures, and runs formatting, lints, tidiness and every test.
///
/// # Errors
/// At the first step that fails.
pub(crate) fn run() -> Result<()> {
    let (root, guests) = (project::root(), project::root().join("guests"));
    let fixtures = root.join("fixtures/rust");
    let peers = root.join("xtask/peers");
    shell::step("Everything", || {
        shell::step("Look for the programs that tests use", || {
            setup::ensure_tools(&TOOLS)
        })?;
        shell::step("Check formatting", || {
            shell::run(cargo(&root).args(["fmt", "--all", "--check"]))?;
            shell::run(cargo(&guests).args(["fmt", "--all", "--check"]))?;
            shell::run(cargo(&fixtures).args(["fmt", "--all", "--check"]))?;
            shell::run(cargo(&peers).args(["fmt", "--all", "--check"]))
        })?;
        tidy::run()?;
        guests::build()?;
        fixtures::build(Extent::Usual)?;
        sdks::run()?;
        let clippy = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        shell::step("Lint the host", || shell::run(cargo(&root).args(clippy)))?;
        shell::step("Lint the guests", || {
            shell::run(cargo_native(&guests).args(clippy))
        })?;
        shell::step("Test the guests natively", || {
            shell::run(cargo_native(&guests).arg("test"))
        })?;
        shell::step("Lint and test the bench's peers", || {
            shell::run(cargo_peers(&peers).args(clippy))?;
            shell::run(cargo_peers(&peers).arg("test"))
        })?;
        let test = ["test", "--workspace"];
        shell::step("Test the host, the SDK and its examples", || {
            shell::run(cargo(&root).args(test))
        })
    })
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(project::cargo());
    command.current_dir(folder);
    command
}

/// Guests built for this machine, in a target folder of their own: the one for WebAssembly may be
/// another compiler's, and the two would forever undo each other's work.
fn cargo_native(guests: &Path) -> Command {
    let mut command = cargo(guests);
    command.env("CARGO_TARGET_DIR", project::target().join("guests-native"));
    command
}

/// The servers that the bench compares the host with, in the folder where it builds them.
fn cargo_peers(peers: &Path) -> Command {
    let mut command = cargo(peers);
    command.env("CARGO_TARGET_DIR", project::target().join("peers/native"));
    command
}
