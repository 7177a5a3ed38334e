//! How the body of a request comes to its guest, and when it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use super::host::{Client, End, Setup, connect};
use super::script::{Answers, echo, exchange, next_frame, next_piece, read_all};
use super::{A_WHILE, PATIENCE};
use crate::dispatch::Upload;
use crate::server::linger::LingerEnd;

/// Where a guest says what it found.
type Tell = mpsc::UnboundedSender<String>;

const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
const END: &str = "\r\n\r\n";

fn post(length: usize, more: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n{more}\r\n")
}

/// A host whose guest is `script`; what it tells comes out of the channel.
async fn told<F>(
    setup: Setup,
    script: impl Fn(Answers, Upload, Tell) -> F + Send + 'static,
) -> (Client, mpsc::UnboundedReceiver<String>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (tell, told) = mpsc::unbounded_channel();
    let client = connect(setup, move |upload| {
        exchange(|answers| script(answers, upload, tell.clone())).0
    });
    (client.await, told)
}

async fn next(told: &mut mpsc::UnboundedReceiver<String>) -> String {
    let next = timeout(PATIENCE, told.recv()).await;
    next.expect("it tells").expect("it lives")
}

#[tokio::test]
async fn pieces_come_back_while_the_request_goes_on() {
    let mut client = connect(Setup::default(), |upload| {
        exchange(|answers| echo(answers, upload)).0
    })
    .await;
    for _ in 0..2 {
        client.send(CHUNKED).await;
        let head = client.read_head().await;
        assert!(!head.contains("Connection"), "{head}");
        for piece in ["1\r\na\r\n", "3\r\nbcd\r\n"] {
            client.send(piece).await;
            assert_eq!(client.read_until(piece).await, piece);
        }
        client.send("0\r\n\r\n").await;
        client.read_until("0\r\n\r\n").await;
    }
    assert_eq!(client.close().await, End::Dropped(2));
}

#[tokio::test]
async fn small_chunks_that_are_here_come_as_one_piece_and_with_the_end() {
    let script = |answers: Answers, mut upload: Upload, tell: Tell| async move {
        let piece = next_piece(&mut upload).await.unwrap().unwrap();
        assert!(http_body::Body::is_end_stream(&upload));
        tell.send(String::from_utf8(piece.to_vec()).unwrap())
            .unwrap();
        answers.head(200, Some(0));
        answers.end(&[]).await;
    };
    let (mut client, mut told) = told(Setup::default(), script).await;
    client
        .send(CHUNKED.to_owned() + "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")
        .await;
    assert_eq!(next(&mut told).await, "abc");
    assert!(!client.read_head().await.contains("Connection"));
}

#[tokio::test]
async fn trailers_come_to_the_guest() {
    let script = |answers: Answers, mut upload: Upload, tell: Tell| async move {
        while let Some(frame) = next_frame(&mut upload).await.unwrap() {
            match frame.into_data() {
                Ok(data) => tell.send(format!("{data:?}")).unwrap(),
                Err(frame) => tell.send(format!("{:?}", frame.into_trailers())).unwrap(),
            }
        }
        answers.head(204, None);
        answers.end(&[]).await;
    };
    let (mut client, mut told) = told(Setup::default(), script).await;
    client
        .send(CHUNKED.to_owned() + "1\r\na\r\n0\r\nchecksum: 17\r\n\r\n")
        .await;
    assert_eq!(next(&mut told).await, "b\"a\"");
    assert_eq!(next(&mut told).await, "Ok({\"checksum\": \"17\"})");
    client.read_head().await;
}

