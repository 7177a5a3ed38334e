//! `cargo xtask bench`: the host beside its peers, all in one run: throughput, latency, processor
//! time and memory under load, and what size costs. Writes docs/benchmarks.md.

mod apart;
mod check;
mod figures;
mod instructions;
mod launch;
mod options;
mod parse;
mod peers;
mod process;
mod rounds;
mod scale;
mod server;
mod start;
mod stream;
mod subject;
mod table;
mod targets;
mod workload;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::lab::{document, host as lab_host, machine};
use crate::setup::{self, Tool};
use crate::{fixtures, guests, host, project, shell};
use figures::Runs;
use launch::Place;
use options::{Options, Part};
use scale::guests::Guests;
use scale::idle::{self, Idle};
use scale::memory::Memory;
use start::Starts;
use stream::Streams;
use subject::{SUBJECTS, Subject};
use workload::{ECHO_64K, HELLO_1, HELLO_32, WORKLOADS, Workload};

const TEMPLATE: &str = include_str!("benchmarks.template.md");
/// How often a program is started, and 1 GiB streamed, for each round of the load.
const STARTS: u32 = 4;
/// What `--quick` is content with: at which workload, which servers; none named: all of them but
/// for those that no target speaks of.
const QUICK: [(&str, &[&str]); 3] = [
    (HELLO_32, &[]),
    (HELLO_1, &["lean-fresh", "hyper"]),
    (ECHO_64K, &["lean-fresh", "wasmtime-p3-reused"]),
];
const NOT_QUICK: [&str; 2] = ["bare", "nginx"];

/// What was found; of the parts that were wanted.
#[derive(Debug, Default)]
struct Found {
    load: Runs,
    starts: Starts,
    streams: Streams,
    idle: Idle,
    guests: Guests,
    memory: Memory,
    /// For each size of a head the speed of our parser as a multiple of httparse's.
    parse: Vec<(u32, f64)>,
}

/// Runs the bench with the arguments of this process.
///
/// # Errors
/// A program cannot be had, a server fails, or, when that is asked for, a target is missed.
pub(crate) fn run() -> Result<()> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    if options.help {
        print!("{}", options::HELP);
        return Ok(());
    }
    if options.list {
        print!("{}", options::list());
        return Ok(());
    }
    if options.instructions {
        return instructions::run();
    }
    let program = prepare(&options)?;
    let folder = lab_host::folder()?;
    let place = Place {
        host: &program,
        folder: folder.path(),
    };
    let found = shell::step("Measure", || measure(place, &options))?;
    let lines = targets::lines(&found);
    println!("{}", found.tables().concat());
    println!("{}", targets::table(&lines));
    for problem in found.load.problems() {
        println!("wrk complains: {problem}");
    }
    if options.is_complete() {
        write_document(&found, &lines)?;
    }
    let missed = lines.iter().filter(|line| line.is_missed()).count();
    if options.check && missed > 0 {
        bail!("{missed} targets are missed");
    }
    Ok(())
}

/// Builds all that is not there yet. The peers are built when they are first wanted.
fn prepare(options: &Options) -> Result<PathBuf> {
    if !options.wants_servers() {
        return Ok(PathBuf::new());
    }
    setup::ensure_tools(&[Tool::Wrk])?;
    guests::build()?;
    fixtures::build_rust()?;
    idle::raise_files()?;
    match &options.host_binary {
        Some(program) => Ok(program.canonicalize()?),
        None => host::build(),
    }
}

fn measure(place: Place<'_>, options: &Options) -> Result<Found> {
    let extent = options.extent();
    let mut found = Found::default();
    let pairs = pairs(options);
    if !pairs.is_empty() {
        let seconds = rounds::time(&pairs, extent).as_secs();
        eprintln!("    the load takes {seconds} s");
        found.load = rounds::measure(place, &pairs, extent)?;
    }
    if options.wants_part(Part::Start) {
        found.starts = start::measure(place, extent.rounds * STARTS)?;
    }
    if options.wants_part(Part::Stream) {
        found.streams = stream::measure(place, extent.rounds)?;
    }
    if options.wants_part(Part::Idle) {
        found.idle = scale::idle::measure(place, options.quick)?;
    }
    if options.wants_part(Part::Guests) {
        found.guests = scale::guests::measure(place, extent)?;
    }
    if options.wants_part(Part::Memory) {
        found.memory = scale::memory::measure(place, extent)?;
    }
    if options.wants_part(Part::Parse) {
        found.parse = parse::measure()?;
    }
    Ok(found)
}

