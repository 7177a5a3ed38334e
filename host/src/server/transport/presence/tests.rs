//! What real sockets tell: every way in which a client can end, with and without unread bytes.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream as StdUnixStream;

use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::server::connections::Connections;
use crate::server::transport::{Read, Wait};

/// How long it is watched that nothing happens.
const A_WHILE: Duration = Duration::from_millis(60);
/// How long may pass until something happens.
const PATIENCE: Duration = Duration::from_secs(20);
/// The time a client has before it is asked, and one in which nobody is.
const AT_ONCE: Duration = Duration::from_millis(1);
const NEVER: Duration = Duration::from_secs(3600);

const QUESTION: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn transport(stream: Stream) -> Transport {
    Transport::new(stream, Connections::new(1).enter(None))
}

/// A transport and the client at its other end, blocking.
async fn tcp() -> (Transport, std::net::TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    (transport(Stream::Tcp(stream)), client)
}

fn unix() -> (Transport, StdUnixStream) {
    let (ours, client) = StdUnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    (
        transport(Stream::Unix(UnixStream::from_std(ours).unwrap())),
        client,
    )
}

/// Whether the client is found to be gone, when it is asked after `grace`.
async fn gone(transport: &mut Transport, grace: Duration) -> bool {
    let mut out = Vec::new();
    let gone = transport.hang_up(grace, &mut out, ask);
    timeout(PATIENCE, gone).await.is_ok()
}

/// Whether the client is taken to be still there, for a while.
async fn stays(transport: &mut Transport, grace: Duration) -> bool {
    let mut out = Vec::new();
    let gone = transport.hang_up(grace, &mut out, ask);
    timeout(A_WHILE, gone).await.is_err()
}

/// Waits until the client is asked with `question`, which it must be found to need. Returns what
/// the kernel has not taken of it.
async fn asked(transport: &mut Transport, question: &[u8]) -> Vec<u8> {
    let (asked, was_asked) = tokio::sync::oneshot::channel();
    let mut out = Vec::new();
    let ask = |out: &mut Vec<u8>| {
        out.extend_from_slice(question);
        asked.send(()).unwrap();
    };
    let until_asked = async {
        tokio::select! {
            () = transport.hang_up(AT_ONCE, &mut out, ask) => panic!("it is taken to be gone"),
            told = was_asked => told.expect("nobody asks"),
        }
    };
    timeout(PATIENCE, until_asked).await.expect("nobody asks");
    out
}

fn ask(out: &mut Vec<u8>) {
    out.extend_from_slice(QUESTION);
}

async fn read(transport: &mut Transport) -> (Read, Vec<u8>) {
    let mut buffer = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    let read = transport.read(&mut buffer, deadline, Wait::Busy).await;
    (read, buffer)
}

/// Closes with a reset.
fn reset(client: std::net::TcpStream) {
    let now = Some(Duration::ZERO);
    SockRef::from(&client).set_linger(now).unwrap();
    drop(client);
}

#[tokio::test]
async fn a_client_that_waits_or_sends_on_is_there_and_is_not_asked() {
    let (mut transport, mut client) = tcp().await;
    assert!(stays(&mut transport, AT_ONCE).await);
    client.write_all(b"the next request").unwrap();
    assert!(stays(&mut transport, AT_ONCE).await);
    assert_eq!(read(&mut transport).await.1, b"the next request");
    client.set_nonblocking(true).unwrap();
    assert!(client.read(&mut [0]).is_err(), "it was asked");
}

#[tokio::test]
async fn a_reset_is_told_at_once() {
    let (mut transport, client) = tcp().await;
    reset(client);
    assert!(gone(&mut transport, NEVER).await);
}

#[tokio::test]
async fn a_reset_is_told_past_bytes_that_nobody_reads() {
    let (mut transport, mut client) = tcp().await;
    client.write_all(b"the next request").unwrap();
    reset(client);
    assert!(gone(&mut transport, NEVER).await);
}

#[tokio::test]
async fn a_close_with_a_response_unread_is_a_reset() {
    let (mut transport, client) = tcp().await;
    let written = transport.write(b"an earlier response", b"", PATIENCE).await;
    assert_eq!(written, Ok(()));
    client.peek(&mut [0]).unwrap();
    drop(client);
    assert!(gone(&mut transport, NEVER).await);
}

#[tokio::test]
async fn a_close_shows_when_the_client_is_asked() {
    let (mut transport, client) = tcp().await;
    drop(client);
    assert!(stays(&mut transport, NEVER).await);
    assert!(gone(&mut transport, AT_ONCE).await);
}

