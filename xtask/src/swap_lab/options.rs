//! The arguments of `cargo xtask swap-lab`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;

use crate::lab::namespace::INSIDE;

/// What `--help` prints.
pub(super) const HELP: &str = "\
Swaps guests under load, in a fresh network namespace: no request may fail and no answer be torn,
the latency and the memory must stay, and the kernel may count no connection aborted.

Usage: cargo xtask swap-lab [OPTIONS]

  --swaps N            how many swaps of each guest, 1000 if not given; fewer write no document
  --host-binary PATH   use this httpd-host instead of building one
  --help               print this
";

/// The swaps that the document speaks of.
pub(super) const SWAPS: u64 = 1000;
/// Some for the warm-up and some that the watcher has to notice.
pub(super) const SWAPS_MIN: u64 = 50;

/// The checked arguments.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) swaps: u64,
    pub(super) host_binary: Option<PathBuf>,
    pub(super) help: bool,
    /// This is the run inside the namespace, started by the lab itself.
    pub(super) inside: bool,
}

impl Options {
    /// Reads what follows `swap-lab` on the command line.
    ///
    /// # Errors
    /// An unknown option, or a value that is missing or not what it should be.
    pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Self> {
        let mut options = Self {
            swaps: SWAPS,
            host_binary: None,
            help: false,
            inside: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("swaps") => options.swaps = parser.value()?.parse().context("--swaps")?,
                Long("host-binary") => options.host_binary = Some(parser.value()?.into()),
                Long("help") | Short('h') => options.help = true,
                Long(name) if name == INSIDE.trim_start_matches('-') => options.inside = true,
                Value(word) if word == "swap-lab" => {}
                other => return Err(other.unexpected().into()),
            }
        }
        ensure!(
            options.swaps >= SWAPS_MIN,
            "--swaps must be at least {SWAPS_MIN}"
        );
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn options_are_read() {
        let all = [
            "swap-lab",
            "--swaps",
            "60",
            "--host-binary=h",
            "--in-namespace",
        ];
        let options = parse(&all).unwrap();
        assert_eq!((options.swaps, options.inside), (60, true));
        assert_eq!(options.host_binary, Some("h".into()));
        assert_eq!(parse(&["swap-lab"]).unwrap().swaps, SWAPS);
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [
            &["--nope"][..],
            &["--swaps", "49"],
            &["--swaps", "x"],
            &["word"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
