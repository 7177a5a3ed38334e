//! How exchanges end that do not end well: for the client, and for the guest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep, timeout};

use super::host::{Client, End, Setup, connect};
use super::script::{Answers, Fate, exchange_of, next_piece, read_all};
use super::{A_WHILE, PATIENCE};
use crate::dispatch::Upload;
use crate::server::linger::LingerEnd;

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n";

/// A client of one guest, and what becomes of that.
async fn one<F>(
    setup: Setup,
    script: impl Fn(Answers, Upload) -> F + Send + 'static,
) -> (Client, Arc<Fate>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let fate = Arc::<Fate>::default();
    let watched = Arc::clone(&fate);
    let client = connect(setup, move |upload| {
        let answers = Answers {
            fate: Arc::clone(&watched),
            ..Answers::default()
        };
        exchange_of(answers, |answers| script(answers, upload))
    });
    (client.await, fate)
}

async fn becomes(what: &AtomicBool) {
    let until = Instant::now() + PATIENCE;
    while !what.load(SeqCst) {
        assert!(Instant::now() < until);
        sleep(Duration::from_millis(1)).await;
    }
}

async fn ends(host: tokio::task::JoinHandle<End>) -> End {
    timeout(PATIENCE, host).await.expect("it ends").unwrap()
}

fn deadline(millis: u64) -> Setup {
    Setup {
        deadline: Duration::from_millis(millis),
        ..Setup::default()
    }
}