#[tokio::test]
async fn a_client_is_told_to_go_on_when_the_guest_first_wants_it() {
    let asks = Arc::new(Notify::new());
    let asked = Arc::clone(&asks);
    let mut client = connect(Setup::default(), move |mut upload| {
        let asks = Arc::clone(&asks);
        exchange(|answers| async move {
            asks.notified().await;
            let body = read_all(&mut upload).await.unwrap();
            answers.head(200, Some(body.len() as u64));
            answers.send(body).await;
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    client.send(post(5, "expect: 100-continue\r\n")).await;
    assert!(client.hears_nothing().await);
    asked.notify_one();
    assert_eq!(client.read_head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello").await;
    let head = client.read_head().await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && !head.contains("close"),
        "{head}"
    );
    client.read_until("hello").await;
}

#[tokio::test]
async fn a_client_that_waits_for_a_guest_that_does_not_want_it_is_not_told_to_go_on() {
    let mut client = connect(Setup::default(), |upload| {
        exchange(|answers| async move {
            drop(upload);
            answers.head(403, Some(0));
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    client.send(post(5, "expect: 100-continue\r\n")).await;
    let head = client.read_head().await;
    assert!(
        head.starts_with("HTTP/1.1 403 ") && head.contains("close"),
        "{head}"
    );
    assert!(client.read_to_end().await.is_empty());
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

#[tokio::test]
async fn a_response_may_end_while_its_request_goes_on() {
    let script = |answers: Answers, mut upload: Upload, tell: Tell| async move {
        answers.head(200, Some(5));
        answers.send("early").await;
        answers.end(&[]).await;
        let body = read_all(&mut upload).await.map(|body| body.len());
        tell.send(format!("{body:?}")).unwrap();
    };
    let (mut client, mut told) = told(Setup::default(), script).await;
    for _ in 0..2 {
        client.send(post(1_000_000, "")).await;
        let head = client.read_head().await;
        assert!(!head.contains("close"), "{head}");
        client.read_until("early").await;
        for _ in 0..10 {
            client.send(vec![b'x'; 100_000]).await;
        }
        assert_eq!(next(&mut told).await, "Ok(1000000)");
    }
    assert_eq!(client.close().await, End::Dropped(2));
}

#[tokio::test]
async fn a_body_nobody_wants_is_drained_or_costs_the_connection() {
    for (length, kept) in [(50_000, true), (3_000_000, false)] {
        let mut client = connect(Setup::default(), |mut upload| {
            exchange(|answers| async move {
                next_piece(&mut upload).await.unwrap();
                drop(upload);
                // The client sends on, so that the rest is not here yet.
                sleep(A_WHILE).await;
                answers.head(200, Some(2));
                answers.send("no").await;
                answers.end(&[]).await;
            })
            .0
        })
        .await;
        client.send(post(length, "") + "a").await;
        let head = client.read_head().await;
        assert_eq!(head.contains("Connection: close"), !kept, "{head}");
        client.read_until("no").await;
        client.send(vec![b'x'; length - 1]).await;
        let end = if kept {
            client.send(post(1, "") + "a").await;
            client.read_until("no").await;
            client.close().await
        } else {
            assert!(client.read_to_end().await.is_empty());
            client.close().await
        };
        match kept {
            true => assert_eq!(end, End::Dropped(2)),
            false => assert_eq!(end, End::Closed(1, LingerEnd::Orderly)),
        }
    }
}

#[tokio::test]
async fn a_body_nobody_wants_that_is_here_already_costs_nothing() {
    let mut client = connect(Setup::default(), |upload| {
        exchange(|answers| async move {
            drop(upload);
            answers.head(204, None);
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    for _ in 0..2 {
        client
            .send(CHUNKED.to_owned() + "1\r\na\r\n0\r\n\r\n")
            .await;
        assert!(!client.read_head().await.contains("close"));
    }
    assert_eq!(client.close().await, End::Dropped(2));
}

#[tokio::test]
async fn a_body_given_up_after_the_head_costs_the_connection_too() {
    let mut client = connect(Setup::default(), |mut upload| {
        exchange(|answers| async move {
            answers.head(200, None);
            next_piece(&mut upload).await.unwrap();
            drop(upload);
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    client.send(CHUNKED.to_owned() + "1\r\na\r\n").await;
    assert!(!client.read_head().await.contains("close"));
    assert_eq!(client.read_to_end().await, b"0\r\n\r\n");
    client.send("1\r\nb\r\n0\r\n\r\n").await;
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

#[tokio::test]
async fn nothing_is_read_that_the_guest_does_not_want() {
    let setup = Setup {
        socket_bytes: Some(16 * 1024),
        toml: "[timeouts]\nbody = '500ms'",
        ..Setup::default()
    };
    let taken = Arc::new(AtomicUsize::new(0));
    let wants = Arc::new(Notify::new());
    let (taken_too, wanted) = (Arc::clone(&taken), Arc::clone(&wants));
    let client = connect(setup, move |mut upload| {
        let (taken, wants) = (Arc::clone(&taken), Arc::clone(&wants));
        exchange(|answers| async move {
            answers.head(200, Some(0));
            while let Some(piece) = next_piece(&mut upload).await.unwrap() {
                taken.fetch_add(piece.len(), SeqCst);
                if taken.load(SeqCst) == piece.len() {
                    wants.notified().await;
                }
            }
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    let (mut reader, mut writer) = client.socket.into_split();
    let length = 10_000_000;
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let sends = tokio::spawn(async move {
        writer.write_all(post(length, "").as_bytes()).await.unwrap();
        for _ in 0..length / 1000 {
            writer.write_all(&[b'x'; 1000]).await.unwrap();
            sent.fetch_add(1000, SeqCst);
        }
        writer
    });
    // Longer than the client may take for its next byte: nobody waits for it.
    sleep(Duration::from_millis(600)).await;
    let before = counted.load(SeqCst);
    sleep(A_WHILE).await;
    assert_eq!(counted.load(SeqCst), before);
    assert!(before < 512 * 1024, "{before}");
    wanted.notify_one();
    let _writer = timeout(PATIENCE, sends).await.unwrap().unwrap();
    let mut head = [0; 15];
    let read = tokio::io::AsyncReadExt::read_exact(&mut reader, &mut head);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    timeout(PATIENCE, async {
        while taken_too.load(SeqCst) < length {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_announced_body_that_is_too_large_starts_no_guest() {
    let setup = Setup {
        body_max: 10,
        ..Setup::default()
    };
    let mut client = connect(setup, |_| {
        exchange(|answers| async move { answers.head(200, Some(0)) }).0
    })
    .await;
    client.send(post(11, "expect: 100-continue\r\n")).await;
    assert!(client.read_head().await.starts_with("HTTP/1.1 413 "));
    client.read_to_end().await;
    assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
}

/// Reads until the upload fails, before or after its head, and tells how it did.
fn reads(
    begins: bool,
) -> impl Fn(Answers, Upload, Tell) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    move |answers, mut upload, tell| {
        Box::pin(async move {
            if begins {
                answers.head(200, None);
            }
            let end = read_all(&mut upload).await;
            tell.send(format!("{:?}", end.map(|body| body.len())))
                .unwrap();
            if begins {
                answers.send("got it").await;
                answers.end(&[]).await;
            }
        })
    }
}

const FAULTS: [(&str, &str, &str); 3] = [
    (
        "5\r\nhello\r\n6\r\nworld!\r\n",
        "413",
        "HttpRequestBodySize(Some(10))",
    ),
    ("5\r\nhello\r\nx\r\n", "400", "ConnectionTerminated"),
    ("5\r\nhello\r\n", "408", "ConnectionReadTimeout"),
];

#[tokio::test]
async fn a_bad_body_is_refused_before_the_response_has_begun() {
    for (body, status, _) in FAULTS {
        let setup = Setup {
            body_max: 10,
            toml: "[timeouts]\nbody = '60ms'",
            ..Setup::default()
        };
        let (mut client, _told) = told(setup, reads(false)).await;
        client.send(CHUNKED.to_owned() + body).await;
        let head = client.read_head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains("Connection: close"), "{head}");
        client.read_to_end().await;
        assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
    }
}

#[tokio::test]
async fn a_bad_body_is_the_guests_matter_after_that() {
    for (body, _, failure) in FAULTS {
        let setup = Setup {
            body_max: 10,
            toml: "[timeouts]\nbody = '60ms'",
            ..Setup::default()
        };
        let (mut client, mut told) = told(setup, reads(true)).await;
        client.send(CHUNKED).await;
        client.read_head().await;
        client.send(body).await;
        assert_eq!(next(&mut told).await, format!("Err({failure:?})"));
        assert_eq!(
            client.read_text_to_end().await,
            "6\r\ngot it\r\n0".to_owned() + END
        );
        assert_eq!(client.close().await, End::Closed(1, LingerEnd::Orderly));
    }
}

/// Guests that think nothing of a body that breaks off, whether they answer before or after it, or
/// never look.
#[tokio::test]
async fn what_is_wrong_with_a_body_is_told_while_no_head_is_sent() {
    let wrong = [
        ("400", CHUNKED.to_owned() + "1\r\na\r\nx\r\n"),
        ("413", CHUNKED.to_owned() + "5\r\nabcde\r\n0\r\n\r\n"),
        ("413", CHUNKED.to_owned() + "2\r\nab\r\n2\r\ncd\r\n"),
    ];
    for (status, request) in wrong {
        for (head_first, looks) in [(true, true), (false, true), (true, false)] {
            let setup = Setup {
                body_max: 3,
                ..Setup::default()
            };
            let mut client = connect(setup, move |mut upload| {
                exchange(|answers| async move {
                    if head_first {
                        answers.head(200, None);
                    }
                    while looks && matches!(next_piece(&mut upload).await, Ok(Some(_))) {}
                    answers.head(200, None);
                    answers.end(&[]).await;
                })
                .0
            })
            .await;
            client.send(&request).await;
            let head = client.read_head().await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        }
    }
}
