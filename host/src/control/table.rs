//! A host's status as a person reads it: a few lines and two tables, in plain text.

use std::fmt::{self, Display, Write as _};
use std::time::SystemTime;

use super::status::{Failures, GuestState, GuestStatus, Instances, RouteStatus, Status};

/// Hexadecimal digits of a hash that are shown.
const HASH_DIGITS: usize = 12;
/// Between two columns.
const GAP: &str = "  ";

/// A column's title, and whether it holds numbers, which are aligned at their end.
type Column = (&'static str, bool);

const GUESTS: [Column; 10] = [
    ("GUEST", false),
    ("STATE", false),
    ("GENERATION", true),
    ("HASH", false),
    ("FOR", true),
    ("RUNNING", true),
    ("QUEUED", true),
    ("REQUESTS", true),
    ("FAILURES", true),
    ("ROLLBACKS", true),
];

const ROUTES: [Column; 5] = [
    ("ROUTE", false),
    ("METHODS", false),
    ("HOST", false),
    ("GUEST", false),
    ("REQUESTS", true),
];

impl Status {
    /// Lines for a person, read at the time `now`.
    pub fn table(&self, now: SystemTime) -> String {
        let mut text = self.summary();
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let guests = self
            .guests
            .iter()
            .map(|guest| guest_row(guest, now.as_secs()));
        for problem in &self.config_problems {
            text += &printable(&format!("not taken: {problem}\n"));
        }
        if !self.config_problems.is_empty() {
            text.push('\n');
        }
        text += &aligned(&GUESTS, guests.collect());
        for guest in &self.guests {
            text += &remarks(guest);
        }
        text.push('\n');
        let routes = self.routes.iter().map(route_row).collect();
        text + &aligned(&ROUTES, routes)
    }

    fn summary(&self) -> String {
        let up = Ago(self.uptime_seconds);
        let config = self.config.as_deref().unwrap_or("without a configuration");
        let (connections, requests) = (&self.connections, &self.requests);
        let listeners = self.listeners.join(", ");
        printable(&format!(
            "httpd-host {}, process {}, up {up}, {config}\n\
             listening    {listeners}\n\
             connections  {} open of {}, {} waiting, {} accepted so far\n\
             requests     {}: {} with 2xx, {} 3xx, {} 4xx, {} 5xx; {} refused by the host\n\n",
            self.version,
            self.pid,
            connections.open,
            connections.max,
            connections.waiting,
            connections.accepted,
            requests.total,
            requests.successful,
            requests.redirected,
            requests.client_errors,
            requests.server_errors,
            requests.refused,
        ))
    }
}

fn guest_row(guest: &GuestStatus, now: u64) -> Vec<String> {
    vec![
        guest.name.clone(),
        state(guest.state).to_owned(),
        guest.generation.to_string(),
        short(&guest.hash),
        Ago(now.saturating_sub(guest.since)).to_string(),
        guest.running.to_string(),
        guest.queued.to_string(),
        guest.requests.to_string(),
        failures(&guest.failures).to_string(),
        guest.rollbacks.to_string(),
    ]
}

/// All guests that a request passes through.
fn guests_of(route: &RouteStatus) -> String {
    let mut guests = route.middleware.clone();
    guests.push(route.guest.clone());
    guests.join(" -> ")
}

fn route_row(route: &RouteStatus) -> Vec<String> {
    let methods = route.methods.as_ref().map(|methods| methods.join(","));
    vec![
        route.path.clone(),
        methods.unwrap_or_else(|| "any".to_owned()),
        route.host.clone().unwrap_or_else(|| "any".to_owned()),
        guests_of(route),
        route.requests.to_string(),
    ]
}

/// What has no column, because most guests have nothing of it.
fn remarks(guest: &GuestStatus) -> String {
    let mut text = String::new();
    if let Some(previous) = &guest.previous {
        let (number, hash) = (previous.generation, short(&previous.hash));
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "{}: generation {number} ({hash}) is kept ready",
            guest.name
        );
    }
    let Instances { waiting, shared } = guest.instances;
    if waiting + shared > 0 {
        let _ = writeln!(
            text,
            "{}: {shared} instances serve several requests, {waiting} wait for their next one",
            guest.name
        );
    }
    let of = &guest.failures;
    if failures(of) > 0 {
        let _ = writeln!(
            text,
            "{}: {} trapped, {} timed out, {} found no place, {} found the breaker open, {} were \
             abandoned by their clients",
            guest.name, of.trapped, of.timed_out, of.full, of.breaker_open, of.abandoned
        );
    }
    if let Some(error) = &guest.last_error {
        let _ = writeln!(text, "{}: last error: {error}", guest.name);
    }
    printable(&text)
}

/// All together.
fn failures(of: &Failures) -> u64 {
    let all = [
        of.trapped,
        of.timed_out,
        of.full,
        of.breaker_open,
        of.abandoned,
    ];
    all.into_iter().fold(0, u64::saturating_add)
}

fn state(state: GuestState) -> &'static str {
    match state {
        GuestState::Serving => "serving",
        GuestState::Probation => "probation",
        GuestState::BreakerOpen => "breaker open",
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(HASH_DIGITS).collect()
}

/// Columns as wide as their widest cell, under their titles.
fn aligned(columns: &[Column], rows: Vec<Vec<String>>) -> String {
    let titles = columns
        .iter()
        .map(|(title, _)| (*title).to_owned())
        .collect();
    let mut lines = vec![titles];
    lines.extend(rows);
    let width = |column: usize| {
        let cells = lines
            .iter()
            .filter_map(|line: &Vec<String>| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for cells in &lines {
        let padded = cells
            .iter()
            .zip(columns)
            .zip(&widths)
            .map(|((cell, column), width)| {
                if column.1 {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
        let line = padded.collect::<Vec<_>>().join(GAP);
        text += line.trim_end();
        text.push('\n');
    }
    printable(&text)
}

/// A terminal must not be told what to do by what a guest or a file is called.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { '?' } else { c };
    text.chars().map(shown).collect()
}

/// A number of seconds in its two largest units.
struct Ago(u64);

impl Display for Ago {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
        let Ago(seconds) = *self;
        let largest = UNITS.iter().position(|(_, size)| seconds >= *size);
        let (unit, size) = UNITS[largest.unwrap_or(UNITS.len() - 1)];
        write!(formatter, "{}{unit}", seconds / size)?;
        match largest.and_then(|place| UNITS.get(place + 1)) {
            Some((unit, smaller)) => write!(formatter, " {}{unit}", seconds % size / smaller),
            None => Ok(()),
        }
    }
}
