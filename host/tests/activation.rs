//! Sockets that are passed on by whoever started the program, as systemd does it: they take the
//! place of the configured ones and outlive the process, and the manager is told the state.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::*;

/// What a shell does to pass its standard input on as the only socket.
const PASS: &str = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$";

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Starts the program on a socket of the test's own.
#[track_caller]
fn start_on(listener: &TcpListener) -> Program {
    let socket: OwnedFd = listener.try_clone().unwrap().into();
    Program::start_with(socket.into(), PASS, HELLO)
}

/// The program after this shell's command, for what [`Program`] is not made for.
fn shell(setup: &str, folder: &Path, input: impl Into<Stdio>) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{setup}\nexec \"$0\" --config config.toml"))
        .arg(env!("CARGO_BIN_EXE_httpd-host"))
        .current_dir(folder)
        .stdin(input);
    command
}

#[test]
fn a_socket_that_is_passed_on_takes_the_place_of_the_configured_ones() {
    let (passed, address) = listener();
    let program = start_on(&passed);
    assert_eq!(program.addresses, [address]);
    program.request(get("/hello")).expect(200);
    let is_it = |line: &str| line.contains("not on server.listen") && line.contains("sockets=1");
    program.log.wait_for("what happened", is_it);
}

#[test]
fn sockets_for_another_process_are_none() {
    let (passed, address) = listener();
    let socket: OwnedFd = passed.try_clone().unwrap().into();
    let setup = PASS.replace("$$", "1");
    let program = Program::start_with(socket.into(), &setup, HELLO);
    assert_ne!(program.addresses, [address]);
    program.request(get("/hello")).expect(200);
}

#[test]
fn several_sockets_of_both_families_are_served_and_left_to_their_owner() {
    let folder = folder_with("config.toml", HELLO);
    let path = folder.path().join("passed.sock");
    let unix: OwnedFd = UnixListener::bind(&path).unwrap().into();
    let (tcp, address) = listener();
    let setup = "exec 3<&0 4<&1 </dev/null >/dev/null; export LISTEN_FDS=2 LISTEN_PID=$$";
    let mut command = shell(setup, folder.path(), OwnedFd::from(tcp));
    let mut child = command.stdout(unix).stderr(Stdio::null()).spawn().unwrap();
    // Both sockets listen, so nobody has to wait for the program.
    Client::connect(address).request(get("/hello")).expect(200);
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    io::Write::write_all(&mut &stream, get("/hello").as_bytes()).unwrap();
    let mut start = [0; 12];
    io::Read::read_exact(&mut &stream, &mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    drop(stream);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(path.exists(), "the file belongs to whoever made it");
}

#[test]
fn what_is_passed_on_must_listen() {
    let folder = folder_with("config.toml", HELLO);
    let (_peer, connected) = UnixStream::pair().unwrap();
    let no_listeners: [Stdio; 3] = [
        Stdio::null(),
        OwnedFd::from(connected).into(),
        OwnedFd::from(UdpSocket::bind("127.0.0.1:0").unwrap()).into(),
    ];
    for input in no_listeners {
        let output = shell(PASS, folder.path(), input).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("socket 1 of those"), "{said}");
    }
}

/// What a manager hears next.
fn heard(manager: &UnixDatagram) -> String {
    let mut message = [0; 1000];
    let length = manager.recv(&mut message).expect("nothing was told");
    String::from_utf8_lossy(&message[..length]).into_owned()
}

#[test]
fn the_manager_is_told_when_it_serves_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let setup = format!("export NOTIFY_SOCKET={}", path.display());
    let program = Program::start_after(&setup, HELLO);
    assert_eq!(heard(&manager), "READY=1\n");
    let place = program.addresses[0];
    assert_eq!(
        heard(&manager),
        format!("STATUS=serving on http://{place}\n")
    );
    program.signal(Signal::TERM);
    assert_eq!(heard(&manager), "STOPPING=1\n");
    assert_eq!(program.finish().0, Some(0));
}

/// Clients that ask as fast as they can until it is over. None of their requests may fail.
struct Load {
    over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<io::Result<()>>>,
    answers: Receiver<()>,
}

impl Load {
    /// Some keep their connections as long as they can, the others never.
    fn start(address: SocketAddr) -> Load {
        let over = Arc::new(AtomicBool::new(false));
        let (answered, answers) = mpsc::channel();
        let client = |number: usize| {
            let (over, answered) = (Arc::clone(&over), answered.clone());
            let last = ["", "connection: close\r\n"][number % 2];
            thread::spawn(move || ask_on(address, last, &over, &answered))
        };
        let clients = (0..8).map(client).collect();
        Load {
            over,
            clients,
            answers,
        }
    }

    /// Waits for so many answers from now on.
    #[track_caller]
    fn await_answers(&self, count: usize) {
        self.answers.try_iter().for_each(drop);
        for _ in 0..count {
            let answer = self.answers.recv_timeout(PATIENCE);
            answer.expect("no more answers");
        }
    }

    #[track_caller]
    fn finish(self) {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap().expect("a request failed");
        }
    }
}

fn ask_on(
    address: SocketAddr,
    last: &str,
    over: &AtomicBool,
    answered: &Sender<()>,
) -> io::Result<()> {
    while !over.load(Ordering::Relaxed) {
        let mut client = Client::over(TcpStream::connect(address)?);
        loop {
            client.try_send(head("GET", "/hello", last))?;
            let response = client.try_response("GET")?.expect(200);
            // Nobody listens when the test is over.
            let _ = answered.send(());
            if response.closes() || over.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    Ok(())
}

#[test]
fn a_new_process_takes_over_without_a_failed_request() {
    let (passed, address) = listener();
    let mut serving = start_on(&passed);
    let load = Load::start(address);
    for overlaps in [true, false, true, false] {
        load.await_answers(200);
        let successor = if overlaps {
            let successor = start_on(&passed);
            serving.signal(Signal::TERM);
            successor
        } else {
            // Whoever comes before the successor is ready waits in the backlog.
            serving.signal(Signal::TERM);
            start_on(&passed)
        };
        let (code, log) = std::mem::replace(&mut serving, successor).finish();
        assert_eq!(code, Some(0), "{log:#?}");
    }
    load.await_answers(200);
    load.finish();
}
