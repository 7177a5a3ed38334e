//! Bodies both ways: as they come, no faster than they are taken, and within bounds.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::support::*;
use crate::guest::OutboundError;

const PIECE: usize = 64 << 10;
/// More than all buffers between two ends of a connection on this machine.
const LOTS: usize = 64 << 20;

/// A body of pieces that counts those it was asked for.
struct Endless(Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = OutboundError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        let pieces = self.0.fetch_add(1, Ordering::SeqCst);
        if pieces * PIECE >= LOTS {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![0; PIECE])))))
    }
}

#[tokio::test]
async fn an_upload_goes_on_while_its_response_has_begun_and_only_as_fast_as_it_is_read() {
    let server = Server::start(|mut peer| async move {
        peer.head().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await;
        peer
    })
    .await;
    let client = client(&[&server.grant()]);
    let pieces = Arc::<AtomicUsize>::default();
    let body = Endless(Arc::clone(&pieces)).boxed_unsync();
    let request = Request::post(server.url("/")).body(body).unwrap();
    let sent = send(&client, request).await.unwrap();
    let connection = tokio::spawn(sent.connection);
    let response = sent.response.into_body().collect().await.unwrap();
    assert_eq!(response.to_bytes(), "ok");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let taken = pieces.load(Ordering::SeqCst) * PIECE;
    assert!(
        taken < LOTS / 2,
        "{taken} bytes were taken that nobody has read"
    );

    let mut peer = server.result().await;
    let mut received = 0;
    let mut buffer = vec![0; PIECE];
    while received < LOTS {
        let count = peer.stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "only {received} bytes arrived");
        received += count;
    }
    drop(peer);
    let _ = connection.await.unwrap();
}

#[tokio::test]
async fn a_response_is_read_only_as_fast_as_the_guest_takes_it() {
    let server = Server::start(|mut peer| async move {
        peer.head().await;
        peer.say(&format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {LOTS}\r\n\r\n"
        ))
        .await;
        let (piece, mut written) = (vec![0; PIECE], 0);
        let pause = Duration::from_millis(300);
        while written < LOTS {
            match tokio::time::timeout(pause, peer.stream.write(&piece)).await {
                Ok(Ok(count)) => written += count,
                _ => break,
            }
        }
        written
    })
    .await;
    let client = client(&[&server.grant()]);
    let sent = send(&client, get(&server.url("/"))).await.unwrap();
    let connection = tokio::spawn(sent.connection);
    let written = server.result().await;
    assert!(
        written < LOTS / 2,
        "{written} bytes were read that nobody wants yet"
    );
    drop(sent.response);
    let _ = connection.await.unwrap();
}

#[tokio::test]
async fn a_response_that_nobody_wants_any_more_closes_its_connection() {
    let server = Server::start(|mut peer| async move {
        peer.head().await;
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
            .await;
        let mut byte = [0];
        // The end of the connection, in either of its forms.
        !matches!(peer.stream.read(&mut byte).await, Ok(1))
    })
    .await;
    let client = client(&[&server.grant()]);
    drop(send(&client, get(&server.url("/"))).await.unwrap());
    assert!(server.result().await);
}

#[tokio::test]
async fn what_is_wrong_with_a_response_is_told() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(300));
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100 << 10));
    let cases = [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
            "complete",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
            "complete",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\nabc",
            "not valid",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-le", "complete"),
        ("", "complete"),
        ("SSH-2.0-OpenSSH\r\n", "not valid"),
        ("HTTP/1.1 200 OK\r\nx y\r\n\r\n", "not valid"),
        (&many, "over the limit"),
        (&large, "over the limit"),
    ];
    for (response, why) in cases {
        let server = Server::start(answering(response)).await;
        let client = client(&[&server.grant()]);
        let exchanged = exchange(&client, get(&server.url("/"))).await;
        let error = exchanged.map(|(head, _)| head.status).unwrap_err();
        assert!(error.to_string().contains(why), "{response:.50}: {error:?}");
    }
}

#[tokio::test]
async fn a_body_that_fails_fails_the_request_and_not_with_a_complete_one() {
    let server = Server::start(|mut peer| async move {
        let mut received = String::new();
        let _ = peer.stream.read_to_string(&mut received).await;
        received
    })
    .await;
    let client = client(&[&server.grant()]);
    let failure = OutboundError::Body("the guest gave up".to_owned());
    let frames = [
        Ok(Frame::data(Bytes::from_static(b"abc"))),
        Err(failure.clone()),
    ];
    let body = Frames(frames.into_iter().collect()).boxed_unsync();
    let request = Request::post(server.url("/")).body(body).unwrap();
    assert_eq!(exchange(&client, request).await.unwrap_err(), failure);
    let received = server.result().await;
    assert!(!received.ends_with("0\r\n\r\n"), "{received}");
}

/// A body of these frames.
struct Frames(std::collections::VecDeque<Result<Frame<Bytes>, OutboundError>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = OutboundError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        Poll::Ready(self.0.pop_front())
    }
}
