//! The load: every subject beside every other, in rounds, so that what else the machine does meets
//! all of them alike.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::apart::Apart;
use super::check;
use super::figures::{Runs, Sample};
use super::launch::{self, Changes, Place};
use super::server::Server;
use super::subject::Subject;
use super::workload::{Request, Workload};
use crate::lab::others::{self, Others, TICKS_PER_SECOND};
use crate::lab::wrk::{Load, Wrk};
use crate::shell;

/// How a server gets warm: pages, instances and the branch predictor.
const WARM_UP: Load<'_> = Load {
    address: std::net::SocketAddr::V4(std::net::SocketAddrV4::new(
        std::net::Ipv4Addr::LOCALHOST,
        0,
    )),
    path: "/hello",
    connections: 32,
    threads: 1,
    seconds: 1,
    script: None,
};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) rounds: u32,
    pub(super) seconds: u32,
}

/// Measures these subjects at these workloads; a subject that cannot do one is left out there.
///
/// # Errors
/// A server fails, or answers something else than the others.
pub(super) fn measure(
    place: Place<'_>,
    pairs: &[(&'static Workload, Vec<&'static Subject>)],
    extent: Extent,
) -> Result<Runs> {
    let mut subjects: Vec<&Subject> = Vec::new();
    for subject in pairs.iter().flat_map(|(_, subjects)| subjects) {
        if !subjects.contains(subject) {
            subjects.push(subject);
        }
    }
    let what = format!(
        "Start {} servers, check their answers, warm them up",
        subjects.len()
    );
    let servers = shell::step(&what, || start(place, &subjects))?;
    let server = |subject: &Subject| {
        let found = servers.iter().find(|(known, _)| *known == subject.name);
        found.map(|(_, server)| server).context(subject.name)
    };
    let mut runs = Runs::default();
    for (workload, subjects) in pairs {
        let script = script(place.folder, workload)?;
        let what = format!("Load: {}, {} servers", workload.what, subjects.len());
        shell::step(&what, || {
            for _ in 0..extent.rounds {
                for subject in subjects {
                    let load = load(workload, script.as_deref(), extent.seconds);
                    let sample = run(server(subject)?, &load).context(subject.name)?;
                    runs.add(workload.name, subject.name, sample);
                }
            }
            Ok(())
        })?;
    }
    Ok(runs)
}

/// Loads a server once.
///
/// # Errors
/// It is gone, or answers with an error.
pub(super) fn run(server: &Server, load: &Load<'_>) -> Result<Sample> {
    let load = Load {
        address: server.address,
        ..*load
    };
    server.trim_log()?;
    let processes = server.processes()?;
    processes.forget_peak()?;
    let others = Others::watch(processes.ids())?;
    let (cpu, wrk) = (processes.cpu_seconds()?, others::ticks_of_children()?);
    // Only a single connection's latency is made of waking each other up.
    let apart = (load.connections == 1).then(|| Apart::put(&processes));
    let apart = apart.transpose()?;
    let started = Instant::now();
    let report = Wrk::start_load(&load)?.finish()?;
    drop(apart);
    let elapsed = started.elapsed().as_secs_f64();
    let wrk = (others::ticks_of_children()? - wrk) as f64 / TICKS_PER_SECOND;
    let cpu = processes.cpu_seconds()? - cpu;
    let refused = report
        .problems
        .iter()
        .find(|problem| problem.starts_with("Non-2xx"));
    ensure!(
        refused.is_none(),
        "{refused:?} of {} requests",
        report.requests
    );
    ensure!(report.requests > 0, "nothing was answered: {report:?}");
    Ok(Sample {
        per_second: report.per_second,
        p50: report.p50,
        p99: report.p99,
        cpu: cpu * 100_000.0 / report.requests as f64,
        peak_kib: processes.peak_kib()?,
        wrk_percent: wrk * 100.0 / elapsed / f64::from(load.threads),
        others_percent: others.percent()?,
        problems: report.problems,
    })
}

fn start(place: Place<'_>, subjects: &[&'static Subject]) -> Result<Vec<(&'static str, Server)>> {
    let start = |subject: &&'static Subject| {
        let launch = launch::subject(place, subject, Changes::default())?;
        let server = Server::start(&launch)?;
        check::answers(server.address, subject).context(subject.name)?;
        run(&server, &WARM_UP).context(subject.name)?;
        Ok((subject.name, server))
    };
    subjects.iter().map(start).collect()
}

fn script(folder: &Path, workload: &Workload) -> Result<Option<PathBuf>> {
    let Some(text) = workload.script() else {
        return Ok(None);
    };
    let path = folder.join(workload.name).with_extension("lua");
    fs::write(&path, text)?;
    Ok(Some(path))
}

fn load<'a>(workload: &Workload, script: Option<&'a Path>, seconds: u32) -> Load<'a> {
    Load {
        path: workload.path(),
        connections: workload.connections,
        threads: workload.threads(),
        seconds,
        script,
        ..WARM_UP
    }
}

/// The subjects that can do a workload.
pub(super) fn able(
    workload: &Workload,
    subjects: impl Iterator<Item = &'static Subject>,
) -> Vec<&'static Subject> {
    let echo = matches!(workload.request, Request::Echo(_));
    subjects
        .filter(|subject| !echo || subject.echoes())
        .collect()
}

/// How long the load takes about.
pub(super) fn time(pairs: &[(&Workload, Vec<&Subject>)], extent: Extent) -> Duration {
    let runs: usize = pairs.iter().map(|(_, subjects)| subjects.len()).sum();
    Duration::from_secs(u64::from(extent.rounds * extent.seconds) * runs as u64)
}

#[cfg(test)]
mod tests {
    use super::super::subject::SUBJECTS;
    use super::super::workload::ECHO_64K;
    use super::*;

    #[test]
    fn who_cannot_echo_is_left_out() {
        let echo = Workload::named(ECHO_64K).unwrap();
        let able = able(echo, SUBJECTS.iter());
        assert!(
            able.iter()
                .all(|subject| !["bare", "nginx"].contains(&subject.name))
        );
        assert_eq!(able.len() + 2, SUBJECTS.len());
    }

    #[test]
    fn the_time_counts_every_run() {
        let workload = Workload::named(ECHO_64K).unwrap();
        let pairs = [(workload, able(workload, SUBJECTS.iter().take(2)))];
        let extent = Extent {
            rounds: 3,
            seconds: 2,
        };
        assert_eq!(time(&pairs, extent), Duration::from_secs(12));
    }
}
