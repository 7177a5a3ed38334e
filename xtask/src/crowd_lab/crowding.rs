//! A guest that works, alone and while another one spins in as many instances as it may have.

use anyhow::Result;

use super::SPINNERS;
use super::spinners::Spinners;
use crate::lab::bounds::Bounds;
use crate::lab::host::Host;
use crate::lab::wrk::{Report, Wrk, mean_per_second, median};
use crate::shell;

/// Alone and crowded come in turns, so that what else the machine does meets both. So many rounds
/// count: the first that others left in peace, or of [`ROUNDS_MAX`] those with the least of others.
const ROUNDS: usize = 3;
const ROUNDS_MAX: usize = 10;
/// A round during which others used more of the machine than this, in percent, says little.
const OTHERS_PERCENT_MAX: f64 = 10.0;
const SECONDS: u32 = 6;
const WARM_UP_SECONDS: u32 = 2;
/// wrk's connections.
const CONNECTIONS: [u32; 2] = [8, 32];
/// How much higher the 99th percentile may be while the other guest spins.
const P99_RATIO_MAX: f64 = 2.0;
/// Two guests want all of the machine: half of it is a fair share.
const SHARE_MIN: f64 = 0.5;

/// What wrk found with one number of connections, in the rounds that count.
#[derive(Debug, Default)]
pub(super) struct Crowding {
    connections: u32,
    alone: Vec<Report>,
    crowded: Vec<Report>,
    /// How often wrk told of errors, in all rounds.
    problems: usize,
}

struct Round {
    alone: Report,
    crowded: Report,
    others_percent: f64,
}

/// Measures.
///
/// # Errors
/// wrk or the host fail.
pub(super) fn measure(host: &Host) -> Result<Vec<Crowding>> {
    Wrk::start(host.address, "/hello", CONNECTIONS[0], WARM_UP_SECONDS)?.finish()?;
    let what = |connections| format!("Crowd a guest asked on {connections} connections");
    let measure = |connections| {
        shell::step(&what(connections), || {
            let rounds = rounds(|| one_round(host, connections))?;
            Ok(Crowding::of(connections, rounds))
        })
    };
    CONNECTIONS.into_iter().map(measure).collect()
}

/// Rounds until enough of them count.
fn rounds(mut one: impl FnMut() -> Result<Round>) -> Result<Vec<Round>> {
    let (mut rounds, mut in_peace) = (Vec::new(), 0);
    while rounds.len() < ROUNDS_MAX && in_peace < ROUNDS {
        let round = one()?;
        in_peace += usize::from(round.others_percent <= OTHERS_PERCENT_MAX);
        rounds.push(round);
    }
    Ok(rounds)
}

fn one_round(host: &Host, connections: u32) -> Result<Round> {
    let others = host.watch_others()?;
    let alone = greet(host, connections)?;
    let spinners = Spinners::start(host, "spin", SPINNERS)?;
    let crowded = greet(host, connections)?;
    let others_percent = others.percent()?;
    host.trim_log()?;
    spinners.stop()?;
    eprintln!(
        "    p99 {:.2?} alone, {:.2?} crowded; others used {others_percent:.0} % of the machine",
        alone.p99, crowded.p99
    );
    Ok(Round {
        alone,
        crowded,
        others_percent,
    })
}

fn greet(host: &Host, connections: u32) -> Result<Report> {
    Wrk::start(host.address, "/hello", connections, SECONDS)?.finish()
}

/// The results as Markdown.
pub(super) fn table(results: &[Crowding]) -> String {
    let mut table = String::from(
        "| connections | beside it | requests/s | p50 | p99 | slowest |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for result in results {
        let crowd = format!("{SPINNERS} spin");
        for (beside, reports) in [("nothing", &result.alone), (&*crowd, &result.crowded)] {
            table.push_str(&format!(
                "| {} | {beside} | {:.0} | {:.2?} | {:.2?} | {:.2?} |\n",
                result.connections,
                mean_per_second(reports),
                median(reports.iter().map(|report| report.p50)),
                median(reports.iter().map(|report| report.p99)),
                median(reports.iter().map(|report| report.max)),
            ));
        }
    }
    for result in results {
        table.push_str(&format!(
            "\nWith {} connections the p99 is {:.2} times that alone, and the throughput {:.2}.",
            result.connections,
            result.p99_ratio(),
            result.share(),
        ));
    }
    table
}