/// Who is measured at what.
fn pairs(options: &Options) -> Vec<(&'static Workload, Vec<&'static Subject>)> {
    let mut pairs = Vec::new();
    for workload in &WORKLOADS {
        if !options.wants_workload(workload.name) {
            continue;
        }
        let in_quick = |subject: &&Subject| {
            let chosen = QUICK.iter().find(|(name, _)| *name == workload.name);
            chosen.is_some_and(|(_, names)| match names.is_empty() {
                true => !NOT_QUICK.contains(&subject.name),
                false => names.contains(&subject.name),
            })
        };
        let all = !options.quick || options.chooses();
        let wanted = SUBJECTS
            .iter()
            .filter(|subject| options.wants_subject(subject.name))
            .filter(|subject| all || in_quick(subject));
        let subjects = rounds::able(workload, wanted);
        if !subjects.is_empty() {
            pairs.push((workload, subjects));
        }
    }
    pairs
}

fn write_document(found: &Found, lines: &[targets::Line]) -> Result<()> {
    let [load, starts, streams, idle, guests, memory] = found.tables();
    let values = [
        ("day", machine::day()?),
        ("kernel", machine::kernel()?),
        ("processors", machine::processors()),
        ("wrk", machine::wrk()?),
        ("peers", peers::versions()?),
        ("rounds", found.load.rounds().to_string()),
        ("subjects", table::subjects()),
        ("tuned", subject::tuned_flags()),
        ("targets", targets::table(lines)),
        ("load", load),
        ("starts", starts),
        ("streams", streams),
        ("idle", idle),
        ("guests", guests),
        ("memory", memory),
    ];
    let path = project::root().join("docs/benchmarks.md");
    document::write(&path, TEMPLATE, &values)
}

impl Found {
    /// The parts as Markdown; those that were not measured are empty.
    fn tables(&self) -> [String; 6] {
        [
            table::load(&self.load),
            self.starts.table(),
            self.streams.table(),
            self.idle.table(),
            self.guests.table(),
            self.memory.table(),
        ]
        .map(|table| {
            if table.is_empty() {
                table
            } else {
                table + "\n"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Options {
        Options::parse(lexopt::Parser::from_args(arguments)).unwrap()
    }

    #[test]
    fn quick_measures_what_the_targets_speak_of() {
        let pairs = pairs(&options(&["bench", "--quick"]));
        let names: Vec<_> = pairs.iter().map(|(workload, _)| workload.name).collect();
        assert_eq!(names, [HELLO_32, HELLO_1, ECHO_64K]);
        assert_eq!(pairs[0].1.len() + NOT_QUICK.len(), SUBJECTS.len());
        assert_eq!(pairs[1].1.len(), 2);
    }

    #[test]
    fn names_decide_even_in_a_quick_run() {
        let pairs = pairs(&options(&["bench", "--quick", "--only", "nginx,hello-256"]));
        assert_eq!(pairs.len(), 1);
        assert_eq!(
            (pairs[0].0.name, pairs[0].1[0].name),
            ("hello-256", "nginx")
        );
    }

    #[test]
    fn the_template_has_a_place_for_every_result() {
        let names = [
            "day",
            "kernel",
            "processors",
            "wrk",
            "peers",
            "rounds",
            "subjects",
            "tuned",
            "targets",
            "load",
            "starts",
            "streams",
            "idle",
            "guests",
            "memory",
        ];
        let values = names.map(|name| (name, format!("<{name}>")));
        let document = document::fill(TEMPLATE, &values).unwrap();
        for name in names {
            assert_eq!(document.matches(&format!("<{name}>")).count(), 1, "{name}");
        }
    }

    #[test]
    fn nothing_measured_is_an_empty_table() {
        assert!(Found::default().tables().iter().all(String::is_empty));
    }
}
