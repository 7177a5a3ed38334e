//! What a client gets of a response that is made while it is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::host::{End, Setup, connect, connect_with};
use super::script::{Answers, Fate, exchange};
use super::{A_WHILE, PATIENCE};
use crate::dispatch::Refusal;
use crate::server::linger::LingerEnd;

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A head without its date.
fn dateless(head: &str) -> String {
    let lines = head
        .split("\r\n")
        .filter(|line| !line.starts_with("Date: "));
    lines.collect::<Vec<_>>().join("\r\n")
}

#[tokio::test]
async fn an_announced_length_is_sent_and_the_connection_kept() {
    let mut client = connect(Setup::default(), |_| {
        let script = |answers: Answers| async move {
            answers.head_with(200, Some(5), &[("content-type", "text/plain")]);
            answers.send("hel").await;
            answers.send("lo").await;
            answers
                .end(&[("dropped", "there is no place for it")])
                .await;
        };
        exchange(script).0
    })
    .await;
    for _ in 0..2 {
        client.send(GET).await;
        let head = dateless(&client.read_head().await);
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\n"
        );
        client.read_until("hello").await;
    }
    assert_eq!(client.close().await, End::Dropped(2));
}

#[tokio::test]
async fn an_unknown_length_is_chunked_with_trailers() {
    let mut client = connect(Setup::default(), |_| {
        let script = |answers: Answers| async move {
            answers.head(200, None);
            answers.send("hello").await;
            answers.send("").await;
            answers.end(&[("checksum", "17")]).await;
        };
        exchange(script).0
    })
    .await;
    client.send(GET.to_owned() + GET).await;
    for _ in 0..2 {
        assert!(
            client
                .read_head()
                .await
                .contains("Transfer-Encoding: chunked\r\n")
        );
        let body = client.read_until("\r\n\r\n").await;
        assert_eq!(body, "5\r\nhello\r\n0\r\nchecksum: 17\r\n\r\n");
    }
}

#[tokio::test]
async fn an_old_client_gets_an_unknown_length_until_the_close() {
    let mut client = connect(Setup::default(), |_| {
        let script = |answers: Answers| async move {
            answers.head(200, None);
            answers.send("hello").await;
            answers.end(&[("checksum", "17")]).await;
        };
        exchange(script).0
    })
    .await;
    client
        .send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        .await;
    let head = client.read_head().await;
    assert!(
        head.contains("Connection: close\r\n") && !head.contains("chunked"),
        "{head}"
    );
    assert_eq!(client.read_to_end().await, b"hello");
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

#[tokio::test]
async fn a_body_that_is_not_sent_is_read_and_thrown_away() {
    for (request, status) in [("HEAD", 200), ("GET", 204), ("GET", 304)] {
        let fates = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&fates);
        let mut client = connect(Setup::default(), move |_| {
            let (streamed, fate) = exchange(|answers| async move {
                answers.head(status, None);
                for _ in 0..1000 {
                    answers.send(vec![b'x'; 50_000]).await;
                }
                answers.end(&[]).await;
                answers.fate.mark.store(true, SeqCst);
            });
            seen.lock().unwrap().push(fate);
            streamed
        })
        .await;
        for _ in 0..2 {
            client.send(GET.replace("GET", request)).await;
            let head = client.read_head().await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        }
        assert!(client.hears_nothing().await, "{request} {status}");
        let all_read = |fate: &Arc<Fate>| fate.mark.load(SeqCst);
        assert!(
            fates.lock().unwrap().iter().all(all_read),
            "{request} {status}"
        );
        assert_eq!(client.close().await, End::Dropped(2));
    }
}

