//! Connections that wait, and that go on in another thread.

use super::super::Server;
use super::*;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const REQUEST: &[u8] = b"HEAD / HTTP/1.1\r\nhost: a\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(20);

/// With what the runtime adds this fills 256 bytes, and the next size it takes is 384.
#[test]
fn a_connection_that_waits_is_small() {
    assert!(size_of::<Life>() <= 160, "{}", size_of::<Life>());
}

/// A runtime with a thread that works.
fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

/// A client, and its connection in that runtime, which is not polled yet.
fn connect(server: &Server, runtime: &Runtime) -> (TcpStream, Life) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let accepted = listener.accept().unwrap().0;
    accepted.set_nonblocking(true).unwrap();
    let _entered = runtime.enter();
    let stream = Stream::Tcp(tokio::net::TcpStream::from_std(accepted).unwrap());
    let slot = server.shared.connections.enter(None);
    let life = Life::new(stream, "peer".into(), slot, Arc::clone(&server.shared));
    (client, life)
}

fn is_answered(client: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let length = client.read(&mut bytes).unwrap();
        let so_far = String::from_utf8_lossy(&answer);
        assert!(length > 0, "the end comes after {so_far:?}");
        answer.extend_from_slice(&bytes[..length]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 404 "));
}

/// A connection whose first request was answered here, and which goes on there.
fn moved(server: &Server, there: &Runtime) -> TcpStream {
    let here = Builder::new_current_thread().enable_all().build().unwrap();
    let (mut client, life) = connect(server, &here);
    client.write_all(REQUEST).unwrap();
    workers::give_next_to(there.handle().clone());
    // It is over here, although the client stays.
    here.block_on(life);
    is_answered(&mut client);
    client
}

#[test]
fn a_connection_goes_on_in_another_thread() {
    let (server, there) = (Server::that_finds_nothing(), runtime());
    let mut client = moved(&server, &there);
    for _ in 0..3 {
        client.write_all(REQUEST).unwrap();
        is_answered(&mut client);
    }
    assert_eq!(server.shared.connections.open(), 1);
}

#[test]
fn what_has_come_before_is_answered_there() {
    let (server, here, there) = (Server::that_finds_nothing(), runtime(), runtime());
    let (mut client, life) = connect(&server, &here);
    client.write_all(REQUEST).unwrap();
    let Life(Stage::Waiting(idle)) = life else {
        panic!("it does not wait");
    };
    let entered = here.enter();
    hand_over(*idle, there.handle());
    drop(entered);
    drop(here);
    is_answered(&mut client);
}

#[test]
fn it_leaves_when_the_server_stops() {
    let (server, there) = (Server::that_finds_nothing(), runtime());
    let mut client = moved(&server, &there);
    server.shared.connections.set_idle_grace(Duration::ZERO);
    server.shared.connections.stop();
    assert_eq!(client.read(&mut [0; 64]).unwrap(), 0);
    drop(client);
    there.block_on(server.shared.connections.drained());
}

#[test]
fn it_can_be_cut_off() {
    let (server, there) = (Server::that_finds_nothing(), runtime());
    let mut client = moved(&server, &there);
    assert_eq!(server.shared.connections.abort_all(), 1);
    assert_eq!(client.read(&mut [0; 64]).unwrap(), 0);
}

#[test]
fn its_time_to_wait_ends_there_as_well() {
    let (server, there) = (Server::that_finds_nothing(), runtime());
    let mut settings = (**server.shared.settings.load()).clone();
    settings.keep_alive = Duration::from_millis(10);
    settings.revision += 1;
    server
        .shared
        .revision
        .store(settings.revision, std::sync::atomic::Ordering::Release);
    server.shared.settings.store(Arc::new(settings));
    let mut client = moved(&server, &there);
    assert_eq!(client.read(&mut [0; 64]).unwrap(), 0);
}
