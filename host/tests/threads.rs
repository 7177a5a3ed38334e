//! Where the host's threads may run. A thread of the runtime keeps a processor of its own; what
//! others do, also those that a thread of the runtime began, may be done anywhere.

use std::fs;
use std::thread;
use std::time::Instant;

use crate::support::*;

/// Threads of the runtime and of its pool for what blocks.
const RUNTIME: &str = "tokio-rt-worker";

/// Every thread's name, and whether it is bound to one of several processors.
fn threads(program: &Program) -> Vec<(String, bool)> {
    let tasks = format!("/proc/{}/task", program.pid().as_raw_nonzero());
    let thread = |task: fs::DirEntry| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let allowed = |line: &str| line.strip_prefix("Cpus_allowed_list:").map(str::to_owned);
        let processors = status.lines().find_map(allowed)?;
        let is_bound = processors.trim().parse::<u32>().is_ok();
        Some((name.trim().to_owned(), is_bound))
    };
    let tasks = fs::read_dir(tasks).unwrap();
    tasks.filter_map(|task| thread(task.unwrap())).collect()
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
fn only_threads_of_the_runtime_keep_to_a_processor_and_each_to_its_own() {
    let processors = thread::available_parallelism().unwrap().get();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let program = Program::start(&sections("", &store));
    let end = Instant::now() + PATIENCE;
    loop {
        load(&program);
        let (bound, free): (Vec<_>, Vec<_>) = threads(&program).into_iter().partition(|it| it.1);
        assert!(bound.len() <= processors, "{bound:?}");
        assert!(bound.iter().all(|(name, _)| name == RUNTIME), "{bound:?}");
        assert!(free.iter().any(|(name, _)| name == "keyvalue"), "{free:?}");
        // With one processor there is no other that a thread could keep from.
        if processors == 1 || !bound.is_empty() {
            break;
        }
        assert!(Instant::now() < end, "no thread keeps to its processor");
    }
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
    let bound = threads(&program).into_iter().filter(|it| it.1);
    assert!(bound.clone().count() <= processors);
    assert!(bound.clone().all(|(name, _)| name == RUNTIME));
}

#[test]
fn none_does_when_that_is_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let program = Program::start(&sections("pin_threads = false", &store));
    load(&program);
    let several = thread::available_parallelism().unwrap().get() > 1;
    let bound = threads(&program).into_iter().filter(|it| it.1).count();
    assert!(!several || bound == 0);
}
