//! However bytes are divided on their way, the same bytes arrive.

use bytes::Bytes;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::PATIENCE;
use super::host::{Setup, connect};
use super::script::{exchange, next_piece};

const BYTES_MAX: usize = 300_000;

/// Bytes that tell where they belong.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 % 251) as u8).collect()
}

/// `bytes` in pieces of the sizes, again and again.
fn pieces<'b>(bytes: &'b [u8], sizes: &'b [usize]) -> impl Iterator<Item = &'b [u8]> {
    let mut rest = bytes;
    sizes.iter().cycle().map_while(move |size| {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn chunked(bytes: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut wire = Vec::new();
    for piece in pieces(bytes, sizes) {
        wire.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        wire.extend_from_slice(piece);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

/// What chunks hold; none if they are malformed or not all there.
fn dechunked(mut wire: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = wire.windows(2).position(|end| end == b"\r\n")?;
        let size = usize::from_str_radix(str::from_utf8(&wire[..line]).ok()?, 16).ok()?;
        let (data, after) = wire[line + 2..].split_at_checked(size)?;
        body.extend_from_slice(data);
        wire = after.strip_prefix(b"\r\n")?;
        if size == 0 {
            return wire.is_empty().then_some(body);
        }
    }
}

/// Sends `length` bytes through a guest that sends them back in other pieces.
async fn round_trip(
    length: usize,
    writes: Vec<usize>,
    chunks: Option<Vec<usize>>,
    answers_in: Vec<usize>,
    announced: bool,
) -> Vec<u8> {
    let body = content(length);
    let client = connect(Setup::default(), move |mut upload| {
        let sizes = answers_in.clone();
        exchange(|answers| async move {
            answers.head(200, announced.then_some(length as u64));
            while let Some(piece) = next_piece(&mut upload).await.unwrap() {
                for part in pieces(&piece, &sizes) {
                    answers.send(Bytes::copy_from_slice(part)).await;
                }
            }
            answers.end(&[]).await;
        })
        .0
    })
    .await;
    let (fields, wire) = match chunks {
        Some(sizes) => ("transfer-encoding: chunked".into(), chunked(&body, &sizes)),
        None => (format!("content-length: {length}"), body),
    };
    let request = format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n\r\n");
    let (mut reader, mut writer) = client.socket.into_split();
    let sends = tokio::spawn(async move {
        writer.write_all(request.as_bytes()).await.unwrap();
        for piece in pieces(&wire, &writes) {
            writer.write_all(piece).await.unwrap();
        }
        writer
    });
    let mut response = Vec::new();
    let read = timeout(PATIENCE, reader.read_to_end(&mut response));
    read.await.expect("it ends").unwrap();
    let _writer = sends.await.unwrap();
    let head = response
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .unwrap();
    let body = response.split_off(head + 4);
    if announced {
        return body;
    }
    dechunked(&body).expect("whole chunks")
}

/// Sizes of pieces, small and large.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(
        prop_oneof![1..20_usize, 1..5000_usize, 1..100_000_usize],
        1..6,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_division_brings_the_same_bytes(
        length in 0..BYTES_MAX,
        writes in sizes(),
        chunks in prop::option::of(sizes()),
        answers_in in sizes(),
        announced in any::<bool>(),
    ) {
        let smallest = writes.iter().chain(chunks.iter().flatten()).chain(&answers_in).max();
        // Many bytes in tiny pieces take long and show nothing new.
        let length = length.min(smallest.unwrap_or(&1) * 2000);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let trip = round_trip(length, writes, chunks, answers_in, announced);
        prop_assert!(runtime.block_on(trip) == content(length));
    }
}
