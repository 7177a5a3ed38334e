//! The project's one front door: reads the command line and calls the task. No task's work is
//! done in this file.

mod bench;
mod close_lab;
mod crowd_lab;
mod fixtures;
mod guests;
mod host;
mod lab;
mod project;
mod run;
mod sdks;
mod setup;
mod shell;
mod soak;
mod stream_lab;
mod swap_lab;
mod test;
mod tidy;
mod tools;

use std::ffi::OsString;
use std::process::ExitCode;

use lexopt::{Arg, ValueExt};

const HELP: &str = "\
The tasks of this project. Each sets up what it needs first.

Usage: cargo xtask <TASK>

Tasks:
  run [-- ARGS]  Build guests and host, then serve config.example.toml; ARGS go to the host
  test           Check formatting, lints and tidiness, then run every test
  guests         Build the guests to guests/dist
  fixtures [--all]
                 Build components with public toolchains to fixtures/dist; --all: the large
                 ones as well
  sdks           Test the SDKs of all languages, and set up what tests of projects need
  tidy           Check sizes, layers and leftovers of the sources
  close-lab      Show on the wire what closing a connection early does, write docs/closing.md
  soak [--minutes 10] [--requests 1000000]
                 Load the host with everything, faults too, until either is reached; its
                 memory must not grow
  swap-lab [--swaps 1000]
                 Swap guests under load: nothing may fail, latency and memory stay; write
                 docs/swapping.md
  bench [--quick]
                 Measure the host beside wasmtime serve, hyper, nginx and a bare Tokio loop;
                 a run of everything writes docs/benchmarks.md
  crowd-lab      Crowd the host with spinning guests and with 100 guests: the others may not
                 suffer; write docs/containment.md
  stream-lab [--size 2GiB]
                 Stream large bodies through a guest and have many clients listen: in constant
                 memory; write docs/streaming.md

Options:
  -h, --help     Print this

Examples:
  cargo xtask run
  cargo xtask run -- --config my.toml
  cargo xtask test
  cargo xtask soak --minutes 1
";

/// What the command line asks for.
enum Task {
    Help,
    Run(Vec<OsString>),
    Test,
    Guests,
    Fixtures(fixtures::Extent),
    Sdks,
    Tidy,
    Bench,
    CloseLab,
    Soak(soak::Goal),
    SwapLab,
    CrowdLab,
    StreamLab,
}

fn main() -> ExitCode {
    let task = match parse(lexopt::Parser::from_env()) {
        Ok(task) => task,
        Err(error) => {
            eprintln!("error: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match perform(task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Help => print!("{HELP}"),
        Task::Run(arguments) => run::run(&arguments)?,
        Task::Test => test::run()?,
        Task::Guests => guests::build()?,
        Task::Fixtures(extent) => fixtures::build(extent)?,
        Task::Sdks => sdks::run()?,
        Task::Tidy => tidy::run()?,
        Task::Bench => bench::run()?,
        Task::CloseLab => close_lab::run()?,
        Task::Soak(goal) => soak::run(goal)?,
        Task::SwapLab => swap_lab::run()?,
        Task::CrowdLab => crowd_lab::run()?,
        Task::StreamLab => stream_lab::run()?,
    }
    Ok(())
}

fn parse(mut parser: lexopt::Parser) -> Result<Task, lexopt::Error> {
    let task = match parser.next()? {
        None | Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Task::Help),
        Some(Arg::Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected()),
    };
    let task = match task.as_str() {
        "run" => return Ok(Task::Run(rest(parser)?)),
        "fixtures" => return extent(parser),
        "soak" => return Ok(soak::Goal::parse(parser)?.map_or(Task::Help, Task::Soak)),
        "test" => Task::Test,
        "guests" => Task::Guests,
        "sdks" => Task::Sdks,
        "tidy" => Task::Tidy,
        // The bench and the labs read their own options.
        "bench" => return Ok(Task::Bench),
        "close-lab" => return Ok(Task::CloseLab),
        "swap-lab" => return Ok(Task::SwapLab),
        "crowd-lab" => return Ok(Task::CrowdLab),
        "stream-lab" => return Ok(Task::StreamLab),
        "help" => Task::Help,
        other => return Err(format!("there is no task '{other}'").into()),
    };
    match parser.next()? {
        None => Ok(task),
        Some(Arg::Short('h') | Arg::Long("help")) => Ok(Task::Help),
        Some(other) => Err(other.unexpected()),
    }
}

/// The only option of `fixtures`.
fn extent(mut parser: lexopt::Parser) -> Result<Task, lexopt::Error> {
    let mut extent = fixtures::Extent::Usual;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("all") => extent = fixtures::Extent::All,
            Arg::Short('h') | Arg::Long("help") => return Ok(Task::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Task::Fixtures(extent))
}

/// What follows, without the `--` that separates it.
fn rest(mut parser: lexopt::Parser) -> Result<Vec<OsString>, lexopt::Error> {
    let mut arguments: Vec<_> = parser.raw_args()?.collect();
    if arguments.first().is_some_and(|first| first == "--") {
        arguments.remove(0);
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Task, lexopt::Error> {
        parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn run_passes_everything_on() {
        let expected = ["--config", "a.toml", "--", "x"].map(OsString::from);
        for arguments in [
            &["run", "--", "--config", "a.toml", "--", "x"][..],
            &["run", "--config", "a.toml", "--", "x"],
        ] {
            assert!(matches!(parsed(arguments), Ok(Task::Run(rest)) if rest == expected));
        }
    }

    #[test]
    fn fixtures_come_in_two_extents() {
        let extent = |arguments: &[&str]| match parsed(arguments) {
            Ok(Task::Fixtures(extent)) => Some(extent),
            _ => None,
        };
        assert_eq!(extent(&["fixtures"]), Some(fixtures::Extent::Usual));
        assert_eq!(extent(&["fixtures", "--all"]), Some(fixtures::Extent::All));
        assert_eq!(extent(&["fixtures", "--most"]), None);
    }

    #[test]
    fn what_is_no_task_is_refused() {
        assert!(parsed(&["bench-all"]).is_err());
        assert!(parsed(&["tidy", "more"]).is_err());
        assert!(parsed(&["--release"]).is_err());
        assert!(matches!(parsed(&["tidy", "--help"]), Ok(Task::Help)));
        assert!(matches!(parsed(&[]), Ok(Task::Help)));
    }
}
