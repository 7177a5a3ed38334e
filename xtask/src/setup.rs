//! The programs that tests and experiments need beside Rust: looked for, and installed where this
//! machine has Debian's packages. Nothing here knows what they are used for.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// A program the project can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Apache's load generator: HTTP/1.0.
    Ab,
    /// The compiler for C.
    Cc,
    /// The client everyone has.
    Curl,
    /// Network interfaces: brings up the loopback of a fresh namespace.
    Ip,
    /// Builds guests in C, and the host's allocator.
    Make,
    /// JavaScript's HTTP client.
    Node,
    /// JavaScript's packages.
    Npm,
    /// Python's HTTP client.
    Python,
    /// Packet captures.
    Tshark,
    /// Fresh network namespaces.
    Unshare,
    /// Counts the instructions of a program.
    Valgrind,
    /// A load generator for HTTP/1.1.
    Wrk,
}

impl Tool {
    fn program(self) -> &'static str {
        match self {
            Self::Ab => "ab",
            Self::Cc => "cc",
            Self::Curl => "curl",
            Self::Ip => "ip",
            Self::Make => "make",
            Self::Node => "node",
            Self::Npm => "npm",
            Self::Python => "python3",
            Self::Tshark => "tshark",
            Self::Unshare => "unshare",
            Self::Valgrind => "valgrind",
            Self::Wrk => "wrk",
        }
    }

    fn debian_package(self) -> &'static str {
        match self {
            Self::Ab => "apache2-utils",
            Self::Cc => "gcc",
            Self::Ip => "iproute2",
            Self::Node => "nodejs",
            Self::Unshare => "util-linux",
            Self::Curl
            | Self::Make
            | Self::Npm
            | Self::Python
            | Self::Tshark
            | Self::Valgrind
            | Self::Wrk => self.program(),
        }
    }
}

/// Makes sure these programs are there, installing Debian's packages of those that are not.
///
/// # Errors
/// When some are missing and cannot be installed from here; the message says which, and what
/// their packages are called.
pub(crate) fn ensure_tools(tools: &[Tool]) -> Result<()> {
    let absent = missing(tools);
    if absent.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = absent.iter().map(|tool| tool.debian_package()).collect();
    if can_install() {
        shell::step(&format!("Install {}", packages.join(", ")), || {
            apt_install(&packages)
        })?;
    }
    let absent = missing(tools);
    if !absent.is_empty() {
        bail!("{}", plea(&absent));
    }
    Ok(())
}

/// Whether packages can be installed from here: there is apt, and we may use it unasked.
pub(crate) fn can_install() -> bool {
    shell::find("apt-get").is_some() && (is_root() || may_sudo())
}

/// Installs Debian packages, with fresh package lists.
///
/// # Errors
/// When apt fails, for instance because a package does not exist in this release.
pub(crate) fn apt_install(packages: &[&str]) -> Result<()> {
    shell::run(apt_get().args(["-q", "update"]))?;
    let options = ["-q", "install", "-y", "--no-install-recommends"];
    shell::run(apt_get().args(options).args(packages))
}

fn missing(tools: &[Tool]) -> Vec<Tool> {
    tools
        .iter()
        .copied()
        .filter(|tool| shell::find(tool.program()).is_none())
        .collect()
}

fn plea(absent: &[Tool]) -> String {
    let named = |tool: &Tool| format!("{} (Debian: {})", tool.program(), tool.debian_package());
    let list: Vec<_> = absent.iter().map(named).collect();
    format!(
        "these programs are missing, please install them: {}",
        list.join(", ")
    )
}

fn apt_get() -> Command {
    if is_root() {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        return command;
    }
    let mut command = Command::new("sudo");
    command.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command
}

fn is_root() -> bool {
    shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Whether sudo works without a password: there may be nobody to type one.
fn may_sudo() -> bool {
    shell::output(Command::new("sudo").args(["-n", "true"])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_missing() {
        // The tests of this project run in a shell of Linux, so these two are always there.
        assert!(shell::find("sh").is_some());
        assert_eq!(missing(&[]), []);
        assert!(ensure_tools(&[]).is_ok());
    }

    #[test]
    fn a_plea_names_program_and_package() {
        let text = plea(&[Tool::Ab, Tool::Wrk]);
        assert!(
            text.contains("ab (Debian: apache2-utils), wrk (Debian: wrk)"),
            "{text}"
        );
    }
}
