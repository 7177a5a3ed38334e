//! Where the host's threads may run. A thread that serves connections keeps a processor of its own;
//! what others do, also those that such a thread began, may be done anywhere.

use std::fs;
use std::thread;
use std::time::Instant;

use rustix::process::getpriority_process;
use rustix::thread::sched_getaffinity;

use crate::support::*;

/// What the names of threads that serve begin with.
const WORKER: &str = "worker-";

/// A thread's name, and the processor that it keeps to, if it does.
type Thread = (String, Option<usize>);

fn threads(program: &Program) -> Vec<Thread> {
    let tasks = format!("/proc/{}/task", program.pid().as_raw_nonzero());
    let thread = |task: fs::DirEntry| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let allowed = |line: &str| line.strip_prefix("Cpus_allowed_list:").map(str::to_owned);
        let processors = status.lines().find_map(allowed)?;
        Some((name.trim().to_owned(), processors.trim().parse().ok()))
    };
    let tasks = fs::read_dir(tasks).unwrap();
    tasks.filter_map(|task| thread(task.unwrap())).collect()
}

/// Those that keep to a processor: threads that serve, and each to its own. One that has just begun
/// may not be where it is to be.
fn bound(program: &Program) -> Vec<Thread> {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut bound = threads(program);
        bound.retain(|thread| thread.1.is_some());
        bound.sort_by_key(|thread| thread.1);
        let is_own = bound.windows(2).all(|two| two[0].1 != two[1].1);
        if is_own && bound.iter().all(|thread| thread.0.starts_with(WORKER)) {
            return bound;
        }
        assert!(Instant::now() < end, "{bound:?}");
    }
}

/// Whether threads can be expected to keep to processors: there are several, the process may use
/// all the time of each, and it is as important as others.
fn can_be_bound() -> bool {
    let processors = sched_getaffinity(None).unwrap().count() as usize;
    let threads = thread::available_parallelism().unwrap().get();
    processors > 1 && threads == processors && getpriority_process(None) == Ok(0)
}

/// Has a guest that keeps something called by many clients at once.
fn load(program: &Program) {
    let clients: Vec<_> = (0..8).map(|_| program.connect()).collect();
    thread::scope(|scope| {
        for mut client in clients {
            scope.spawn(move || {
                for _ in 0..50 {
                    client.request(get("/")).expect(200);
                }
            });
        }
    });
}

fn sections(server: &str, store: &str) -> String {
    format!("[server]\nlisten = [\"127.0.0.1:0\"]\n{server}\n[keyvalue]\ndirectory = \"{store}\"\n")
        + &guest("counter", "counter", "keyvalue = [\"default\"]")
        + &route("/", "counter", "")
}

#[test]
fn only_threads_that_serve_keep_to_a_processor_and_each_to_its_own() {
    if sched_getaffinity(None).unwrap().count() == 1 {
        return; // Every thread has the same one.
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let program = Program::start(&sections("", &store));
    let end = Instant::now() + PATIENCE;
    load(&program);
    while bound(&program).is_empty() && can_be_bound() {
        assert!(Instant::now() < end, "no thread keeps to its processor");
        load(&program);
    }
    assert!(
        threads(&program)
            .iter()
            .any(|thread| thread.0 == "keyvalue")
    );
    // What is loaded anew is compiled and opened by other threads, and not in that place either.
    let guests = root().join("guests/dist").display().to_string();
    let config = fs::read_to_string(program.path("config.toml")).unwrap();
    let config = config + &HELLO.replace("guests/dist", &guests);
    fs::write(program.path("config.toml"), config).unwrap();
    program.signal(rustix::process::Signal::HUP);
    let is_there = || program.request(get("/hello")).status == 200;
    while !is_there() {
        assert!(
            Instant::now() < end + PATIENCE,
            "the new guest is not there"
        );
    }
    load(&program);
    bound(&program);
}

#[test]
fn none_does_when_that_is_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let program = Program::start(&sections("pin_threads = false", &store));
    load(&program);
    if sched_getaffinity(None).unwrap().count() > 1 {
        assert_eq!(bound(&program), []);
    }
}
