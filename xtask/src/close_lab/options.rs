//! The arguments of `cargo xtask close-lab`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;

use super::namespace::INSIDE;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Shows how closing a TCP connection with unread bytes loses a response, and that httpd-host
does not: real sockets, curl as the client, a tshark capture, the kernel's own counters.

Usage: cargo xtask close-lab [OPTIONS]

  --host-binary PATH   use this httpd-host instead of building one
  --without-host       leave httpd-host out; the document then says so
  --repetitions N      runs of each case, 20 if not given
  --output PATH        the document to write, docs/closing.md if not given
  --help               print this
";

/// The checked arguments.
#[derive(Debug)]
pub(crate) struct Options {
    /// The httpd-host to examine, if not one built now.
    pub(crate) host_binary: Option<PathBuf>,
    /// Leave httpd-host out.
    pub(crate) without_host: bool,
    /// How often each case runs; at least 1.
    pub(crate) repetitions: usize,
    /// The document to write; `None` is the project's own.
    pub(crate) output: Option<PathBuf>,
    /// Print [`HELP`] and do nothing.
    pub(crate) help: bool,
    /// This is the run inside the namespace, started by the lab itself.
    pub(crate) inside: bool,
}

impl Options {
    /// Reads what follows `close-lab` on the command line.
    ///
    /// # Errors
    /// An unknown option, or a value that is missing or not what it should be.
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Self> {
        let mut options = Self {
            host_binary: None,
            without_host: false,
            repetitions: 20,
            output: None,
            help: false,
            inside: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("host-binary") => options.host_binary = Some(parser.value()?.into()),
                Long("without-host") => options.without_host = true,
                Long("repetitions") => {
                    options.repetitions = parser.value()?.parse().context("--repetitions")?;
                }
                Long("output") => options.output = Some(parser.value()?.into()),
                Long("help") | Short('h') => options.help = true,
                Long(name) if name == INSIDE.trim_start_matches('-') => options.inside = true,
                Value(word) if word == "close-lab" => {}
                other => return Err(other.unexpected().into()),
            }
        }
        ensure!(options.repetitions > 0, "--repetitions must be at least 1");
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
        let options = parse(&[
            "close-lab",
            "--host-binary",
            "h",
            "--repetitions=3",
            "--in-namespace",
        ])
        .unwrap();
        assert_eq!(options.host_binary, Some("h".into()));
        assert_eq!(options.repetitions, 3);
        assert!(options.inside && !options.without_host && options.output.is_none());
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [
            &["--nope"][..],
            &["--repetitions", "0"],
            &["--repetitions", "x"],
            &["word"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
