//! How long it takes from a program's start to the end of its first answer, with compiled code kept
//! from an earlier start, and without.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::check::GREETING;
use super::figures::median;
use super::launch::{self, Changes, Place};
use super::server::{Launch, Server};
use super::subject::Subject;
use crate::lab::http::Client;
use crate::shell;

/// Who is started: a name for the table, the subject, and arguments for `wasmtime serve`.
const STARTED: [(&str, &str, &[&str]); 5] = [
    (OURS, "lean-fresh", &[]),
    ("httpd-host, WASI 0.2", "p2-fresh", &[]),
    ("httpd-host, WASI 0.3", "p3-fresh", &[]),
    (PEER, "wasmtime-p2-fresh", &[]),
    (
        "`wasmtime serve`, WASI 0.2, nothing kept (`-C cache=n`)",
        "wasmtime-p2-fresh",
        &["-C", "cache=n"],
    ),
];
const OURS: &str = "httpd-host, lean";
const PEER: &str = "`wasmtime serve`, WASI 0.2";

/// The median time of each, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Starts(Vec<(&'static str, f64)>);

/// Starts each as often.
///
/// # Errors
/// One does not start, or answers wrong.
pub(super) fn measure(place: Place<'_>, times: u32) -> Result<Starts> {
    shell::step(
        &format!("Start {} servers {times} times", STARTED.len()),
        || {
            let mut launches = Vec::new();
            for (number, (_, subject, flags)) in STARTED.iter().enumerate() {
                let folder = place.folder.join(format!("start-{number}"));
                fs::create_dir_all(&folder)?;
                let place = Place {
                    folder: &folder,
                    ..place
                };
                let subject = Subject::named(subject).context(*subject)?;
                let changes = Changes {
                    flags,
                    ..Changes::default()
                };
                let launch = launch::subject(place, subject, changes)?;
                // The first start compiles.
                first_answer(&launch)?;
                launches.push((launch, Vec::new()));
            }
            for _ in 0..times {
                for (launch, taken) in &mut launches {
                    taken.push(first_answer(launch)?);
                }
            }
            let medians = launches.into_iter().map(|(_, taken)| median(taken));
            Ok(Starts(
                STARTED
                    .iter()
                    .map(|(name, ..)| *name)
                    .zip(medians)
                    .collect(),
            ))
        },
    )
}

/// Milliseconds.
fn first_answer(launch: &Launch) -> Result<f64> {
    let started = Instant::now();
    let server = Server::start(launch)?;
    let mut client = Client::connect(server.address)?;
    client.get("/hello")?;
    let response = client.receive()?;
    let taken = started.elapsed();
    ensure!(response.body == GREETING, "{response:?}");
    Ok(taken.as_secs_f64() * 1e3)
}

impl Starts {
    /// Milliseconds that the host took.
    pub(super) fn ours(&self) -> Option<f64> {
        self.0
            .iter()
            .find(|(name, _)| *name == OURS)
            .map(|(_, time)| *time)
    }

    /// The results as Markdown; empty without any.
    pub(super) fn table(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let rows = self
            .0
            .iter()
            .map(|(name, time)| format!("| {name} | {time:.1} |\n"));
        "| server | ms to the first answer |\n| --- | ---: |\n".to_owned()
            + &rows.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_is_of_a_subject() {
        for (_, subject, _) in &STARTED {
            assert!(Subject::named(subject).is_some(), "{subject}");
        }
        let starts = Starts(vec![(OURS, 7.25), (PEER, 8.0)]);
        assert_eq!(starts.ours(), Some(7.25));
        assert!(
            starts.table().contains("| httpd-host, lean | 7.2 |"),
            "{}",
            starts.table()
        );
        assert_eq!(Starts::default().ours(), None);
    }
}
