//! A thousand guests, each a component and a route of its own, beside one: of one program with
//! other words in it, and with code of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::figures::{Sample, median};
use super::super::launch::{self, Place};
use super::super::rounds::{self, Extent};
use super::super::server::Server;
use super::super::workload::script_over;
use crate::lab::components::{greeting, hello, with_own_code};
use crate::lab::host as lab_host;
use crate::lab::http::Client;
use crate::lab::wrk::Load;
use crate::shell;

const GUESTS: usize = 1000;
const CONNECTIONS: u32 = 32;
/// Hosts that are compared for a few hundredths are loaded so many times as often as others.
const CLOSE: u32 = 3;

/// What the hosts serve.
const KINDS: [Kind; 3] = [
    Kind {
        title: "1",
        name: "one",
        guests: 1,
        has_own_code: false,
    },
    Kind {
        title: "1,000 of one program",
        name: "all",
        guests: GUESTS,
        has_own_code: false,
    },
    Kind {
        title: "1,000 with code of their own",
        name: "own",
        guests: GUESTS,
        has_own_code: true,
    },
];

#[derive(Clone, Copy)]
struct Kind {
    title: &'static str,
    name: &'static str,
    guests: usize,
    has_own_code: bool,
}

/// What was seen with each kind; nothing if it was not measured.
#[derive(Debug, Default)]
pub(in super::super) struct Guests(Vec<Seen>);

#[derive(Debug, Default)]
struct Seen {
    samples: Vec<Sample>,
    born: Born,
    /// Resident memory after the load, in KiB.
    loaded_kib: u64,
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

/// Measures. The same requests go to all: a thousand in turn, which name one guest or a thousand.
///
/// # Errors
/// The host fails, or a guest answers wrong.
pub(in super::super) fn measure(place: Place<'_>, extent: Extent) -> Result<Guests> {
    let mut servers = Vec::new();
    let mut seen = Vec::new();
    for kind in KINDS {
        let start = || start(place, kind);
        let (server, born) = shell::step(&format!("Start with guests: {}", kind.title), start)?;
        servers.push((server, script(place.folder, kind)?));
        seen.push(Seen {
            born,
            ..Seen::default()
        });
    }
    shell::step("Load all", || {
        // The first round is for warming up.
        for round in 0..=CLOSE * extent.rounds {
            for (seen, (server, script)) in seen.iter_mut().zip(&servers) {
                let load = Load {
                    address: ([127, 0, 0, 1], 0).into(),
                    path: "/",
                    connections: CONNECTIONS,
                    threads: 1,
                    seconds: extent.seconds,
                    script: Some(script),
                };
                let sample = rounds::run(server, &load)?;
                if round > 0 {
                    seen.samples.push(sample);
                }
            }
        }
        Ok(())
    })?;
    for (seen, (server, _)) in seen.iter_mut().zip(&servers) {
        seen.loaded_kib = server.processes()?.resident_kib()?;
    }
    Ok(Guests(seen))
}

/// Starts a host twice, the second time with what it compiled the first time.
fn start(place: Place<'_>, kind: Kind) -> Result<(Server, Born)> {
    let folder = place.folder.join(format!("guests-{}", kind.name));
    fs::create_dir_all(&folder)?;
    let mut sections = String::new();
    for number in 0..kind.guests {
        let word = word(number);
        let file = format!("{word}.wasm");
        let mut component = hello(&word)?;
        if kind.has_own_code {
            component = with_own_code(&component, &word)?;
        }
        fs::write(folder.join(&file), component)?;
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
    for number in 0..kind.guests {
        client.get(&format!("/{}", word(number)))?;
        let response = client.receive()?;
        let right = response.body == greeting(&word(number)).as_bytes();
        ensure!(right, "{}: {response:?}", word(number));
    }
    let born = Born {
        compiled,
        kept,
        resident_kib: server.processes()?.resident_kib()?,
    };
    Ok((server, born))
}

fn script(folder: &Path, kind: Kind) -> Result<PathBuf> {
    let paths = (0..GUESTS).map(|number| format!("/{}", word(number % kind.guests)));
    let path = folder.join(format!("guests-{}.lua", kind.name));
    fs::write(&path, script_over(paths))?;
    Ok(path)
}

/// A guest's name, file, path and answer.
fn word(number: usize) -> String {
    format!("g{number:03}")
}

impl Guests {
    /// The throughput with a thousand guests of one program as a multiple of that with one: the
    /// median over the rounds, for what slows down one of them slows down the next as well.
    pub(in super::super) fn ratio(&self) -> Option<f64> {
        let [one, all, ..] = &self.0[..] else {
            return None;
        };
        Some(all.times(one))
    }

    /// The results as Markdown; empty without any.
    pub(in super::super) fn table(&self) -> String {
        let [one, ..] = &self.0[..] else {
            return String::new();
        };
        let mut table = String::from(
            "| guests | requests/s | times that of one | p99, µs | CPU s/100k | first start, s | \
             next start, s | memory after a request to each, MiB | after the load, MiB |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for (kind, seen) in KINDS.iter().zip(&self.0) {
            let mib = |kib: u64| kib as f64 / 1024.0;
            table += &format!(
                "| {} | {:.0} | {:.2} | {:.0} | {:.2} | {:.3} | {:.3} | {:.1} | {:.1} |\n",
                kind.title,
                seen.per_second(),
                seen.times(one),
                seen.median(|sample| sample.p99.as_secs_f64() * 1e6),
                seen.median(|sample| sample.cpu),
                seen.born.compiled.as_secs_f64(),
                seen.born.kept.as_secs_f64(),
                mib(seen.born.resident_kib),
                mib(seen.loaded_kib),
            );
        }
        table
    }
}

impl Seen {
    /// The throughput as a multiple of that of another in the same round.
    fn times(&self, other: &Self) -> f64 {
        let rounds = self.samples.iter().zip(&other.samples);
        median(rounds.map(|(this, other)| this.per_second / other.per_second))
    }

    fn per_second(&self) -> f64 {
        self.median(|sample| sample.per_second)
    }

    fn median(&self, figure: fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(figure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_each_round() {
        let sample = |per_second| Sample {
            per_second,
            ..Sample::default()
        };
        let seen = |rates: [f64; 3]| Seen {
            samples: rates.map(sample).to_vec(),
            born: Born {
                resident_kib: 20_480,
                ..Born::default()
            },
            loaded_kib: 30_720,
        };
        let rates = [[100.0, 50.0, 200.0], [95.0, 48.0, 100.0], [20.0, 5.0, 20.0]];
        let guests = Guests(rates.map(seen).into());
        assert!((guests.ratio().unwrap() - 0.95).abs() < 1e-9);
        for row in [
            "| 1,000 of one program | 95 | 0.95 | 0 | 0.00 | 0.000 | 0.000 | 20.0 | 30.0 |",
            "| 1,000 with code of their own | 20 | 0.10 | 0 |",
        ] {
            assert!(guests.table().contains(row), "{}", guests.table());
        }
        assert_eq!(Guests::default().ratio(), None);
    }
}
