//! A start with many guests, each with code of its own: the first, and one that finds the compiled
//! code of the first.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::lab::bounds::Bounds;
use crate::lab::components::{greeting, hello, with_own_code};
use crate::lab::host::{self, Host};
use crate::lab::http::Client;
use crate::shell;

const GUESTS: usize = 100;
/// How long the second start may take to the first answer.
const SECOND_MAX: Duration = Duration::from_secs(1);
/// A start that takes longer than this tells how far it is. It is told every second, and the last
/// part of a start has nothing to tell.
const SILENT_MAX: Duration = Duration::from_millis(1500);

/// What was seen.
#[derive(Debug)]
pub(super) struct Starting {
    first: Start,
    second: Start,
}

/// One start.
#[derive(Debug)]
struct Start {
    /// From the program's start to the end of the first answer.
    answered: Duration,
    /// What the log told of how far it was.
    progress: Vec<String>,
}

/// Measures.
///
/// # Errors
/// The host fails, or one of the guests answers wrong.
pub(super) fn measure(program: &Path) -> Result<Starting> {
    let folder = host::folder()?;
    let mut sections = String::new();
    for number in 0..GUESTS {
        let word = word(number);
        let file = format!("{word}.wasm");
        let component = with_own_code(&hello(&word)?, &word)?;
        std::fs::write(folder.path().join(&file), component)?;
        sections += &host::guest(&word, &file, &format!("/{word}"), "");
    }
    let start = |what: &str| shell::step(what, || start(program, folder.path(), &sections));
    Ok(Starting {
        first: start(&format!("Start with {GUESTS} guests and nothing kept"))?,
        second: start("Start again")?,
    })
}

fn start(program: &Path, folder: &Path, sections: &str) -> Result<Start> {
    let started = Instant::now();
    let host = Host::start(program, folder, sections)?;
    ask(&host, GUESTS / 2)?;
    let answered = started.elapsed();
    for number in 0..GUESTS {
        ask(&host, number)?;
    }
    let progress = host.logged(|line| line.contains(&format!(" of {GUESTS}")));
    for line in progress.iter().chain(&host.complaints()) {
        eprintln!("    {line}");
    }
    host.stop()?;
    Ok(Start { answered, progress })
}

fn ask(host: &Host, number: usize) -> Result<()> {
    let mut client = Client::connect(host.address)?;
    client.get(&format!("/{}", word(number)))?;
    let response = client.receive().with_context(|| word(number))?;
    let right = response.body == greeting(&word(number)).as_bytes();
    ensure!(right, "{}: {response:?}", word(number));
    Ok(())
}

/// A guest's name, file, path and answer.
fn word(number: usize) -> String {
    format!("g{number:03}")
}

/// The results as Markdown.
pub(super) fn table(starting: &Starting) -> String {
    let mut table = String::from(
        "| start | first answer after | lines that tell how far it is |\n| --- | --- | --- |\n",
    );
    for (name, start) in [("first", &starting.first), ("second", &starting.second)] {
        let Start { answered, progress } = start;
        table.push_str(&format!(
            "| {name} | {answered:.2?} | {} |\n",
            progress.len()
        ));
    }
    table
}

/// Demands what the lab is for.
pub(super) fn demand(starting: &Starting, bounds: &mut Bounds) {
    let second = starting.second.answered.as_secs_f64();
    let name = "seconds to the first answer at the second start";
    bounds.at_most(name, second, SECOND_MAX.as_secs_f64());
    if starting.first.answered > SILENT_MAX {
        let lines = starting.first.progress.len();
        bounds.at_least("lines of progress at the first start", lines as f64, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starting(first_ms: u64, second_ms: u64, lines: usize) -> Starting {
        let start = |ms, lines| Start {
            answered: Duration::from_millis(ms),
            progress: vec![String::new(); lines],
        };
        Starting {
            first: start(first_ms, lines),
            second: start(second_ms, 0),
        }
    }

    #[test]
    fn a_long_start_tells_how_far_it_is_and_the_second_is_short() {
        let passes = |starting: &Starting| {
            let mut bounds = Bounds::default();
            demand(starting, &mut bounds);
            bounds.are_met()
        };
        assert!(passes(&starting(9000, 1000, 8)));
        assert!(passes(&starting(900, 900, 0)));
        assert!(!passes(&starting(9000, 1000, 0)));
        assert!(!passes(&starting(9000, 1001, 8)));
        let text = table(&starting(9000, 1000, 8));
        assert!(text.contains("| first | 9.00s | 8 |"), "{text}");
    }
}
