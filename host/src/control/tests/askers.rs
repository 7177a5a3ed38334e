//! Askers: polite ones, several at once, slow, confused and gone.

use super::support::*;
use crate::control::{AskError, Command, Reply, Status, ask};
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

const STATUS: &[u8] = b"{\"command\":\"status\"}\n";
const RELOAD: &[u8] = b"{\"command\":\"reload\"}\n";
/// For what must run out in these tests.
const SHORT: Duration = Duration::from_millis(100);

#[test]
fn the_status_is_told() {
    let host = Host::start();
    let reply = ask(&host.path, Command::Status, PATIENCE).unwrap();
    assert_eq!(reply, Reply::Status(Box::new(host.rote.status.clone())));
}

#[test]
fn a_reload_is_waited_for() {
    let host = Host::start();
    thread::scope(|scope| {
        let asked = scope.spawn(|| ask(&host.path, Command::Reload, PATIENCE).unwrap());
        host.wait(host.rote.begun.notified());
        assert!(!asked.is_finished());
        host.let_go(1);
        let reply = asked.join().unwrap();
        assert_eq!(reply, Reply::Reload(host.rote.outcome.clone()));
    });
}

/// The asker's timeout passes several times before the reload ends.
#[test]
fn a_reload_may_take_longer_than_the_timeout_while_the_host_lives() {
    let host = Host::with(&settings(8, SHORT * 3));
    let mut stream = host.connect();
    stream.write_all(RELOAD).unwrap();
    let mut signs = [0; 10];
    stream.read_exact(&mut signs).unwrap();
    assert_eq!(signs, [b'\n'; 10]);
    host.let_go(1);
    let answer = rest(&mut stream);
    let reply: Reply = serde_json::from_str(&answer).unwrap();
    assert_eq!(reply, Reply::Reload(host.rote.outcome.clone()));
}

#[test]
fn several_are_answered_while_one_waits() {
    let host = Host::start();
    let mut waiting = host.connect();
    waiting.write_all(RELOAD).unwrap();
    host.wait(host.rote.begun.notified());
    for _ in 0..3 {
        assert!(host.send(STATUS).contains("\"version\":\"1.2.3\""));
    }
    host.let_go(1);
    assert!(rest(&mut waiting).contains("generation 2"));
}

#[test]
fn a_question_may_come_in_pieces_and_without_its_lines_end() {
    let host = Host::start();
    let mut stream = host.connect();
    for byte in STATUS {
        stream.write_all(&[*byte]).unwrap();
    }
    assert!(rest(&mut stream).contains("\"pid\":42"));
    assert!(
        host.send(&STATUS[..STATUS.len() - 1])
            .contains("\"pid\":42")
    );
}

#[test]
fn garbage_is_told_what_would_be_understood() {
    let host = Host::start();
    let long = [&vec![b'x'; 200_000][..], b"\n"].concat();
    for (bytes, said) in [
        (&b"status\n"[..], "not understood"),
        (b"GET / HTTP/1.1\r\n\r\n", "not understood"),
        (b"\0\xff\xfe\n", "not understood"),
        (b"\n", "not understood"),
        (&long[..1024], "longer than 1024 bytes"),
    ] {
        let answer = host.send(bytes);
        assert!(answer.starts_with("{\"error\":"), "{answer}");
        assert!(answer.contains(said), "{answer}");
    }
    // What lies behind the question, or behind what is too long for one, does not cost the answer.
    assert!(
        host.send(&[STATUS, &long[..50_000]].concat())
            .contains("\"pid\":42")
    );
    assert!(host.send(&long[..50_000]).contains("longer than"));
}

#[test]
fn whoever_asks_nothing_is_told_so_in_time_and_gives_the_place_back() {
    let host = Host::with(&settings(1, SHORT));
    let mut silent = host.connect();
    silent.write_all(b"{\"comm").unwrap();
    let mut next = host.connect();
    next.write_all(STATUS).unwrap();
    assert!(rest(&mut silent).contains("no question came"));
    assert!(rest(&mut next).contains("\"pid\":42"));
}

