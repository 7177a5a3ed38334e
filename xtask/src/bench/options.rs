//! The arguments of `cargo xtask bench`.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use lexopt::prelude::*;

use super::rounds::Extent;
use super::subject::{SUBJECTS, Subject};
use super::workload::{WORKLOADS, Workload};

/// What `--help` prints.
pub(super) const HELP: &str = "\
Measures the host beside wasmtime serve, hyper, nginx and a bare Tokio loop, all in one run, and
holds the result against what the host is meant to reach. Builds the peers first, which takes a
quarter of an hour once. A run of everything writes docs/benchmarks.md.

Usage: cargo xtask bench [OPTIONS]

  --quick              what matters most, in less than two minutes
  --only NAME[,NAME]   only these servers, workloads and parts; may be repeated
  --rounds N           how often each is measured, 5 if not given (--quick: 3)
  --seconds N          how long each time, 3 if not given (--quick: 1)
  --instructions       count the instructions of a request instead, sockets left out
  --list               print the names for --only
  --check              fail when a target is missed
  --host-binary PATH   use this httpd-host instead of building one
  --help               print this
";

/// What is measured beside the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// From a program's start to its first answer.
    Start,
    /// A large body.
    Stream,
    /// Idle connections.
    Idle,
    /// A thousand guests.
    Guests,
    /// Guests with much memory.
    Memory,
    /// The parser beside another.
    Parse,
}

const PARSE: &str = "parse";

/// All parts, with their names and what they are.
pub(super) const PARTS: [(&str, Part, &str); 6] = [
    (
        "start",
        Part::Start,
        "from the start of a program to its first answer",
    ),
    ("stream", Part::Stream, "1 GiB through an echo of WASI 0.3"),
    ("idle", Part::Idle, "memory for 19,000 idle connections"),
    ("guests", Part::Guests, "1,000 guests and routes beside one"),
    ("memory", Part::Memory, "guests with 64 MiB of memory"),
    (PARSE, Part::Parse, "heads parsed, beside httparse"),
];

/// The checked arguments.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) quick: bool,
    pub(super) check: bool,
    pub(super) list: bool,
    pub(super) instructions: bool,
    pub(super) help: bool,
    pub(super) host_binary: Option<PathBuf>,
    rounds: Option<u32>,
    seconds: Option<u32>,
    only: Vec<String>,
}

impl Options {
    /// Reads what follows `bench` on the command line.
    ///
    /// # Errors
    /// An unknown option or name, or a value that is missing or not what it should be.
    pub(super) fn parse(mut parser: lexopt::Parser) -> Result<Self> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("quick") => options.quick = true,
                Long("check") => options.check = true,
                Long("instructions") => options.instructions = true,
                Long("list") => options.list = true,
                Long("help") | Short('h') => options.help = true,
                Long("only") => options.add_names(&parser.value()?.string()?)?,
                Long("rounds") => options.rounds = Some(count(&mut parser, "--rounds")?),
                Long("seconds") => options.seconds = Some(count(&mut parser, "--seconds")?),
                Long("host-binary") => options.host_binary = Some(parser.value()?.into()),
                Value(word) if word == "bench" => {}
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// Whether this part is to be measured. Names of servers alone mean the load alone.
    pub(super) fn wants_part(&self, part: Part) -> bool {
        let in_quick = matches!(part, Part::Start | Part::Stream | Part::Idle);
        let name = PARTS
            .iter()
            .find(|(_, known, _)| *known == part)
            .map(|(name, ..)| *name);
        match self.only.is_empty() {
            true => in_quick || !self.quick,
            false => self.only.iter().any(|only| Some(only.as_str()) == name),
        }
    }

    /// The workloads to measure: those that are named; all when servers alone are.
    pub(super) fn wants_workload(&self, name: &str) -> bool {
        let named = |only: &String| Workload::named(only).is_some();
        match self.only.iter().any(named) {
            true => self.only.iter().any(|only| only == name),
            false => self.only.is_empty() || self.only.iter().any(|only| is_subject(only)),
        }
    }

    /// The servers to measure: those that are named, or all.
    pub(super) fn wants_subject(&self, name: &str) -> bool {
        match self.only.iter().any(|only| is_subject(only)) {
            true => self.only.iter().any(|only| only == name),
            false => true,
        }
    }

