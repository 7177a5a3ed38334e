//! The host's release build, for the tasks that run it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::setup::{self, Tool};
use crate::{project, shell};

/// Builds httpd-host in release mode and says where the program is. The first time takes minutes.
///
/// # Errors
/// When it does not build, or what its dependencies are built with cannot be installed.
pub(crate) fn build() -> Result<PathBuf> {
    setup::ensure_tools(&[Tool::Cc, Tool::Make])?;
    shell::step("Build the host", || {
        let options = ["build", "--release", "--package", "httpd-host"];
        shell::run(
            Command::new(project::cargo())
                .current_dir(project::root())
                .args(options),
        )
    })?;
    Ok(project::target().join("release").join("httpd-host"))
}