#[test]
fn there_are_no_more_at_once_than_allowed() {
    let host = Host::with(&settings(2, PATIENCE));
    let mut waiting = [host.connect(), host.connect()];
    for stream in &mut waiting {
        stream.write_all(RELOAD).unwrap();
        host.wait(host.rote.begun.notified());
    }
    let mut third = host.connect();
    third.write_all(STATUS).unwrap();
    third.set_read_timeout(Some(SHORT)).unwrap();
    assert!(third.read(&mut [0; 1]).is_err());
    host.let_go(2);
    drop(waiting);
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(rest(&mut third).contains("\"pid\":42"));
}

#[test]
fn who_hangs_up_leaves_nothing_behind() {
    let host = Host::with(&settings(1, PATIENCE));
    for bytes in [&b""[..], b"{\"com", STATUS, b"garbage\n"] {
        host.connect().write_all(bytes).unwrap();
        assert!(host.send(STATUS).contains("\"pid\":42"), "{bytes:?}");
    }
    let mut asker = host.connect();
    asker.write_all(RELOAD).unwrap();
    host.wait(host.rote.begun.notified());
    drop(asker);
    // The reload goes on without its asker.
    host.let_go(1);
    assert!(host.send(STATUS).contains("\"pid\":42"));
    assert_eq!(host.rote.let_go.available_permits(), 0);
}

#[test]
fn who_never_reads_gives_the_place_back() {
    let status = Status {
        config: Some("more than the socket holds".repeat(1 << 18)),
        ..Status::default()
    };
    let rote = Rote {
        status,
        ..Rote::default()
    };
    let host = Host::telling(rote, &settings(1, SHORT));
    let mut deaf = host.connect();
    deaf.write_all(STATUS).unwrap();
    let mut next = host.connect();
    next.write_all(b"garbage\n").unwrap();
    assert!(rest(&mut next).contains("not understood"));
}

#[test]
fn a_host_that_ends_leaves_nobody_waiting() {
    let mut host = Host::start();
    let mut asker = host.connect();
    asker.write_all(RELOAD).unwrap();
    host.wait(host.rote.begun.notified());
    host.stop();
    assert_eq!(rest(&mut asker).trim(), "");
}

#[test]
fn an_asker_learns_why_there_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let absent = ask(&path, Command::Status, PATIENCE).unwrap_err();
    assert!(matches!(absent, AskError::NoHost { .. }), "{absent}");
    assert!(absent.to_string().contains("control.sock"), "{absent}");

    let listener = UnixListener::bind(&path).unwrap();
    let silent = ask(&path, Command::Status, SHORT).unwrap_err();
    assert!(
        silent.to_string().contains("nothing came for 100ms"),
        "{silent}"
    );
    drop(listener.accept());
    for (answer, said) in [
        ("", "ended the connection first"),
        ("HTTP/1.1 400\n", "not understood"),
    ] {
        let error = thread::scope(|scope| {
            let asked = scope.spawn(|| ask(&path, Command::Status, PATIENCE).unwrap_err());
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; STATUS.len()];
            stream.read_exact(&mut question).unwrap();
            assert_eq!(question, STATUS);
            stream.write_all(answer.as_bytes()).unwrap();
            drop(stream);
            asked.join().unwrap()
        });
        assert!(error.to_string().contains(said), "{error}");
    }
    drop(listener);
    let left = ask(&path, Command::Status, PATIENCE).unwrap_err();
    assert!(matches!(left, AskError::NoHost { .. }), "{left}");
}

#[test]
fn a_host_with_a_full_backlog_does_not_block_its_asker() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&socket2::SockAddr::unix(&path).unwrap())
        .unwrap();
    socket.listen(0).unwrap();
    let _fills = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let start = Instant::now();
    assert!(ask(&path, Command::Status, SHORT).is_err());
    assert!(start.elapsed() < PATIENCE);
}
