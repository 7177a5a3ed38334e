//! What the host is meant to reach, line by line, and whether it does. Pure.

use super::Found;
use super::figures::Medians;
use super::workload::{ECHO_64K, HELLO_1, HELLO_32};

/// A line of the table.
#[derive(Debug)]
pub(super) struct Line {
    what: String,
    /// None when it was not measured.
    figure: Option<f64>,
    bound: Bound,
    least: f64,
    aim: f64,
}

/// Which side of its target a figure has to be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    AtLeast,
    AtMost,
}

/// Which figures are compared: what of, ours, the peer's, the least, the aim.
type Pair = (&'static str, &'static str, &'static str, f64, f64);

/// Requests per second at 32 connections, as multiples.
const THROUGHPUT: [Pair; 10] = [
    ("lean, fresh", "lean-fresh", "wasmtime-p2-fresh", 4.0, 5.0),
    ("lean, fresh", "lean-fresh", "hyper", 0.5, 0.65),
    ("lean, reused", "lean-reused", "hyper", 0.85, 0.95),
    ("WASI 0.2, fresh", "p2-fresh", "wasmtime-p2-fresh", 2.5, 3.5),
    (
        "WASI 0.2, reused",
        "p2-reused",
        "wasmtime-p2-reused",
        1.1,
        1.3,
    ),
    ("WASI 0.3, fresh", "p3-fresh", "wasmtime-p3-fresh", 3.5, 5.0),
    (
        "WASI 0.3, reused",
        "p3-reused",
        "wasmtime-p3-reused",
        1.2,
        1.5,
    ),
    ("lean, fresh", "lean-fresh", "tuned-p2-fresh", 1.7, 2.0),
    ("WASI 0.2, fresh", "p2-fresh", "tuned-p2-fresh", 1.1, 1.4),
    ("WASI 0.3, fresh", "p3-fresh", "tuned-p3-fresh", 1.1, 1.4),
];
/// p99 is at most the peer's, at best half of it.
const P99: (f64, f64) = (1.0, 0.5);

/// All lines, with what was found.
pub(super) fn lines(found: &Found) -> Vec<Line> {
    [
        throughput(found),
        p99(found),
        request(found),
        parse(found),
        scale(found),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn throughput(found: &Found) -> Vec<Line> {
    let line = |(what, ours, peer, least, aim): Pair| {
        let ratio = |figure| found.load.ratio(HELLO_32, ours, peer, figure);
        let figure = ratio(|medians: &Medians| medians.per_second);
        Line::at_least(
            &format!("{what}: requests/s against {peer}"),
            figure,
            least,
            aim,
        )
    };
    THROUGHPUT.map(line).into()
}

fn p99(found: &Found) -> Vec<Line> {
    let line = |(what, ours, peer, ..): Pair| {
        let figure = found
            .load
            .ratio(HELLO_32, ours, peer, |medians| medians.p99);
        Line::at_most(&format!("{what}: p99 against {peer}"), figure, P99.0, P99.1)
    };
    THROUGHPUT.map(line).into()
}

/// What single requests take.
fn request(found: &Found) -> Vec<Line> {
    let load = &found.load;
    let p50 = load.ratio(HELLO_1, "lean-fresh", "hyper", |medians| medians.p50);
    let cpu = |ours| load.ratio(HELLO_32, ours, "hyper", |medians| medians.cpu);
    let peer = "wasmtime-p3-reused";
    let echo = load.ratio(ECHO_64K, "lean-fresh", peer, |medians| medians.per_second);
    let echo_of = format!("echo of 64 KiB, lean, fresh: requests/s against {peer}");
    vec![
        Line::at_most(
            "lean, fresh, 1 connection: p50 against hyper",
            p50,
            1.25,
            1.1,
        ),
        Line::at_most(
            "lean, reused: CPU against hyper",
            cpu("lean-reused"),
            1.5,
            1.2,
        ),
        Line::at_most(
            "lean, fresh: CPU against hyper",
            cpu("lean-fresh"),
            2.5,
            1.8,
        ),
        Line::at_least(&echo_of, echo, 0.7, 1.0),
    ]
}

fn parse(found: &Found) -> Vec<Line> {
    let line = |what: &str, speed| {
        let what = format!("{what} parsed: speed against httparse");
        Line::at_least(&what, speed, 0.9, 1.2)
    };
    match found.parse.is_empty() {
        true => vec![line("heads", None)],
        false => {
            let sizes = found.parse.iter();
            sizes
                .map(|(size, speed)| line(&format!("head of {size} bytes"), Some(*speed)))
                .collect()
        }
    }
}

fn scale(found: &Found) -> Vec<Line> {
    let guests = "requests/s with 1,000 guests of one program and routes against one";
    let stream = "1 GiB streamed through WASI 0.3: MiB/s against wasmtime-p3-reused";
    vec![
        Line::at_most("KiB for an idle connection", found.idle.ours(), 3.0, 1.0),
        Line::at_least(guests, found.guests.ratio(), 0.95, 0.99),
        Line::at_most(
            "ms from the start to the first answer",
            found.starts.ours(),
            15.0,
            8.0,
        ),
        Line::at_least(stream, found.streams.ratio(), 0.9, 1.2),
    ]
}

impl Line {
    fn at_least(what: &str, figure: Option<f64>, least: f64, aim: f64) -> Self {
        let bound = Bound::AtLeast;
        Self {
            what: what.to_owned(),
            figure,
            bound,
            least,
            aim,
        }
    }

    fn at_most(what: &str, figure: Option<f64>, least: f64, aim: f64) -> Self {
        let bound = Bound::AtMost;
        Self {
            bound,
            ..Self::at_least(what, figure, least, aim)
        }
    }

    /// Whether it was measured and its target missed.
    pub(super) fn is_missed(&self) -> bool {
        self.figure
            .is_some_and(|figure| !self.holds(figure, self.least))
    }

    fn holds(&self, figure: f64, target: f64) -> bool {
        match self.bound {
            Bound::AtLeast => figure >= target,
            Bound::AtMost => figure <= target,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.figure {
            None => "not measured",
            Some(figure) if self.holds(figure, self.aim) => "aim met",
            Some(figure) if self.holds(figure, self.least) => "met",
            Some(_) => "MISSED",
        }
    }
}

/// The lines as Markdown.
pub(super) fn table(lines: &[Line]) -> String {
    let mut table = String::from(
        "| measure | measured | target | aim | |\n| --- | ---: | ---: | ---: | --- |\n",
    );
    for line in lines {
        let figure = line
            .figure
            .map(|figure| format!("{figure:.2}"))
            .unwrap_or_default();
        let side = match line.bound {
            Bound::AtLeast => "at least",
            Bound::AtMost => "at most",
        };
        table += &format!(
            "| {} | {figure} | {side} {} | {} | {} |\n",
            line.what,
            line.least,
            line.aim,
            line.verdict()
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::figures::Sample;
    use super::super::subject::Subject;
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_pair_is_of_subjects() {
        for (_, ours, peer, ..) in THROUGHPUT {
            assert!(Subject::named(ours).is_some_and(Subject::is_ours), "{ours}");
            assert!(Subject::named(peer).is_some(), "{peer}");
        }
    }

    #[test]
    fn nothing_measured_is_nothing_missed() {
        let lines = lines(&Found::default());
        assert!(lines.iter().all(|line| !line.is_missed()));
        assert_eq!(table(&lines).matches("not measured").count(), lines.len());
    }

    #[test]
    fn a_figure_is_held_against_target_and_aim() {
        let mut found = Found::default();
        let sample = |per_second, p99| Sample {
            per_second,
            p99: Duration::from_micros(p99),
            cpu: 1.0,
            ..Sample::default()
        };
        found.load.add(HELLO_32, "lean-fresh", sample(60.0, 110));
        found.load.add(HELLO_32, "hyper", sample(100.0, 100));
        found.parse = vec![(80, 1.2), (700, 0.89)];
        let lines = lines(&found);
        let text = table(&lines);
        for row in [
            "| lean, fresh: requests/s against hyper | 0.60 | at least 0.5 | 0.65 | met |",
            "| lean, fresh: p99 against hyper | 1.10 | at most 1 | 0.5 | MISSED |",
            "of 80 bytes parsed: speed against httparse | 1.20 | at least 0.9 | 1.2 | aim met |",
            "of 700 bytes parsed: speed against httparse | 0.89 | at least 0.9 | 1.2 | MISSED |",
        ] {
            assert!(text.contains(row), "{text}");
        }
        assert_eq!(lines.iter().filter(|line| line.is_missed()).count(), 2);
    }
}
