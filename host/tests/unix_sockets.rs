//! Unix sockets as listeners: their files, who may connect, and that connections end as well there.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Instant;

use httpd_host::server::Ended;
use rustix::process::Signal;

use crate::support::*;

const LAST: &str = "connection: close\r\n";
const PLACE: &str = "[server]\nlisten = [\"unix:here.sock\"]\n";

/// A server that listens at `here.sock` of a folder, and nowhere else.
fn server_in(folder: &Path, keys: &str) -> TestServer {
    let path = folder.join("here.sock");
    let place = format!("[server]\nlisten = [\"unix:{}\"]\n{keys}\n", path.display());
    TestServer::start(&(place + HELLO + ECHO))
}

fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).expect("cannot connect");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that comes until the host's end of the connection, which must be an orderly one.
#[track_caller]
fn rest(mut stream: &UnixStream) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("no orderly end");
    rest
}

/// Sends a request that is the last one of its connection, and returns the whole answer.
#[track_caller]
fn ask(mut stream: &UnixStream) -> String {
    stream
        .write_all(head("GET", "/hello", LAST).as_bytes())
        .unwrap();
    rest(stream)
}

#[track_caller]
fn greets(answer: &str) {
    let whole = answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("Hello world!");
    assert!(whole, "{answer}");
}

/// Starts the program with a configuration that listens at `here.sock` in `folder`, and returns
/// what it says when it cannot.
#[track_caller]
fn cannot_start(folder: &Path) -> String {
    fs::write(folder.join("other.toml"), PLACE.to_owned() + HELLO).unwrap();
    let finished = run_in(folder, &["--config", "other.toml"]);
    assert_eq!(finished.code, Some(1), "{}", finished.out);
    assert!(
        finished.err.contains("cannot listen on unix:here.sock: "),
        "{}",
        finished.err
    );
    finished.err
}

#[test]
fn the_program_says_where_and_leaves_nothing_behind() {
    let program = Program::start(&(PLACE.to_owned() + HELLO));
    program
        .out
        .wait_for("the socket", |line| line == "listening on unix:here.sock");
    let path = program.path("here.sock");
    greets(&ask(&connect(&path)));
    let is_access = |line: &str| line.contains("target=/hello");
    let line = program.log.wait_for("access", is_access);
    assert!(line.contains(" client=unix "), "{line}");
    program.signal(Signal::TERM);
    program.out.wait_for_end();
    assert!(!path.exists(), "the socket is still there");
    assert_eq!(program.finish().0, Some(0));
}

#[test]
fn the_mode_is_as_configured_whatever_the_umask() {
    for (umask, mode, expected) in [
        ("umask 0", "", 0o660),
        ("umask 077", "unix_mode = \"0666\"\n", 0o666),
        ("umask 0", "unix_mode = \"0600\"\n", 0o600),
    ] {
        let program = Program::start_after(umask, &(PLACE.to_owned() + mode + HELLO));
        let file = fs::metadata(program.path("here.sock")).unwrap();
        assert_eq!(file.permissions().mode() & 0o7777, expected);
    }
}

#[test]
fn a_socket_that_nobody_listens_at_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("here.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let _server = server_in(folder.path(), "");
    greets(&ask(&connect(&path)));
}

#[test]
fn a_socket_in_use_is_left_to_its_server() {
    let folder = folder_with("some", "");
    let _server = server_in(folder.path(), "");
    let said = cannot_start(folder.path());
    assert!(said.contains("another server listens there"), "{said}");
    greets(&ask(&connect(&folder.path().join("here.sock"))));
}

#[test]
fn a_server_whose_backlog_is_full_is_alive() {
    let folder = folder_with("some", "");
    let path = folder.path().join("here.sock");
    let listener = UnixListener::bind(&path).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _waiting = connect(&path);
    let said = cannot_start(folder.path());
    assert!(said.contains("another server listens there"), "{said}");
}

#[test]
fn files_of_other_kinds_are_never_touched() {
    let folder = folder_with("file", "precious");
    let path = folder.path().join("here.sock");
    let stale = folder.path().join("stale");
    drop(UnixListener::bind(&stale).unwrap());
    for target in ["file", "stale", "absent"] {
        symlink(target, &path).unwrap();
        let said = cannot_start(folder.path());
        assert!(said.contains("no socket is there"), "{said}");
        assert_eq!(fs::read_link(&path).unwrap(), Path::new(target));
        fs::remove_file(&path).unwrap();
    }
    fs::write(&path, "precious").unwrap();
    cannot_start(folder.path());
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert!(stale.exists());
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let folder = folder_with("config.toml", "");
    let text = "[server]\nlisten = [\"unix:no/such/x.sock\"]\n".to_owned() + HELLO;
    fs::write(folder.path().join("config.toml"), text).unwrap();
    let finished = run_in(folder.path(), &["--config", "config.toml"]);
    assert_eq!(finished.code, Some(1));
    assert!(
        finished.err.contains("unix:no/such/x.sock: No such file")
            && finished.err.contains("is its directory there"),
        "{}",
        finished.err
    );
}

#[test]
fn a_socket_that_another_put_in_its_place_stays() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_in(folder.path(), "");
    let path = folder.path().join("here.sock");
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    assert_eq!(server.stop(), Ended::Drained);
    assert!(path.exists(), "it was another's");
}

#[test]
fn a_refusal_amid_an_upload_arrives() {
    const MUCH: usize = 8 << 20;
    let folder = tempfile::tempdir().unwrap();
    let _server = server_in(folder.path(), "");
    let stream = connect(&folder.path().join("here.sock"));
    let mut sending = stream.try_clone().unwrap();
    let upload = head("POST", "/nowhere", &format!("content-length: {MUCH}\r\n"));
    let sender = thread::spawn(move || {
        sending.write_all(upload.as_bytes())?;
        sending.write_all(&zeros(MUCH))
    });
    let answer = rest(&stream);
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    // The host reads on until all is sent: nobody's bytes are thrown back at him.
    sender.join().unwrap().expect("the upload was cut off");
}

#[test]
fn whoever_has_connected_before_the_end_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = server_in(folder.path(), "max_connections = 1");
    let path = folder.path().join("here.sock");
    let mut busy = connect(&path);
    let fields = format!("content-length: 4\r\nexpect: 100-continue\r\n{LAST}");
    busy.write_all(head("POST", "/echo", &fields).as_bytes())
        .unwrap();
    let mut interim = [0; 25];
    busy.read_exact(&mut interim).unwrap();
    let waiting: Vec<_> = (0..5).map(|_| connect(&path)).collect();
    for mut client in &waiting {
        client
            .write_all(head("GET", "/hello", LAST).as_bytes())
            .unwrap();
    }
    server.begin_stop();
    for client in &waiting {
        greets(&rest(client));
    }
    refused_at_last(&path);
    busy.write_all(b"body").unwrap();
    assert!(rest(&busy).ends_with("body"));
    drop((busy, waiting));
    assert_eq!(server.stop(), Ended::Drained);
}

/// Connections come to be refused, and those that were not get an orderly end.
fn refused_at_last(path: &Path) {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "connections are still accepted");
        match UnixStream::connect(path) {
            Ok(stream) => drop(rest(&stream)),
            Err(error) => {
                let kind = error.kind();
                let gone = matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused);
                assert!(gone, "{error}");
                return;
            }
        }
    }
}
