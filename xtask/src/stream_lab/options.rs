//! The arguments of `cargo xtask stream-lab`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use lexopt::prelude::*;

use crate::lab::namespace::INSIDE;

/// What `--help` prints.
pub(super) const HELP: &str = "\
Streams large bodies through a guest, both ways at once, and has many clients listen to events: all
bytes have to come back, in constant memory, and the kernel may count no connection aborted.

Usage: cargo xtask stream-lab [OPTIONS]

  --size SIZE          how large the bodies are: 64MiB or 2GiB (the default); with another size no
                       document is written
  --only PART          length, chunked, slow-reader, slow-writer, speed or listeners; then no
                       document is written
  --host-binary PATH   use this httpd-host instead of building one
  --help               print this
";

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// The size that the document speaks of.
pub(super) const SIZE: u64 = 2 * GIB;

/// A part of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A body of known length.
    Length,
    /// One in chunks.
    Chunked,
    /// A client that reads slowly at first.
    SlowReader,
    /// A client that sends slowly at first.
    SlowWriter,
    /// How fast it is when nobody looks at the bytes.
    Speed,
    /// Many clients of server-sent events.
    Listeners,
}

/// All parts, by their names.
pub(super) const PARTS: [(&str, Part); 6] = [
    ("length", Part::Length),
    ("chunked", Part::Chunked),
    ("slow-reader", Part::SlowReader),
    ("slow-writer", Part::SlowWriter),
    ("speed", Part::Speed),
    ("listeners", Part::Listeners),
];

/// The checked arguments.
#[derive(Debug)]
pub(super) struct Options {
    /// Bytes of a body.
    pub(super) size: u64,
    pub(super) only: Option<Part>,
    pub(super) host_binary: Option<PathBuf>,
    pub(super) help: bool,
    /// This is the run inside the namespace, started by the lab itself.
    pub(super) inside: bool,
}

impl Options {
    /// Reads what follows `stream-lab` on the command line.
    ///
    /// # Errors
    /// An unknown option, or a value that is missing or not what it should be.
    pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Self> {
        let mut options = Self {
            size: SIZE,
            only: None,
            host_binary: None,
            help: false,
            inside: false,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("size") => options.size = size(&parser.value()?.string()?)?,
                Long("only") => options.only = Some(part(&parser.value()?.string()?)?),
                Long("host-binary") => options.host_binary = Some(parser.value()?.into()),
                Long("help") | Short('h') => options.help = true,
                Long(name) if name == INSIDE.trim_start_matches('-') => options.inside = true,
                Value(word) if word == "stream-lab" => {}
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// Whether this part is to be done.
    pub(super) fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// Whether everything is done as the document says.
    pub(super) fn is_complete(&self) -> bool {
        self.only.is_none() && self.size == SIZE
    }
}

fn size(text: &str) -> Result<u64> {
    let units = [("GiB", GIB), ("MiB", MIB)];
    for (unit, bytes) in units {
        if let Some(number) = text.strip_suffix(unit) {
            let number: u64 = number.parse().context("--size")?;
            ensure!(
                (1..=1024).contains(&number),
                "--size: from 1 to 1024 {unit}"
            );
            return Ok(number * bytes);
        }
    }
    bail!("--size: a number and MiB or GiB, such as 64MiB");
}

fn part(name: &str) -> Result<Part> {
    let part = PARTS.iter().find(|(known, _)| *known == name);
    let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
    let (_, part) = part.with_context(|| format!("--only: one of {}", names.join(", ")))?;
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
        let all = [
            "stream-lab",
            "--size",
            "64MiB",
            "--only=chunked",
            "--in-namespace",
        ];
        let options = parse(&all).unwrap();
        assert_eq!((options.size, options.inside), (64 << 20, true));
        assert!(options.wants(Part::Chunked) && !options.wants(Part::Speed));
        assert!(!options.is_complete() && parse(&["stream-lab"]).unwrap().is_complete());
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [
            &["--nope"][..],
            &["--size", "2"],
            &["--size", "0GiB"],
            &["--size", "5000GiB"],
            &["--only", "all"],
            &["word"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
