//! A thousand guests, each a component and a route of its own, beside one.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::figures::{Sample, median};
use super::super::launch::{self, Place};
use super::super::rounds::{self, Extent};
use super::super::server::Server;
use super::super::workload::script_over;
use crate::lab::components::{greeting, hello};
use crate::lab::host as lab_host;
use crate::lab::http::Client;
use crate::lab::wrk::Load;
use crate::shell;

const GUESTS: usize = 1000;
const CONNECTIONS: u32 = 32;

/// What was seen with one guest, and with a thousand.
#[derive(Debug, Default)]
pub(in super::super) struct Guests {
    one: Vec<Sample>,
    all: Vec<Sample>,
    /// What each is when it begins to serve, and its resident memory after the load, in KiB.
    born: [Born; 2],
    loaded_kib: [u64; 2],
}

/// What a host is when it begins to serve.
#[derive(Clone, Copy, Debug, Default)]
struct Born {
    /// How long that took when everything had to be compiled, and when nothing had.
    compiled: Duration,
    kept: Duration,
    /// Resident memory when each guest has answered once, in KiB.
    resident_kib: u64,
}

/// Measures. The same requests go to both: a thousand in turn, which name one guest or all.
///
/// # Errors
/// The host fails, or a guest answers wrong.
pub(in super::super) fn measure(place: Place<'_>, extent: Extent) -> Result<Guests> {
    let (one, one_born) = shell::step("Start with one guest", || start(place, 1))?;
    let (all, all_born) = shell::step(&format!("Start with {GUESTS} guests"), || {
        start(place, GUESTS)
    })?;
    let mut seen = Guests {
        born: [one_born, all_born],
        ..Guests::default()
    };
    shell::step("Load both", || {
        let scripts = [
            script(place.folder, "one", |_| 0)?,
            script(place.folder, "all", |number| number)?,
        ];
        // The first pair of runs is for warming up.
        for round in 0..=extent.rounds {
            let sample = |server, script: &Path| {
                let load = Load {
                    address: ([127, 0, 0, 1], 0).into(),
                    path: "/",
                    connections: CONNECTIONS,
                    threads: 1,
                    seconds: extent.seconds,
                    script: Some(script),
                };
                rounds::run(server, &load)
            };
            let samples = [sample(&one, &scripts[0])?, sample(&all, &scripts[1])?];
            if round > 0 {
                let [first, second] = samples;
                seen.one.push(first);
                seen.all.push(second);
            }
        }
        Ok(())
    })?;
    for (kib, server) in seen.loaded_kib.iter_mut().zip([&one, &all]) {
        *kib = server.processes.resident_kib()?;
    }
    Ok(seen)
}

/// Starts a host twice, the second time with what it compiled the first time.
fn start(place: Place<'_>, guests: usize) -> Result<(Server, Born)> {
    let folder = place.folder.join(format!("guests-{guests}"));
    fs::create_dir_all(&folder)?;
    let mut sections = String::new();
    for number in 0..guests {
        let word = word(number);
        let file = format!("{word}.wasm");
        fs::write(folder.join(&file), hello(&word)?)?;
        sections += &lab_host::guest(&word, &file, &format!("/{word}"), "");
    }
    let place = Place {
        folder: &folder,
        ..place
    };
    let launch = launch::ours(place, "", &sections)?;
    let timed = || {
        let begun = Instant::now();
        let server = Server::start(&launch)?;
        anyhow::Ok((server, begun.elapsed()))
    };
    let (first, compiled) = timed()?;
    drop(first);
    let (server, kept) = timed()?;
    let mut client = Client::connect(server.address)?;
    for number in 0..guests {
        client.get(&format!("/{}", word(number)))?;
        let response = client.receive()?;
        let right = response.body == greeting(&word(number)).as_bytes();
        ensure!(right, "{}: {response:?}", word(number));
    }
    let born = Born {
        compiled,
        kept,
        resident_kib: server.processes.resident_kib()?,
    };
    Ok((server, born))
}

fn script(folder: &Path, name: &str, guest: fn(usize) -> usize) -> Result<std::path::PathBuf> {
    let paths = (0..GUESTS).map(|number| format!("/{}", word(guest(number))));
    let path = folder.join(format!("guests-{name}.lua"));
    fs::write(&path, script_over(paths))?;
    Ok(path)
}

/// A guest's name, file, path and answer.
fn word(number: usize) -> String {
    format!("g{number:03}")
}

impl Guests {
    /// The throughput with all guests as a multiple of that with one.
    pub(in super::super) fn ratio(&self) -> Option<f64> {
        let rate = |samples: &[Sample]| median(samples.iter().map(|sample| sample.per_second));
        (!self.one.is_empty()).then(|| rate(&self.all) / rate(&self.one))
    }

    /// The results as Markdown; empty without any.
    pub(in super::super) fn table(&self) -> String {
        if self.one.is_empty() {
            return String::new();
        }
        let mut table = String::from(
            "| guests | requests/s | p99, µs | CPU s/100k | first start, s | next start, s | \
             memory after a request to each, MiB | after the load, MiB |\n\
             | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        let seen = [(1, &self.one), (GUESTS, &self.all)];
        let held = self.born.iter().zip(self.loaded_kib);
        for ((guests, samples), (born, loaded_kib)) in seen.iter().zip(held) {
            let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
            let mib = |kib: u64| kib as f64 / 1024.0;
            table += &format!(
                "| {guests} | {:.0} | {:.0} | {:.2} | {:.3} | {:.3} | {:.1} | {:.1} |\n",
                of(|sample| sample.per_second),
                of(|sample| sample.p99.as_secs_f64() * 1e6),
                of(|sample| sample.cpu),
                born.compiled.as_secs_f64(),
                born.kept.as_secs_f64(),
                mib(born.resident_kib),
                mib(loaded_kib),
            );
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_medians() {
        let sample = |per_second| Sample {
            per_second,
            ..Sample::default()
        };
        let guests = Guests {
            one: [100.0, 90.0, 200.0].map(sample).to_vec(),
            all: [95.0, 10.0, 300.0].map(sample).to_vec(),
            born: [10_240, 20_480].map(|resident_kib| Born {
                resident_kib,
                ..Born::default()
            }),
            loaded_kib: [10_240, 30_720],
        };
        assert!((guests.ratio().unwrap() - 0.95).abs() < 1e-9);
        assert!(
            guests
                .table()
                .contains("| 1000 | 95 | 0 | 0.00 | 0.000 | 0.000 | 20.0 | 30.0 |"),
            "{}",
            guests.table()
        );
        assert_eq!(Guests::default().ratio(), None);
    }
}
