//! Long bodies, of which no byte may be lost, doubled or taken from the next request; and
//! responses that are there at once.

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::PATIENCE;
use super::host::{End, Setup, connect};
use super::script::{exchange, read_all};

/// Lengths around the sizes of buffers, and beyond all of them.
const LENGTHS: [usize; 8] = [
    3,
    8 << 10,
    (8 << 10) + 1,
    64 << 10,
    256 << 10,
    (264 << 10) - 1,
    (264 << 10) + 1,
    3 << 20,
];

/// Bytes of which each place can be told from its neighbours.
fn body(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|place| u8::try_from(place % 251).unwrap())
        .collect()
}

#[tokio::test]
async fn long_bodies_are_whole_and_the_requests_behind_them_too() {
    let mut client = connect(Setup::default(), |mut upload| {
        exchange(|answers| async move {
            let read = read_all(&mut upload).await.unwrap();
            let is_whole = read == body(read.len());
            answers.head(200, None);
            answers.send(format!("{} {is_whole}", read.len())).await;
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    let mut requests = Vec::new();
    for bytes in LENGTHS {
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {bytes}\r\n\r\n");
        requests.extend_from_slice(head.as_bytes());
        requests.extend_from_slice(&body(bytes));
    }
    client.send(&requests).await;
    for bytes in LENGTHS {
        client.read_head().await;
        client.read_until(&format!("\r\n{bytes} true\r\n")).await;
        client.read_until("0\r\n\r\n").await;
    }
    assert_eq!(client.close().await, End::Dropped(LENGTHS.len()));
}

#[tokio::test]
async fn a_body_that_comes_slowly_after_it_came_fast_is_whole() {
    let mut client = connect(Setup::default(), |mut upload| {
        exchange(|answers| async move {
            answers.head(200, None);
            let read = read_all(&mut upload).await.unwrap();
            let is_whole = read == body(read.len());
            answers.send(format!("{} {is_whole}", read.len())).await;
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    let (all, fast) = (body(600 << 10), 500 << 10);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        all.len()
    );
    client.send(&head).await;
    client.read_head().await;
    client.send(&all[..fast]).await;
    for piece in all[fast..].chunks(1000) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    client.read_until("\r\n614400 true\r\n").await;
    client.read_until("0\r\n\r\n").await;
    assert_eq!(client.close().await, End::Dropped(1));
}

#[tokio::test]
async fn a_response_that_is_there_at_once_takes_one_write() {
    let mut client = connect(Setup::default(), |_| {
        exchange(|answers| async move {
            answers.head(200, Some(5));
            answers.send("hello").await;
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut read = vec![0; 1024];
    let bytes = timeout(PATIENCE, client.socket.read(&mut read)).await;
    let bytes = bytes.expect("it answers").unwrap();
    assert!(read[..bytes].ends_with(b"\r\n\r\nhello"), "{bytes}");
}