#[tokio::test]
async fn a_close_shows_past_bytes_that_nobody_reads() {
    let (mut transport, mut client) = tcp().await;
    client.write_all(b"the next request").unwrap();
    drop(client);
    assert!(gone(&mut transport, AT_ONCE).await);
}

#[tokio::test]
async fn a_close_that_was_read_already_shows_as_well() {
    let (mut transport, client) = tcp().await;
    drop(client);
    assert_eq!(read(&mut transport).await.0, Read::End);
    assert!(gone(&mut transport, AT_ONCE).await);
}

#[tokio::test]
async fn a_client_that_only_half_closed_is_asked_and_answered() {
    let (mut transport, mut client) = tcp().await;
    client.write_all(b"the next request").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(asked(&mut transport, QUESTION).await, b"");
    let mut question = [0; QUESTION.len()];
    client.read_exact(&mut question).unwrap();
    assert_eq!(question, QUESTION);
    // Nothing was consumed, and the response follows the question.
    assert_eq!(read(&mut transport).await.1, b"the next request");
    let written = transport.write(b"response", b"", PATIENCE).await;
    assert_eq!(written, Ok(()));
    transport.shut_down_sending().unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "response");
}

#[tokio::test]
async fn a_client_that_must_not_be_asked_is_not() {
    let (mut transport, client) = tcp().await;
    drop(client);
    let mut out = Vec::new();
    let gone = transport.hang_up(AT_ONCE, &mut out, |_| {});
    assert!(timeout(A_WHILE, gone).await.is_err());
}

#[tokio::test]
async fn a_half_closed_client_that_is_reset_later_is_gone() {
    let (mut transport, client) = tcp().await;
    client.shutdown(Shutdown::Write).unwrap();
    let (asked, was_asked) = tokio::sync::oneshot::channel();
    let ask = |_: &mut Vec<u8>| asked.send(()).unwrap();
    let mut out = Vec::new();
    let leaves = async {
        was_asked.await.unwrap();
        reset(client);
    };
    let gone = async { tokio::join!(transport.hang_up(AT_ONCE, &mut out, ask), leaves) };
    assert!(timeout(PATIENCE, gone).await.is_ok());
}

#[tokio::test]
async fn what_the_kernel_does_not_take_is_kept_for_later() {
    let (mut transport, client) = tcp().await;
    client.shutdown(Shutdown::Write).unwrap();
    let much = vec![b'x'; 1 << 24];
    let kept = asked(&mut transport, &much).await;
    assert!(kept.len() < much.len(), "nothing was written");
    assert!(!kept.is_empty(), "the kernel took all of it");
}

#[tokio::test]
async fn a_unix_client_that_closes_is_gone_at_once() {
    let (mut transport, client) = unix();
    drop(client);
    assert!(gone(&mut transport, NEVER).await);
}

#[tokio::test]
async fn a_unix_client_that_closes_with_a_response_unread_is_gone_at_once() {
    let (mut transport, client) = unix();
    let written = transport.write(b"an earlier response", b"", PATIENCE).await;
    assert_eq!(written, Ok(()));
    drop(client);
    assert!(gone(&mut transport, NEVER).await);
}

#[tokio::test]
async fn a_unix_client_that_closes_past_bytes_that_nobody_reads_is_gone() {
    let (mut transport, mut client) = unix();
    client.write_all(b"the next request").unwrap();
    drop(client);
    assert!(gone(&mut transport, NEVER).await);
}

#[tokio::test]
async fn a_unix_client_that_half_closes_is_there_until_it_closes() {
    let (mut transport, mut client) = unix();
    client.write_all(b"the next request").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert!(stays(&mut transport, AT_ONCE).await);
    client.set_nonblocking(true).unwrap();
    assert!(client.read(&mut [0]).is_err(), "it was asked");
    drop(client);
    assert!(gone(&mut transport, NEVER).await);
}

#[tokio::test]
async fn a_unix_client_that_half_closed_is_seen_to_close() {
    let (mut transport, client) = unix();
    client.shutdown(Shutdown::Write).unwrap();
    let mut out = Vec::new();
    let mut gone = pin!(transport.hang_up(NEVER, &mut out, ask));
    assert!(timeout(A_WHILE, gone.as_mut()).await.is_err());
    drop(client);
    assert!(timeout(PATIENCE, gone).await.is_ok());
}

#[tokio::test]
async fn a_unix_client_that_sends_on_is_there() {
    let (mut transport, mut client) = unix();
    client.write_all(b"the next request").unwrap();
    assert!(stays(&mut transport, AT_ONCE).await);
    assert_eq!(read(&mut transport).await.1, b"the next request");
}
