//! `cargo xtask run`: from a fresh clone to a server that answers.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{guests, host, project};

/// Builds guests and host, then becomes the host with these arguments. It serves
/// `config.example.toml` unless they name another.
///
/// # Errors
/// When something does not build or the host cannot be started. It does not return otherwise.
pub(crate) fn run(arguments: &[OsString]) -> Result<()> {
    guests::build()?;
    let program = host::build()?;
    let mut command = Command::new(&program);
    if !arguments.iter().any(names_config) {
        command
            .arg("--config")
            .arg(project::root().join("config.example.toml"));
    }
    // This process turns into the host, so that signals and the exit status are its own.
    let error = command.args(arguments).exec();
    Err(error).with_context(|| format!("starting {}", program.display()))
}

fn names_config(argument: &OsString) -> bool {
    argument.to_string_lossy().split('=').next() == Some("--config")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_configuration_is_noticed() {
        assert!(names_config(&"--config".into()));
        assert!(names_config(&"--config=my.toml".into()));
        assert!(!names_config(&"--configure".into()));
        assert!(!names_config(&"my.toml".into()));
    }
}
