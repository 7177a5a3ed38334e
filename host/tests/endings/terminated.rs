//! The real program is told to stop while clients of every kind are at work. Runs inside a network
//! namespace of its own, where another test starts it.

use std::io;
use std::thread::{self, JoinHandle};

use rustix::process::Signal;

use super::kernel::Aborts;
use crate::support::*;

const UPLOADS: usize = 40;
const UPLOAD_BYTES: usize = 2 << 20;
const IDLE: usize = 40;
const BUSY: usize = 16;
const COMING_AND_GOING: usize = 8;

#[test]
#[ignore = "runs in a network namespace, where another test starts it"]
fn nobody_loses_anything_to_a_signal() {
    super::namespace::assert_fresh();
    let program = Program::start(&guests());
    let uploads: Vec<_> = (0..UPLOADS).map(|_| half_an_upload(&program)).collect();
    let idle: Vec<_> = (0..IDLE).map(|_| answered_once(&program)).collect();
    let busy: Vec<_> = (0..BUSY)
        .map(|_| program.connect())
        .map(|client| thread::spawn(|| ask_on(client)))
        .collect();
    let address = program.addresses[0];
    let coming_and_going: Vec<_> = (0..COMING_AND_GOING)
        .map(|_| thread::spawn(move || come_and_go(address)))
        .collect();
    program.request(get("/hello")).expect(200);
    program.signal(Signal::TERM);
    let is_it = |line: &str| line.contains("stopping");
    program.log.wait_for("stopping", is_it);
    for mut client in idle {
        client.expect_end();
    }
    for upload in uploads {
        finish(upload);
    }
    println!("{} requests on kept connections", answers(busy));
    println!("{} on new ones", answers(coming_and_going));
    let (code, log) = program.finish();
    assert_eq!(code, Some(0), "{:#?}", log.last());
    assert_eq!(Aborts::read().on_close, 0, "the kernel reset connections");
}

/// Their deadlines count the uploads, which take long where much else is going on.
fn guests() -> String {
    let long = "deadline = \"100s\"";
    let hello = guest("hello", "hello", long) + &route("/hello", "hello", "");
    hello + &guest("echo", "echo", long) + &route("/echo", "echo", "")
}

/// A client that has sent half of a body that the host waits for.
fn half_an_upload(program: &Program) -> Client {
    let mut client = program.connect();
    let fields = format!("content-length: {UPLOAD_BYTES}\r\nexpect: 100-continue\r\n");
    client.request(head("POST", "/echo", &fields)).expect(100);
    client.send(zeros(UPLOAD_BYTES / 2));
    client
}

/// Sends the other half, and reads all of it.
fn finish(mut client: Client) {
    client.send(zeros(UPLOAD_BYTES / 2));
    let response = client.response().expect(200);
    assert_eq!(response.body.len(), UPLOAD_BYTES);
    assert!(response.closes());
    client.expect_end();
}

/// A client that has no wish for the moment.
fn answered_once(program: &Program) -> Client {
    let mut client = program.connect();
    client.request(get("/hello")).expect(200);
    client
}

fn answers(clients: Vec<JoinHandle<io::Result<u64>>>) -> u64 {
    let answers = |client: JoinHandle<io::Result<u64>>| client.join().unwrap();
    let each = clients.into_iter().map(answers);
    each.sum::<io::Result<u64>>().expect("a request was lost")
}
