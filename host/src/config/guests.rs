//! `[guests.NAME]`: one sandboxed component each, with its own bounds.
//! Components are looked for, never opened: that is the guest loader's work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::reader::Section;
use super::sections::TIMEOUT;
use super::values::{Value, as_number, expect_str, expected, in_range};
use super::{Breaker, Component, Guest, Instances, Rollback, resilience};

const INSTANCES_WANTED: &str = "\"fresh\" or { reuse = 128, concurrent = 16 }";

impl Guest {
    /// A guest of which only the name and the component are known; the rest is the default.
    pub fn new(name: &str, component: Component) -> Guest {
        Guest {
            name: name.to_owned(),
            component,
            instances: Instances::Fresh,
            memory_max: 64 << 20,
            response_max: 16 << 20,
            deadline: Duration::from_secs(5),
            concurrency_max: 256,
            queue_max: 256,
            queue_time: Duration::from_secs(1),
            probe: None,
            rollback: Some(Rollback::default()),
            breaker: Some(Breaker::default()),
            env: BTreeMap::new(),
        }
    }
}

/// All guests, by name. `component_found` says what is wrong with a component's file.
pub(super) fn read(
    section: &Section<'_>,
    component_found: &dyn Fn(&Path) -> Result<(), String>,
) -> BTreeMap<String, Guest> {
    let mut guests = BTreeMap::new();
    for (name, inner) in section.named_sections("guests.NAME") {
        if let Err(message) = check_name(name) {
            section.problem(name, message);
        }
        guests.insert(name.to_owned(), guest(name, inner, component_found));
    }
    guests
}

/// That a component's path leads to a regular file.
pub(super) fn regular_file(path: &Path) -> Result<(), String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(format!("{shown} is not a regular file")),
        Err(error) => Err(format!(
            "{shown}: {error}; paths are relative to this file's directory"
        )),
    }
}

fn guest(
    name: &str,
    mut section: Section<'_>,
    component_found: &dyn Fn(&Path) -> Result<(), String>,
) -> Guest {
    let path = component(&mut section, component_found).unwrap_or_default();
    let default = Guest::new(name, Component::File(path));
    let instances = instances(&mut section, default.instances);
    let guest = Guest {
        instances,
        memory_max: section.size("memory_max", default.memory_max, 64 << 10..=4 << 30),
        response_max: section.size("response_max", default.response_max, 1 << 10..=4 << 30),
        deadline: section.duration("deadline", default.deadline, TIMEOUT),
        concurrency_max: section.number("concurrency_max", default.concurrency_max, 1..=1_000_000),
        queue_max: section.number("queue_max", default.queue_max, 0..=1_000_000),
        queue_time: section.duration("queue_time", default.queue_time, TIMEOUT),
        probe: resilience::probe(&mut section),
        rollback: resilience::rollback(&mut section),
        breaker: resilience::breaker(&mut section),
        env: env(&mut section),
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
fn component(
    section: &mut Section<'_>,
    component_found: &dyn Fn(&Path) -> Result<(), String>,
) -> Option<PathBuf> {
    let report = section.report();
    section.required("component", "\"guests/hello.wasm\"", |value| {
        let path = report.resolve(expect_str(value, "the path of a component")?)?;
        component_found(&path)?;
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
    let instances = Instances::Reuse {
        uses: section
            .required("reuse", "128", count(u64::from(u32::MAX)))
            .unwrap_or(1),
        concurrent: section.get("concurrent", 1, count(10_000)),
    };
    section.finish();
    instances
}

/// The variables a guest sees. Names and values that no environment can hold are refused.
fn env(section: &mut Section<'_>) -> BTreeMap<String, String> {
    let Some(value) = section.take("env") else {
        return BTreeMap::new();
    };
    let DeValue::Table(table) = value.get_ref() else {
        let wanted = "variables such as { GREETING = \"hello\" }";
        section.wrong("env", value, expected(wanted, value));
        return BTreeMap::new();
    };
    let mut variables = BTreeMap::new();
    for (name, value) in table {
        let key = format!("env.{}", name.get_ref());
        match variable(name.get_ref(), value) {
            Ok(text) => drop(variables.insert(name.get_ref().to_string(), text)),
            Err(message) => section.wrong(&key, value, message),
        }
    }
    variables
}

fn variable(name: &str, value: &Value<'_>) -> Result<String, String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err("a variable's name must not be empty nor hold = or NUL".to_owned());
    }
    let text = expect_str(value, "a text")?;
    if text.contains('\0') {
        return Err("a variable's value must not hold NUL".to_owned());
    }
    Ok(text.to_owned())
}
