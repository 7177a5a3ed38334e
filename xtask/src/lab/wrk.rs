//! wrk, the load generator: started, ended, and its report read.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::shell;

/// A wrk that runs. Dropped, it is killed.
pub(crate) struct Wrk(Child);

/// What wrk is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'a str,
    /// Keep-alive connections, over all threads.
    pub(crate) connections: u32,
    pub(crate) threads: u32,
    pub(crate) seconds: u32,
    /// A program in Lua that makes the requests; without one they are a GET.
    pub(crate) script: Option<&'a Path>,
}

/// What wrk found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    /// Half of all requests were answered within this.
    pub(crate) p50: Duration,
    /// 99 of 100 were.
    pub(crate) p99: Duration,
    /// All were.
    pub(crate) max: Duration,
    /// How many were answered.
    pub(crate) requests: u64,
    /// How many were answered in a second.
    pub(crate) per_second: f64,
    /// What it says of errors and of answers that are neither 2xx nor 3xx; empty when all is well.
    pub(crate) problems: Vec<String>,
}

impl Wrk {
    /// Starts wrk with one thread and so many keep-alive connections on `path`, for this many
    /// seconds or until it is ended.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(
        address: SocketAddr,
        path: &str,
        connections: u32,
        seconds: u32,
    ) -> Result<Self> {
        Self::start_load(&Load {
            address,
            path,
            connections,
            threads: 1,
            seconds,
            script: None,
        })
    }

    /// Starts wrk on this load.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start_load(load: &Load<'_>) -> Result<Self> {
        let mut command = Command::new("wrk");
        command
            .arg("--latency")
            .arg(format!("-t{}", load.threads))
            .arg(format!("-c{}", load.connections))
            .arg(format!("-d{}s", load.seconds));
        if let Some(script) = load.script {
            command.arg("-s").arg(script);
        }
        let child = command
            .arg(format!("http://{}{}", load.address, load.path))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start wrk")?;
        Ok(Self(child))
    }

    /// Waits for its end and reads its report.
    ///
    /// # Errors
    /// It failed, or its report is not understood.
    pub(crate) fn finish(mut self) -> Result<Report> {
        let mut text = String::new();
        if let Some(mut out) = self.0.stdout.take() {
            std::io::Read::read_to_string(&mut out, &mut text)?;
        }
        let status = self.0.wait()?;
        ensure!(status.success(), "wrk: {status}: {text}");
        parse(&text).with_context(|| format!("wrk: {text}"))
    }

    /// Ends it before its time, as Ctrl-C does, and reads its report.
    ///
    /// # Errors
    /// Those of [`Wrk::finish`].
    pub(crate) fn end(self) -> Result<Report> {
        shell::run(Command::new("kill").args(["-INT", &self.0.id().to_string()]))?;
        self.finish()
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        // One that has ended already is what `finish` is for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The middle one of some times; zero of none.
pub(crate) fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The mean of some throughputs, measured equally long.
pub(crate) fn mean_per_second(reports: &[Report]) -> f64 {
    let sum: f64 = reports.iter().map(|report| report.per_second).sum();
    sum / reports.len() as f64
}

/// Reads a report with `--latency`.
fn parse(text: &str) -> Result<Report> {
    let after = |start: &str| {
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix(start));
        line.with_context(|| format!("nothing about {start:?}"))
    };
    let problem = |line: &&str| line.starts_with("Socket errors") || line.starts_with("Non-2xx");
    let max = after("Latency  ")?.split_whitespace().nth(2);
    let requests = text.split(" requests in ").next().unwrap_or_default();
    let requests = requests.split_whitespace().last().unwrap_or_default();
    Ok(Report {
        p50: duration(after("50%")?)?,
        p99: duration(after("99%")?)?,
        max: duration(max.context("no maximum")?)?,
        requests: requests.parse().context("the number of requests")?,
        per_second: after("Requests/sec:")?
            .trim()
            .parse()
            .context("requests per second")?,
        problems: text
            .lines()
            .map(str::trim)
            .filter(problem)
            .map(str::to_owned)
            .collect(),
    })
}

/// Reads a time as wrk writes it: a number and a unit without a space.
fn duration(text: &str) -> Result<Duration> {
    let text = text.trim();
    let end = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let second = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => anyhow::bail!("no time: {text:?}"),
    };
    let number: f64 = number
        .parse()
        .with_context(|| format!("no time: {text:?}"))?;
    Duration::try_from_secs_f64(number * second).with_context(|| format!("no time: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
Running 10s test @ http://127.0.0.1:8080/live
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.50ms  500.00us   1.01s    80.00%
    Req/Sec    40.00k     2.00k   44.00k    70.00%
  Latency Distribution
     50%  913.00us
     75%    1.70ms
     90%    2.00ms
     99%    3.57ms
  400123 requests in 10.00s, 60.00MB read
Requests/sec:  40012.34
Transfer/sec:      6.00MB
";

    #[test]
    fn a_report_is_read() {
        let expected = Report {
            p50: Duration::from_micros(913),
            p99: Duration::from_micros(3570),
            max: Duration::from_millis(1010),
            requests: 400_123,
            per_second: 40_012.34,
            problems: Vec::new(),
        };
        assert_eq!(parse(REPORT).unwrap(), expected);
    }

    #[test]
    fn problems_are_kept_in_its_words() {
        let errors = "  Socket errors: connect 0, read 1, write 0, timeout 0\n  \
                      Non-2xx or 3xx responses: 5\nRequests/sec:";
        let report = parse(&REPORT.replace("Requests/sec:", errors)).unwrap();
        let expected = [
            "Socket errors: connect 0, read 1, write 0, timeout 0",
            "Non-2xx or 3xx responses: 5",
        ];
        assert_eq!(report.problems, expected);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for wrong in [
            "",
            "unable to connect to 127.0.0.1:8080",
            &REPORT.replace("99%", "98%"),
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration(" 1.20m ").unwrap(), Duration::from_secs(72));
        assert_eq!(duration("0.00us").unwrap(), Duration::ZERO);
        for wrong in ["", "5", "ms", "-1s", "5 s", "5d"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
