//! The arguments of `cargo xtask crowd-lab`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use lexopt::prelude::*;

/// What `--help` prints.
pub(super) const HELP: &str = "\
Crowds the host: spinning guests beside one that works, clients that leave spinning guests, and a
start with 100 guests.

Usage: cargo xtask crowd-lab [OPTIONS]

  --only PART          crowding, leaving or starting; then no document is written
  --host-binary PATH   use this httpd-host instead of building one
  --help               print this
";

/// A part of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One guest at work while another spins.
    Crowding,
    /// Clients that leave spinning guests.
    Leaving,
    /// A start with many guests.
    Starting,
}

/// The checked arguments.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) only: Option<Part>,
    pub(super) host_binary: Option<PathBuf>,
    pub(super) help: bool,
}

impl Options {
    /// Reads what follows `crowd-lab` on the command line.
    ///
    /// # Errors
    /// An unknown option, or a value that is missing or not what it should be.
    pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Self> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("only") => options.only = Some(part(&parser.value()?.string()?)?),
                Long("host-binary") => options.host_binary = Some(parser.value()?.into()),
                Long("help") | Short('h') => options.help = true,
                Value(word) if word == "crowd-lab" => {}
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// Whether this part is to be done.
    pub(super) fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }
}

fn part(name: &str) -> Result<Part> {
    let parts = [
        ("crowding", Part::Crowding),
        ("leaving", Part::Leaving),
        ("starting", Part::Starting),
    ];
    let part = parts.iter().find(|(known, _)| *known == name);
    let (_, part) = part.context("--only: crowding, leaving or starting")?;
    Ok(*part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn options_are_read() {
        let options = parse(&["crowd-lab", "--only=leaving", "--host-binary", "h"]).unwrap();
        assert!(options.wants(Part::Leaving) && !options.wants(Part::Starting));
        assert_eq!(options.host_binary, Some("h".into()));
        assert!(parse(&["crowd-lab"]).unwrap().wants(Part::Crowding));
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [&["--nope"][..], &["--only", "all"], &["word"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