#[tokio::test]
async fn a_guest_that_fails_cuts_its_response_off() {
    let (mut client, fate) = one(Setup::default(), |answers, _| async move {
        answers.head(200, None);
        answers.send("hello").await;
        answers.fail().await;
    })
    .await;
    client.send(GET).await;
    client.read_head().await;
    let body = client.read_text_to_end().await;
    assert!(
        matches!(&*body, "5\r\nhello" | "5\r\nhello\r\n"),
        "{body:?}"
    );
    becomes(&fate.dropped).await;
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

#[tokio::test]
async fn a_response_that_does_not_fit_its_length_is_cut_off() {
    for (length, sent) in [(7, "hello"), (4, "")] {
        let (mut client, _) = one(Setup::default(), move |answers, _| async move {
            answers.head(200, Some(length));
            answers.send("hello").await;
            answers.end(&[]).await;
        })
        .await;
        client.send(GET).await;
        client.read_head().await;
        assert_eq!(client.read_text_to_end().await, sent);
        assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
    }
}

#[tokio::test]
async fn a_guest_that_waits_past_the_deadline_is_stopped_and_answered_for() {
    let (mut client, fate) = one(deadline(60), |_, _| sleep(PATIENCE)).await;
    client.send(GET).await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 504 "));
    becomes(&fate.dropped).await;
}

#[tokio::test]
async fn a_client_that_overruns_the_deadline_is_told_so() {
    let (mut client, fate) = one(deadline(60), |_, mut upload| async move {
        assert!(read_all(&mut upload).await.is_err());
    })
    .await;
    client.send(POST).await;
    client.send("abc").await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 408 "));
    client.read_to_end().await;
    becomes(&fate.dropped).await;
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

#[tokio::test]
async fn a_response_that_overruns_the_deadline_is_cut_off() {
    let (mut client, fate) = one(deadline(120), |answers, _| async move {
        answers.head(200, None);
        answers.send("hello").await;
        sleep(PATIENCE).await;
    })
    .await;
    client.send(GET).await;
    client.read_head().await;
    assert_eq!(client.read_text_to_end().await, "5\r\nhello\r\n");
    becomes(&fate.dropped).await;
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

#[tokio::test]
async fn a_guest_that_holds_its_request_after_its_response_does_so_until_the_deadline() {
    let since = Instant::now();
    let (mut client, fate) = one(deadline(120), |answers, upload| async move {
        answers.head(200, Some(0));
        answers.end(&[]).await;
        sleep(PATIENCE).await;
        drop(upload);
    })
    .await;
    client.send(POST).await;
    assert!(!client.read_head().await.contains("close"));
    becomes(&fate.left).await;
    client.send("0123456789").await;
    // The rest is short enough to be read by the host.
    client.send(GET).await;
    client.read_head().await;
    assert!(since.elapsed() >= Duration::from_millis(120));
    assert_eq!(client.close().await, End::Dropped(2));
}

#[tokio::test]
async fn nobody_is_polled_while_nothing_happens() {
    let (mut client, fate) = one(Setup::default(), |answers, mut upload| async move {
        answers.head(200, None);
        answers.send("hello").await;
        while let Ok(Some(_)) = next_piece(&mut upload).await {}
        answers.end(&[]).await;
    })
    .await;
    client.send(POST).await;
    client.send("abc").await;
    client.read_until("hello\r\n").await;
    sleep(A_WHILE).await;
    let polls = fate.polls.load(SeqCst);
    sleep(A_WHILE).await;
    assert_eq!(fate.polls.load(SeqCst), polls);
    assert!(polls < 20, "{polls}");
    client.send("defghij").await;
    client.read_until("0\r\n\r\n").await;
}

#[tokio::test]
async fn a_client_that_stops_reading_is_given_up() {
    let setup = Setup {
        toml: "[timeouts]\nwrite = '60ms'\nlinger = '50ms'",
        socket_bytes: Some(16 * 1024),
        ..Setup::default()
    };
    let (mut client, fate) = one(setup, |answers, _| async move {
        answers.head(200, None);
        loop {
            answers.send(vec![b'x'; 50_000]).await;
        }
    })
    .await;
    client.send(GET).await;
    becomes(&fate.dropped).await;
    assert!(fate.told.load(SeqCst));
    let end = timeout(PATIENCE, client.host).await.unwrap().unwrap();
    assert!(
        matches!(end, End::Closed(1, LingerEnd::Bound(_))),
        "{end:?}"
    );
}

#[tokio::test]
async fn a_client_that_resets_while_it_sends_is_seen_by_its_guest() {
    for begins in [false, true] {
        let (mut client, fate) = one(Setup::default(), move |answers, mut upload| async move {
            if begins {
                answers.head(200, None);
            }
            while let Ok(Some(_)) = next_piece(&mut upload).await {}
            answers.fate.mark.store(true, SeqCst);
        })
        .await;
        client.send(POST).await;
        client.send("abc").await;
        if begins {
            client.read_head().await;
        }
        sleep(A_WHILE).await;
        assert_eq!(ends(client.reset()).await, End::Dropped(1));
        assert!(fate.mark.load(SeqCst) && fate.dropped.load(SeqCst));
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_request_is_seen_too() {
    let (mut client, fate) = one(Setup::default(), |answers, mut upload| async move {
        assert!(read_all(&mut upload).await.is_err());
        answers.fate.mark.store(true, SeqCst);
    })
    .await;
    client.send(POST).await;
    client.send("abc").await;
    client.socket.shutdown().await.unwrap();
    // It may yet read why.
    assert!(client.read_text_to_end().await.starts_with("HTTP/1.1 400 "));
    assert!(fate.mark.load(SeqCst));
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

#[tokio::test]
async fn a_client_that_resets_while_its_guest_is_busy_is_seen_past_unread_bytes() {
    let (mut client, fate) = one(Setup::default(), |_, _upload| async move {
        sleep(PATIENCE).await;
    })
    .await;
    client.send(POST).await;
    client.send("abc").await;
    sleep(A_WHILE).await;
    assert_eq!(ends(client.reset()).await, End::Dropped(1));
    assert!(fate.told.load(SeqCst) && fate.dropped.load(SeqCst));
}

#[tokio::test]
async fn a_client_that_closes_while_it_waits_is_found_out() {
    let (mut client, fate) = one(Setup::default(), |_, _| sleep(PATIENCE)).await;
    client.send(GET).await;
    sleep(A_WHILE).await;
    assert_eq!(client.close().await, End::Dropped(1));
    assert!(fate.told.load(SeqCst) && fate.dropped.load(SeqCst));
}

#[tokio::test]
async fn a_client_that_only_ends_its_side_gets_its_response() {
    let (mut client, _) = one(Setup::default(), |answers, _| async move {
        sleep(2 * A_WHILE).await;
        answers.head(200, Some(5));
        answers.send("hello").await;
        answers.end(&[]).await;
    })
    .await;
    client.send(GET).await;
    client.socket.shutdown().await.unwrap();
    let all = client.read_text_to_end().await;
    assert!(
        all.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
        "{all}"
    );
    assert!(all.ends_with("hello"), "{all}");
}

#[tokio::test]
async fn a_client_that_leaves_a_quiet_stream_is_seen() {
    let (mut client, fate) = one(Setup::default(), |answers, _| async move {
        answers.head(200, None);
        answers.send("hello").await;
        sleep(PATIENCE).await;
    })
    .await;
    client.send(GET).await;
    client.read_until("hello\r\n").await;
    assert_eq!(ends(client.reset()).await, End::Dropped(1));
    assert!(fate.told.load(SeqCst) && fate.dropped.load(SeqCst));
}

#[tokio::test]
async fn a_client_that_closes_a_stream_is_seen_when_more_is_sent() {
    let (mut client, fate) = one(Setup::default(), |answers, _| async move {
        answers.head(200, None);
        loop {
            answers.send("tick").await;
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    client.send(GET).await;
    client.read_until("tick\r\n").await;
    client.close().await;
    assert!(fate.told.load(SeqCst) && fate.dropped.load(SeqCst));
}

#[tokio::test]
async fn a_guest_has_a_bounded_time_to_take_its_leave() {
    for (toml, told) in [
        ("[timeouts]\nfarewell = '30ms'", true),
        ("[timeouts]\nfarewell = '0ms'", false),
    ] {
        let setup = Setup {
            toml,
            ..Setup::default()
        };
        let (mut client, fate) = one(setup, |_, _| sleep(PATIENCE)).await;
        client.send(GET).await;
        sleep(A_WHILE).await;
        let since = Instant::now();
        ends(client.reset()).await;
        assert_eq!(fate.told.load(SeqCst), told);
        assert!(fate.dropped.load(SeqCst) && !fate.returned.load(SeqCst));
        assert!(since.elapsed() < PATIENCE / 4);
    }
}