#[tokio::test]
async fn an_event_is_delivered_when_it_is_written() {
    let events = Arc::new(Semaphore::new(0));
    let written = Arc::clone(&events);
    let mut client = connect(Setup::default(), move |_| {
        let events = Arc::clone(&events);
        exchange(|answers| async move {
            answers.head(200, None);
            for size in [1, 16 * 1024, 16 * 1024 + 1, 200_000] {
                events.acquire().await.unwrap().forget();
                answers.send(vec![b'e'; size]).await;
            }
        })
        .0
    })
    .await;
    client.send(GET).await;
    client.read_head().await;
    for size in [1, 16 * 1024, 16 * 1024 + 1, 200_000] {
        assert!(client.hears_nothing().await);
        written.add_permits(1);
        // The chunk is complete before the next one is known.
        let event = format!("{size:x}\r\n{}\r\n", "e".repeat(size));
        assert_eq!(client.read_until("e\r\n").await, event);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_makes_its_guest_wait() {
    const PIECE_BYTES: usize = 10_000;
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let setup = Setup {
        socket_bytes: Some(16 * 1024),
        ..Setup::default()
    };
    let mut client = connect(setup, move |_| {
        let made = Arc::clone(&made);
        exchange(|answers| async move {
            answers.head(200, Some(500 * PIECE_BYTES as u64));
            for _ in 0..500 {
                answers.send(vec![b'x'; PIECE_BYTES]).await;
                made.fetch_add(PIECE_BYTES, SeqCst);
            }
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    client.send(GET).await;
    client.read_head().await;
    sleep(A_WHILE).await;
    let before = counted.load(SeqCst);
    sleep(A_WHILE).await;
    assert_eq!(counted.load(SeqCst), before);
    // The buffer, a piece past it, one that waits, and what the kernel holds of 16 KiB twice.
    assert!(
        before < 64 * 1024 + 2 * PIECE_BYTES + 256 * 1024,
        "{before}"
    );
    let mut read = vec![0; 500 * PIECE_BYTES];
    let all = tokio::io::AsyncReadExt::read_exact(&mut client.socket, &mut read);
    tokio::time::timeout(PATIENCE, all).await.unwrap().unwrap();
    assert_eq!(counted.load(SeqCst), 500 * PIECE_BYTES);
    assert_eq!(client.close().await, End::Dropped(1));
}

#[tokio::test]
async fn a_guest_that_cannot_be_opened_is_answered_for() {
    for (request, kept) in [
        (GET, true),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
            false,
        ),
    ] {
        let refuse = |_| -> super::host::Opening { Box::pin(async { Err(Refusal::OutOfBuffers) }) };
        let mut client = connect_with(Setup::default(), Box::new(refuse)).await;
        client.send(request).await;
        let head = client.read_head().await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        // Nobody wants what is left of the body any more, and how much that is nobody knows.
        assert_eq!(head.contains("Connection: close"), !kept, "{head}");
    }
}

#[tokio::test]
async fn a_guest_that_fails_before_its_head_is_answered_for() {
    let mut client = connect(Setup::default(), |_| {
        exchange(|answers| async move { answers.refuse(Refusal::overran()) }).0
    })
    .await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12345")
        .await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 504 "));
    client.read_until("\n").await;
    client.read_until("\n").await;
    // The connection is kept: the body nobody read was short.
    assert!(matches!(client.close().await, End::Dropped(1)));
}

#[tokio::test]
async fn a_host_that_stops_says_so_and_answers() {
    let mut client = connect(Setup::default(), |_| {
        exchange(|answers| async move {
            sleep(Duration::from_millis(50)).await;
            answers.head(200, None);
            answers.send("hello").await;
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    client.send(GET).await;
    client.handle.shared.connections.stop();
    assert!(client.read_head().await.contains("Connection: close\r\n"));
    assert_eq!(client.read_to_end().await, b"5\r\nhello\r\n0\r\n\r\n");
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

#[tokio::test]
async fn a_guest_goes_on_after_its_response_and_the_connection_too() {
    let fates = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&fates);
    let mut client = connect(Setup::default(), move |_| {
        let (streamed, fate) = exchange(|answers| async move {
            answers.head(200, Some(0));
            answers.end(&[]).await;
            sleep(4 * A_WHILE).await;
        });
        seen.lock().unwrap().push(fate);
        streamed
    })
    .await;
    client.send(GET.to_owned() + GET).await;
    client.read_head().await;
    client.read_head().await;
    let fates = fates.lock().unwrap();
    assert_eq!(fates.len(), 2);
    assert!(fates.iter().all(|fate| fate.left.load(SeqCst)));
    assert!(!fates[0].returned.load(SeqCst));
}
