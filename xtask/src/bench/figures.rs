//! What was measured, as numbers: samples, their medians, and the comparison of two subjects. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

/// One run of wrk against one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    pub(super) per_second: f64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// User and system time of the server for 100,000 requests, in seconds.
    pub(super) cpu: f64,
    /// The most memory that the server had.
    pub(super) peak_kib: u64,
    /// How busy a thread of wrk was, in percent of a processor: near 100, wrk was the limit.
    pub(super) wrk_percent: f64,
    /// How much of the machine others used, in percent.
    pub(super) others_percent: f64,
    /// What wrk complains of.
    pub(super) problems: Vec<String>,
}

/// All samples, by workload and subject.
#[derive(Debug, Default)]
pub(super) struct Runs(BTreeMap<(&'static str, &'static str), Vec<Sample>>);

/// The medians of a subject's samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Medians {
    pub(super) per_second: f64,
    /// The slowest and the fastest sample.
    pub(super) range: [f64; 2],
    /// Seconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) cpu: f64,
    pub(super) peak_mib: f64,
    pub(super) wrk_percent: f64,
    pub(super) others_percent: f64,
}

impl Runs {
    /// Keeps a sample.
    pub(super) fn add(&mut self, workload: &'static str, subject: &'static str, sample: Sample) {
        self.0.entry((workload, subject)).or_default().push(sample);
    }

    /// The medians of a subject at a workload, if it was measured.
    pub(super) fn of(&self, workload: &str, subject: &str) -> Option<Medians> {
        let samples = self
            .0
            .iter()
            .find(|((known, by), _)| *known == workload && *by == subject);
        samples.map(|(_, samples)| medians(samples))
    }

    /// How often it was measured.
    pub(super) fn rounds(&self) -> usize {
        self.0.values().map(Vec::len).max().unwrap_or_default()
    }

    /// What wrk complained of, and where.
    pub(super) fn problems(&self) -> Vec<String> {
        let all = self.0.iter().flat_map(|((workload, subject), samples)| {
            let problems = samples.iter().flat_map(|sample| &sample.problems);
            problems.map(move |problem| format!("{workload}, {subject}: {problem}"))
        });
        all.collect()
    }

    /// A figure of `subject` as a multiple of `peer`'s, if both were measured.
    pub(super) fn ratio(
        &self,
        workload: &str,
        subject: &str,
        peer: &str,
        figure: fn(&Medians) -> f64,
    ) -> Option<f64> {
        let (ours, theirs) = (self.of(workload, subject)?, self.of(workload, peer)?);
        Some(figure(&ours) / figure(&theirs))
    }
}

/// The middle of some figures, or between the two in the middle; NaN of none.
pub(super) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}

fn medians(samples: &[Sample]) -> Medians {
    let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
    let rates = || samples.iter().map(|sample| sample.per_second);
    Medians {
        per_second: of(|sample| sample.per_second),
        range: [
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0.0, f64::max),
        ],
        p50: of(|sample| sample.p50.as_secs_f64()),
        p99: of(|sample| sample.p99.as_secs_f64()),
        cpu: of(|sample| sample.cpu),
        peak_mib: of(|sample| sample.peak_kib as f64 / 1024.0),
        wrk_percent: of(|sample| sample.wrk_percent),
        others_percent: of(|sample| sample.others_percent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(per_second: f64) -> Sample {
        Sample {
            per_second,
            p50: Duration::from_millis(2),
            problems: vec!["Socket errors".to_owned()],
            ..Sample::default()
        }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).is_nan());
    }

    #[test]
    fn subjects_are_compared_by_their_medians() {
        let mut runs = Runs::default();
        for rate in [100.0, 900.0, 200.0] {
            runs.add("hello", "a", sample(rate));
        }
        runs.add("hello", "b", sample(50.0));
        let ratio = runs
            .ratio("hello", "a", "b", |medians| medians.per_second)
            .unwrap();
        assert!((ratio - 4.0).abs() < 1e-9);
        assert_eq!(runs.ratio("hello", "a", "c", |medians| medians.p50), None);
        let medians = runs.of("hello", "a").unwrap();
        assert_eq!(medians.range, [100.0, 900.0]);
        assert!((medians.p50 - 0.002).abs() < 1e-9);
        assert_eq!((runs.rounds(), runs.problems().len()), (3, 4));
    }
}