    /// Whether anything is to be started: the parser is measured without.
    pub(super) fn wants_servers(&self) -> bool {
        let is_parser = |only: &String| only == PARSE;
        self.only.is_empty() || !self.only.iter().all(is_parser)
    }

    /// Whether names were given, so that the choice of `--quick` does not count.
    pub(super) fn chooses(&self) -> bool {
        !self.only.is_empty()
    }

    /// Whether this run is the one that the document is made of.
    pub(super) fn is_complete(&self) -> bool {
        !self.quick && self.only.is_empty()
    }

    /// How much is measured.
    pub(super) fn extent(&self) -> Extent {
        let (rounds, seconds) = if self.quick { (3, 1) } else { (5, 3) };
        Extent {
            rounds: self.rounds.unwrap_or(rounds),
            seconds: self.seconds.unwrap_or(seconds),
        }
    }

    fn add_names(&mut self, names: &str) -> Result<()> {
        for name in names.split(',').map(str::trim) {
            let is_part = PARTS.iter().any(|(part, ..)| *part == name);
            if !is_part && !is_subject(name) && Workload::named(name).is_none() {
                bail!("--only: nothing is called {name:?}; --list prints the names");
            }
            self.only.push(name.to_owned());
        }
        Ok(())
    }
}

/// The names for `--only`.
pub(super) fn list() -> String {
    let parts = PARTS.iter().map(|(name, _, what)| (*name, *what));
    let workloads = WORKLOADS
        .iter()
        .map(|workload| (workload.name, workload.what));
    let subjects = SUBJECTS.iter().map(|subject| (subject.name, subject.what));
    let rows = |all: &mut dyn Iterator<Item = (&'static str, &'static str)>| -> String {
        all.map(|(name, what)| format!("  {name:20} {what}\n"))
            .collect()
    };
    format!(
        "Servers:\n{}\nWorkloads:\n{}\nParts:\n{}",
        rows(&mut subjects.into_iter()),
        rows(&mut workloads.into_iter()),
        rows(&mut parts.into_iter()),
    )
}

fn is_subject(name: &str) -> bool {
    Subject::named(name).is_some()
}

fn count(parser: &mut lexopt::Parser, option: &str) -> Result<u32> {
    const MOST: u32 = 1000;
    let number = parser.value()?.parse()?;
    ensure!((1..=MOST).contains(&number), "{option}: from 1 to {MOST}");
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn everything_is_wanted_unless_names_are_given() {
        let options = parse(&["bench"]).unwrap();
        assert!(options.is_complete() && !options.chooses());
        assert!(options.wants_part(Part::Parse) && options.wants_workload("echo-1k"));
        assert!(options.wants_subject("nginx"));
        assert_eq!(options.extent().rounds, 5);
    }

    #[test]
    fn names_choose() {
        let options = parse(&["bench", "--only", "hyper,p2-fresh", "--only=hello-1"]).unwrap();
        assert!(options.wants_subject("hyper") && !options.wants_subject("nginx"));
        assert!(options.wants_workload("hello-1") && !options.wants_workload("hello-32"));
        assert!(!options.wants_part(Part::Start) && !options.is_complete());
        let options = parse(&["bench", "--only", "start"]).unwrap();
        assert!(options.wants_part(Part::Start) && !options.wants_workload("hello-1"));
        assert!(options.wants_servers());
        assert!(
            !parse(&["bench", "--only", "parse"])
                .unwrap()
                .wants_servers()
        );
        assert!(
            parse(&["bench", "--only", "hyper"])
                .unwrap()
                .wants_workload("hello-1")
        );
    }

    #[test]
    fn quick_is_less() {
        let options = parse(&["bench", "--quick", "--rounds", "2"]).unwrap();
        assert!(!options.is_complete() && !options.wants_part(Part::Guests));
        let extent = options.extent();
        assert_eq!((extent.rounds, extent.seconds), (2, 1));
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [
            &["--nope"][..],
            &["--only", "apache"],
            &["--rounds", "0"],
            &["--seconds", "x"],
            &["word"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_list_has_every_name() {
        let list = list();
        for name in ["lean-fresh", "pipelined", "guests"] {
            assert!(list.contains(&format!("\n  {name} ")), "{list}");
        }
    }
}