/// Demands what the lab is for.
pub(super) fn demand(results: &[Crowding], bounds: &mut Bounds) {
    for result in results {
        let with = format!("with {} connections", result.connections);
        let name = format!("p99 {with}, crowded to alone");
        bounds.at_most(&name, result.p99_ratio(), P99_RATIO_MAX);
        let name = format!("throughput {with}, crowded to alone");
        bounds.at_least(&name, result.share(), SHARE_MIN);
        let name = format!("kinds of errors that wrk reports {with}");
        bounds.none(&name, result.problems as u64);
    }
}

impl Crowding {
    /// Keeps those rounds that count.
    fn of(connections: u32, mut rounds: Vec<Round>) -> Self {
        let problems = |round: &Round| round.alone.problems.len() + round.crowded.problems.len();
        let problems = rounds.iter().map(problems).sum();
        rounds.sort_by(|one, other| one.others_percent.total_cmp(&other.others_percent));
        rounds.truncate(ROUNDS);
        let (alone, crowded) = rounds
            .into_iter()
            .map(|round| (round.alone, round.crowded))
            .unzip();
        Self {
            connections,
            alone,
            crowded,
            problems,
        }
    }

    fn p99_ratio(&self) -> f64 {
        let p99 = |reports: &[Report]| median(reports.iter().map(|report| report.p99));
        p99(&self.crowded).as_secs_f64() / p99(&self.alone).as_secs_f64()
    }

    fn share(&self) -> f64 {
        mean_per_second(&self.crowded) / mean_per_second(&self.alone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn report(p99_ms: u64, per_second: f64) -> Report {
        let p99 = Duration::from_millis(p99_ms);
        Report {
            p50: p99 / 2,
            p99,
            max: p99 * 2,
            requests: 1,
            per_second,
            problems: Vec::new(),
        }
    }

    fn crowding() -> Crowding {
        Crowding {
            connections: 8,
            alone: vec![report(4, 90.0), report(1, 110.0), report(2, 100.0)],
            crowded: vec![report(4, 50.0), report(3, 40.0), report(9, 60.0)],
            problems: 0,
        }
    }

    #[test]
    fn medians_and_means_are_compared() {
        let results = [crowding()];
        assert!((results[0].p99_ratio() - 2.0).abs() < 1e-9);
        assert!((results[0].share() - 0.5).abs() < 1e-9);
        let mut bounds = Bounds::default();
        demand(&results, &mut bounds);
        assert!(bounds.judge().is_ok());
        let text = table(&results);
        assert!(
            text.contains("the p99 is 2.00 times that alone, and the throughput 0.50."),
            "{text}"
        );
    }

    #[test]
    fn each_bound_can_be_missed() {
        let worse: [fn(&mut Crowding); 3] = [
            |result| result.crowded[0].p99 *= 2,
            |result| result.crowded[1].per_second -= 1.0,
            |result| result.problems = 1,
        ];
        for make_worse in worse {
            let mut results = [crowding()];
            make_worse(&mut results[0]);
            let mut bounds = Bounds::default();
            demand(&results, &mut bounds);
            assert!(bounds.judge().is_err());
        }
    }

    #[test]
    fn rounds_with_many_others_do_not_count_if_there_are_better_ones() {
        let mut others = [90.0, 3.0, 11.0, 10.0, 5.0].into_iter();
        let rounds = rounds(|| {
            let others_percent = others.next().unwrap();
            let mut alone = report(others_percent as u64, 1.0);
            alone.problems = vec!["Non-2xx".to_owned()];
            let crowded = report(1, 1.0);
            Ok(Round {
                alone,
                crowded,
                others_percent,
            })
        });
        let crowding = Crowding::of(8, rounds.unwrap());
        let counted: Vec<_> = crowding
            .alone
            .iter()
            .map(|report| report.p99.as_millis())
            .collect();
        assert_eq!(counted, [3, 5, 10]);
        assert_eq!(crowding.problems, 5);
    }

    #[test]
    fn it_ends_when_others_never_do() {
        let busy = || {
            Ok(Round {
                alone: report(1, 1.0),
                crowded: report(1, 1.0),
                others_percent: 50.0,
            })
        };
        assert_eq!(rounds(busy).unwrap().len(), ROUNDS_MAX);
    }
}
