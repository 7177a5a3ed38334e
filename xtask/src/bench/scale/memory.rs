//! Guests with 64 MiB of memory, the most that they get by default: one that only has it, and one
//! that writes to all of it.

use std::fs;

use anyhow::Result;

use super::super::figures::{Sample, median};
use super::super::launch::{self, Place};
use super::super::rounds::{self, Extent};
use super::super::server::Server;
use crate::lab::host as lab_host;
use crate::lab::wrk::Load;
use crate::shell;

/// A lean component in text. It answers with an empty body.
const COMPONENT: &str = include_str!("memory.wat");
/// What is done to the memory in a call, by the name of the guest.
const GUESTS: [(&str, u32, &str); 3] = [
    ("one page", 1, ""),
    ("64 MiB, untouched", PAGES, ""),
    (
        "64 MiB, all written",
        PAGES,
        "(memory.fill (i32.const 4096) (i32.const 1) (i32.const 67104768))",
    ),
];
/// 64 MiB.
const PAGES: u32 = 1024;
/// Few, as each of them may hold all of that memory.
const CONNECTIONS: u32 = 4;

/// What was seen of each guest.
#[derive(Debug, Default)]
pub(in super::super) struct Memory(Vec<(&'static str, Vec<Sample>)>);

/// Measures, with a fresh instance for each request.
///
/// # Errors
/// The host fails.
pub(in super::super) fn measure(place: Place<'_>, extent: Extent) -> Result<Memory> {
    let folder = place.folder.join("memory");
    fs::create_dir_all(&folder)?;
    let mut sections = String::new();
    for (number, (_, pages, work)) in GUESTS.iter().enumerate() {
        let file = format!("{number}.wat");
        fs::write(folder.join(&file), component(*pages, work))?;
        sections += &lab_host::guest(&format!("g{number}"), &file, &format!("/{number}"), "");
    }
    let place = Place {
        folder: &folder,
        ..place
    };
    let server = Server::start(&launch::ours(place, "", &sections)?)?;
    let mut seen: Vec<_> = GUESTS.map(|(name, ..)| (name, Vec::new())).into();
    shell::step("Load guests with 64 MiB of memory", || {
        for _ in 0..extent.rounds {
            for (number, (_, samples)) in seen.iter_mut().enumerate() {
                let load = Load {
                    address: server.address,
                    path: &format!("/{number}"),
                    connections: CONNECTIONS,
                    threads: 1,
                    seconds: extent.seconds,
                    script: None,
                };
                samples.push(rounds::run(&server, &load)?);
            }
        }
        Ok(())
    })?;
    Ok(Memory(seen))
}

fn component(pages: u32, work: &str) -> String {
    COMPONENT
        .replace("(;pages;)", &pages.to_string())
        .replace("(;work;)", work)
}

impl Memory {
    /// The results as Markdown; empty without any.
    pub(in super::super) fn table(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let mut table = String::from(
            "| guest, 4 connections | requests/s | p99, µs | CPU s/100k | peak memory, MiB |\n\
             | --- | ---: | ---: | ---: | ---: |\n",
        );
        for (name, samples) in &self.0 {
            let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
            table += &format!(
                "| {name} | {:.0} | {:.0} | {:.2} | {:.0} |\n",
                of(|sample| sample.per_second),
                of(|sample| sample.p99.as_secs_f64() * 1e6),
                of(|sample| sample.cpu),
                of(|sample| sample.peak_kib as f64 / 1024.0),
            );
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_a_place_for_what_differs() {
        let text = component(PAGES, GUESTS[2].2);
        assert!(text.contains("(memory (export \"memory\") 1024)"), "{text}");
        assert!(text.contains("memory.fill (i32.const 4096)"), "{text}");
        assert!(!text.contains("(;"), "{text}");
    }
}
