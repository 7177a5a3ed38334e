//! `[guests.NAME]`: one sandboxed component each, with its own bounds.
//! Components are looked for, never opened: that is the guest loader's work.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::reader::Section;
use super::sections::TIMEOUT;
use super::values::{Value, as_number, expect_str, expected, in_range};
use super::{
    Breaker, Capabilities, Component, Guest, Instances, Optimize, Rollback, capabilities,
    resilience,
};

const INSTANCES_WANTED: &str = "\"fresh\" or { reuse = 128, concurrent = 16, idle = \"10s\" }";
const OPTIMIZE: [(&str, Optimize); 2] = [
    ("latency", Optimize::Latency),
    ("compute", Optimize::Compute),
];
/// How long an instance that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(10);
/// Shorter, and it would be gone before the next request; for longer, and the word is "ever".
pub(super) const IDLE_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_hours(24);

impl Guest {
    /// A guest of which only the name and the component are known; the rest is the default.
    pub fn new(name: &str, component: Component) -> Guest {
        Guest {
            name: name.to_owned(),
            component,
            instances: Instances::Fresh,
            ready_max: 4,
            optimize: Optimize::Latency,
            memory_max: 64 << 20,
            response_max: 16 << 20,
            resources_max: 1000,
            deadline: Duration::from_secs(5),
            concurrency_max: 256,
            queue_max: 256,
            queue_time: Duration::from_secs(1),
            probe: None,
            rollback: Some(Rollback::default()),
            breaker: Some(Breaker::default()),
            env: BTreeMap::new(),
            capabilities: Capabilities::default(),
        }
    }
}

/// What is wrong, if anything, with what a path of the configuration leads to.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) file: fn(&Path) -> Result<(), String>,
    pub(super) directory: fn(&Path) -> Result<(), String>,
}

impl Found {
    /// Looks.
    pub(super) const ON_DISK: Found = Found {
        file: regular_file,
        directory: capabilities::directory,
    };

    /// Looks at nothing, for a configuration that is only text.
    pub(super) const UNSEEN: Found = Found {
        file: |_| Ok(()),
        directory: |_| Ok(()),
    };
}

/// All guests, by name.
pub(super) fn read(section: &Section<'_>, found: Found) -> BTreeMap<String, Guest> {
    let mut guests = BTreeMap::new();
    for (name, inner) in section.named_sections("guests.NAME") {
        if let Err(message) = check_name(name) {
            section.problem(name, message);
        }
        guests.insert(name.to_owned(), guest(name, inner, found));
    }
    guests
}

/// That a component's path leads to a regular file.
fn regular_file(path: &Path) -> Result<(), String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(format!("{shown} is not a regular file")),
        Err(error) => Err(format!(
            "{shown}: {error}; paths are relative to this file's directory"
        )),
    }
}

fn guest(name: &str, mut section: Section<'_>, found: Found) -> Guest {
    let path = component(&mut section, found).unwrap_or_default();
    let default = Guest::new(name, Component::File(path));
    let instances = instances(&mut section, default.instances);
    let guest = Guest {
        instances,
        ready_max: section.number("ready_max", default.ready_max, 0..=1_000),
        optimize: section.choice("optimize", default.optimize, &OPTIMIZE),
        memory_max: section.size("memory_max", default.memory_max, 64 << 10..=4 << 30),
        response_max: section.size("response_max", default.response_max, 1 << 10..=4 << 30),
        resources_max: section.number("resources_max", default.resources_max, 10..=1_000_000),
        deadline: section.duration("deadline", default.deadline, TIMEOUT),
        concurrency_max: section.number("concurrency_max", default.concurrency_max, 1..=1_000_000),
        queue_max: section.number("queue_max", default.queue_max, 0..=1_000_000),
        queue_time: section.duration("queue_time", default.queue_time, TIMEOUT),
        probe: resilience::probe(&mut section),
        rollback: resilience::rollback(&mut section),
        breaker: resilience::breaker(&mut section),
        env: capabilities::env(&mut section),
        capabilities: capabilities::capabilities(&mut section, &found.directory),
        ..default
    };
    section.finish();
    guest
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(allowed) {
        return Ok(());
    }
    Err("a guest's name is made of lower-case letters, digits, - and _".to_owned())
}

/// The component's path, resolved against the directory of the configuration file.
fn component(section: &mut Section<'_>, found: Found) -> Option<PathBuf> {
    let report = section.report();
    section.required("component", "\"guests/hello.wasm\"", |value| {
        let path = report.resolve(expect_str(value, "the path of a component")?)?;
        (found.file)(&path)?;
        Ok(path)
    })
}

fn instances(section: &mut Section<'_>, default: Instances) -> Instances {
    let as_word = |value: &Value<'_>| match value.get_ref() {
        DeValue::String(word) if word == "fresh" => Ok(None),
        DeValue::String(word) => Err(format!("{word:?} is not {INSTANCES_WANTED}")),
        DeValue::Table(_) => Ok(Some(())),
        _ => Err(expected(INSTANCES_WANTED, value)),
    };
    match section.optional("instances", as_word) {
        Some(Some(())) => reuse(section.inner_section("instances", "guests.NAME.instances")),
        Some(None) => Instances::Fresh,
        None => default,
    }
}

fn reuse(mut section: Section<'_>) -> Instances {
    let count =
        |most: u64| move |value: &Value<'_>| in_range(as_number(value)?, &(1..=most), |n| n);
    let uses = section.required("reuse", "128", count(u64::from(u32::MAX)));
    let at_once = |value: &Value<'_>| {
        let concurrent = count(10_000)(value)?;
        match uses {
            Some(uses) if concurrent > uses => Err(format!(
                "an instance cannot serve {concurrent} requests at once and {uses} in all; \
                 `reuse` must be at least `concurrent`"
            )),
            _ => Ok(concurrent),
        }
    };
    let instances = Instances::Reuse {
        uses: uses.unwrap_or(1),
        concurrent: section.get("concurrent", 1, at_once),
        idle: section.duration("idle", IDLE, IDLE_RANGE),
    };
    section.finish();
    instances
}
