//! The load's figures as Markdown tables. Pure.

use super::figures::Runs;
use super::subject::{SUBJECTS, Subject};
use super::workload::WORKLOADS;

/// All tables of the load: for each workload what each server did, and how the host compares.
pub(super) fn load(runs: &Runs) -> String {
    let tables = WORKLOADS.iter().filter_map(|workload| {
        let measured = measured(runs, workload.name);
        if measured.is_empty() {
            return None;
        }
        let figures = figures(runs, workload.name, &measured);
        let ratios = ratios(runs, workload.name, &measured);
        Some(format!("### {}\n\n{figures}\n{ratios}", workload.what))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// What the names in the tables mean.
pub(super) fn subjects() -> String {
    let rows = SUBJECTS
        .iter()
        .map(|subject| format!("| {} | {} |\n", subject.name, subject.what));
    "| name | what it is |\n| --- | --- |\n".to_owned() + &rows.collect::<String>()
}

fn measured(runs: &Runs, workload: &str) -> Vec<&'static Subject> {
    let is_there = |subject: &&Subject| runs.of(workload, subject.name).is_some();
    SUBJECTS.iter().filter(is_there).collect()
}

fn figures(runs: &Runs, workload: &str, subjects: &[&Subject]) -> String {
    let mut table = String::from(
        "| server | requests/s | slowest to fastest round | p50, µs | p99, µs | CPU s/100k | \
         peak MiB | wrk busy | others |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for subject in subjects {
        let Some(medians) = runs.of(workload, subject.name) else {
            continue;
        };
        let [slowest, fastest] = medians.range;
        table += &format!(
            "| {} | {:.0} | {slowest:.0} to {fastest:.0} | {:.0} | {:.0} | {:.2} | {:.1} | \
             {:.0} % | {:.0} % |\n",
            subject.name,
            medians.per_second,
            medians.p50 * 1e6,
            medians.p99 * 1e6,
            medians.cpu,
            medians.peak_mib,
            medians.wrk_percent,
            medians.others_percent,
        );
    }
    table
}

/// The host's requests per second as a multiple of each peer's; nothing if one side is missing.
fn ratios(runs: &Runs, workload: &str, subjects: &[&'static Subject]) -> String {
    let (ours, peers): (Vec<&Subject>, Vec<&Subject>) =
        subjects.iter().partition(|subject| subject.is_ours());
    if ours.is_empty() || peers.is_empty() {
        return String::new();
    }
    let heading: String = ours
        .iter()
        .map(|subject| format!(" {} |", subject.name))
        .collect();
    let mut table = format!(
        "| requests/s, times those of |{heading}\n| --- |{}\n",
        " ---: |".repeat(ours.len())
    );
    for peer in peers {
        let ratio = |subject: &&Subject| {
            let ratio = runs.ratio(workload, subject.name, peer.name, |medians| {
                medians.per_second
            });
            ratio.map_or_else(|| " |".to_owned(), |ratio| format!(" {ratio:.2} |"))
        };
        let cells: String = ours.iter().map(ratio).collect();
        table += &format!("| {} |{cells}\n", peer.name);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::figures::Sample;
    use super::super::workload::HELLO_32;
    use super::*;
    use std::time::Duration;

    fn runs(subjects: &[(&'static str, f64)]) -> Runs {
        let mut runs = Runs::default();
        for (subject, per_second) in subjects {
            let sample = Sample {
                per_second: *per_second,
                p99: Duration::from_micros(1500),
                cpu: 1.25,
                peak_kib: 2048,
                ..Sample::default()
            };
            runs.add(HELLO_32, subject, sample);
        }
        runs
    }

    #[test]
    fn what_was_measured_is_shown_and_compared() {
        let text = load(&runs(&[("lean-fresh", 150.0), ("hyper", 200.0)]));
        let row = "| lean-fresh | 150 | 150 to 150 | 0 | 1500 | 1.25 | 2.0 | 0 % | 0 % |";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("| hyper | 0.75 |"), "{text}");
        assert_eq!(text.matches("###").count(), 1);
    }

    #[test]
    fn without_a_peer_nothing_is_compared() {
        let text = load(&runs(&[("lean-fresh", 150.0)]));
        assert!(!text.contains("times"), "{text}");
        assert!(load(&Runs::default()).is_empty());
        assert!(subjects().contains("| nginx |"));
    }
}
