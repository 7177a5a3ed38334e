//! `cargo xtask crowd-lab`: what a guest that spins, a client that leaves it and 100 guests mean
//! for everybody else. Writes docs/containment.md.

mod crowding;
mod leaving;
mod options;
mod spinners;
mod starting;

use std::path::Path;

use anyhow::{Context, Result};

use crate::lab::bounds::Bounds;
use crate::lab::host::{self as lab_host, Host};
use crate::lab::{components, document, machine};
use crate::setup::{self, Tool};
use crate::{guests, host, project};
use crowding::Crowding;
use leaving::Leaving;
use options::{Options, Part};
use starting::Starting;

/// How many clients spin: as many as the guest has places.
const SPINNERS: u32 = 256;
const TEMPLATE: &str = include_str!("containment.template.md");

/// What was found; of the parts that were wanted.
#[derive(Debug, Default)]
struct Found {
    crowding: Vec<Crowding>,
    leaving: Vec<Leaving>,
    starting: Option<Starting>,
}

/// Runs the lab with the arguments of this process.
///
/// # Errors
/// A tool is missing, the lab cannot do its work, or one of its bounds is missed.
pub(crate) fn run() -> Result<()> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    if options.help {
        print!("{}", options::HELP);
        return Ok(());
    }
    setup::ensure_tools(&[Tool::Wrk])?;
    guests::build()?;
    let program = match &options.host_binary {
        Some(program) => program.clone(),
        None => host::build()?,
    };
    let found = measure(&program, &options)?;
    println!("{}", found.tables().concat());
    let bounds = found.bounds();
    if bounds.are_met() && options.only.is_none() {
        write_document(&found)?;
    }
    bounds.judge()
}

fn measure(program: &Path, options: &Options) -> Result<Found> {
    let folder = lab_host::folder()?;
    for (name, component) in [("hello", "hello"), ("spin", "faults/spin-forever")] {
        let path = folder.path().join(name).with_extension("wasm");
        components::deploy(&path, &components::built(component)?)?;
    }
    let host = Host::start(program, folder.path(), &sections())?;
    let mut found = measure_with(&host, options)
        .with_context(|| format!("the host's log: {}", host.complaints().join("\n")))?;
    host.stop()?;
    if options.wants(Part::Starting) {
        found.starting = Some(starting::measure(program)?);
    }
    Ok(found)
}

fn measure_with(host: &Host, options: &Options) -> Result<Found> {
    let mut found = Found::default();
    if options.wants(Part::Crowding) {
        found.crowding = crowding::measure(host)?;
    }
    if options.wants(Part::Leaving) {
        found.leaving = leaving::measure(host)?;
    }
    Ok(found)
}

/// A guest that works, one that spins until its deadline, and one that spins on: the same
/// component with a deadline that is longer than the lab.
fn sections() -> String {
    let keys = |deadline: &str| {
        format!(
            "deadline = \"{deadline}\"\nconcurrency_max = {SPINNERS}\nqueue_max = 0\n\
             breaker_failures = 0"
        )
    };
    [
        lab_host::guest("hello", "hello.wasm", "/hello", ""),
        lab_host::guest("spin", "spin.wasm", "/spin", &keys("5s")),
        lab_host::guest("spin-on", "spin.wasm", "/spin-on", &keys("30m")),
    ]
    .concat()
}

fn write_document(found: &Found) -> Result<()> {
    let [crowding, leaving, starting] = found.tables();
    let values = [
        ("day", machine::day()?),
        ("kernel", machine::kernel()?),
        ("processors", machine::processors()),
        ("wrk", machine::wrk()?),
        ("crowding", crowding),
        ("leaving", leaving),
        ("starting", starting),
    ];
    document::write(
        &project::root().join("docs/containment.md"),
        TEMPLATE,
        &values,
    )
}

impl Found {
    fn tables(&self) -> [String; 3] {
        [
            crowding::table(&self.crowding) + "\n\n",
            leaving::table(&self.leaving) + "\n",
            self.starting
                .as_ref()
                .map(starting::table)
                .unwrap_or_default(),
        ]
    }

    fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::default();
        crowding::demand(&self.crowding, &mut bounds);
        leaving::demand(&self.leaving, &mut bounds);
        if let Some(starting) = &self.starting {
            starting::demand(starting, &mut bounds);
        }
        bounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_has_a_place_for_every_result() {
        let names = [
            "day",
            "kernel",
            "processors",
            "wrk",
            "crowding",
            "leaving",
            "starting",
        ];
        let document = document::fill(TEMPLATE, &names.map(|name| (name, format!("<{name}>"))));
        let document = document.unwrap();
        for name in names {
            assert_eq!(document.matches(&format!("<{name}>")).count(), 1, "{name}");
        }
    }
}
