//! More clients than files: the server survives, refuses nobody with a reset, and recovers.

use std::io::ErrorKind;
use std::thread;

use rustix::process::{Resource, Rlimit, prlimit};

use crate::support::*;

const CLIENTS: usize = 300;
const FILES: u64 = 128;

/// What became of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// The host ended the connection in order before it had seen the request.
    Dismissed,
    Lost,
}

fn ask(client: &mut Client) -> Fate {
    // Whoever was dismissed meanwhile may find that nobody reads any more.
    if client.try_send(get("/hello")).is_err() {
        return Fate::Lost;
    }
    match client.try_response("GET") {
        Ok(response) => {
            response.expect(200);
            Fate::Answered
        }
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Fate::Dismissed,
        Err(_) => Fate::Lost,
    }
}

/// A host that may open 128 files.
fn with_few_files() -> Program {
    let sections = "[server]\nlisten = [\"127.0.0.1:0\"]\nthreads = 2\n".to_owned() + HELLO;
    Program::start_after(&format!("ulimit -n {FILES}"), &sections)
}

/// All clients connect, then all ask at once; each leaves when it knows its fate.
fn crowd(program: &Program) -> Vec<Fate> {
    let clients: Vec<Client> = (0..CLIENTS).map(|_| program.connect()).collect();
    let asking: Vec<_> = clients
        .into_iter()
        .map(|mut client| thread::spawn(move || ask(&mut client)))
        .collect();
    asking
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

fn count(fates: &[Fate], fate: Fate) -> usize {
    fates.iter().filter(|other| **other == fate).count()
}

#[test]
fn three_hundred_clients_and_128_files() {
    let program = with_few_files();
    let room = program
        .out
        .wait_for("room", |line| line.starts_with("room for "));
    // 32 files are kept for the host, and for each thread 6 and one for the listener.
    assert_eq!(room, "room for 82 connections");
    let fates = crowd(&program);
    assert_eq!(count(&fates, Fate::Lost), 0, "{fates:?}");
    assert!(count(&fates, Fate::Answered) >= 82, "{fates:?}");
    for _ in 0..CLIENTS {
        program.request(get("/hello")).expect(200);
    }
}

#[test]
fn accept_that_fails_ends_nothing() {
    let program = with_few_files();
    program.request(get("/hello")).expect(200);
    // Fewer files than the host reckoned with: now accept itself fails.
    let fewer = Rlimit {
        current: Some(48),
        maximum: Some(FILES),
    };
    prlimit(Some(program.pid()), Resource::Nofile, fewer).unwrap();
    let fates = crowd(&program);
    program.log.wait_for("a failed accept", |line| {
        line.contains("cannot accept a connection")
    });
    assert_eq!(count(&fates, Fate::Lost), 0, "{fates:?}");
    assert!(count(&fates, Fate::Answered) >= 32, "{fates:?}");
    for _ in 0..CLIENTS {
        program.request(get("/hello")).expect(200);
    }
}
