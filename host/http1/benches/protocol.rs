//! How long a request head, a chunked body and a response take, beside httparse for the head.
//!
//! httparse only splits a head into slices; ours also checks Host, framing and the target, and
//! hands out a head that owns its bytes.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failed benchmark may panic"
)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use httpd_http1::{Connection, Event, Limits, RequestHead, ResponseHead, ResponseLength};
use std::hint::black_box;

const SMALL: &str = "GET /hello HTTP/1.1\r\n\
    Host: 127.0.0.1:8080\r\n\
    User-Agent: bench\r\n\
    Accept: */*\r\n\r\n";

const BROWSER: &str = "GET /articles/2024/a-longer-path/index.html?session=01&page=2 HTTP/1.1\r\n\
    Host: www.example.com\r\n\
    Connection: keep-alive\r\n\
    sec-ch-ua: \"Chromium\";v=\"128\", \"Not;A=Brand\";v=\"24\", \"Google Chrome\";v=\"128\"\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*\r\n\
    Sec-Fetch-Site: none\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9\r\n\
    Cookie: id=5f2b9c; theme=dark\r\n\r\n";

/// A browser's head with a cookie that brings it to 4 KiB.
fn large() -> String {
    let filler = "0123456789abcdef".repeat((4096 - BROWSER.len()) / 16);
    BROWSER.replace("theme=dark", &format!("theme=dark; data={filler}"))
}

fn read_head(connection: &mut Connection, bytes: &[u8]) -> RequestHead {
    connection.receive(bytes);
    match connection.next_event() {
        Ok(Event::Head(head)) => head,
        other => panic!("{other:?}"),
    }
}

fn write_answer(connection: &mut Connection, out: &mut Vec<u8>) {
    let date = Some(b"Sun, 06 Nov 1994 08:49:37 GMT");
    let head = ResponseHead {
        status: 200,
        length: ResponseLength::Known(12),
        date,
    };
    let fields = [("content-type", &b"text/plain; charset=utf-8"[..])];
    connection.send_head(&head, fields, out).unwrap();
    connection.send_data(b"Hello, world", out).unwrap();
    connection.send_end([], out).unwrap();
}

fn heads(criterion: &mut Criterion) {
    let large = large();
    let mut group = criterion.benchmark_group("head");
    for (name, head) in [("80", SMALL), ("700", BROWSER), ("4096", &large)] {
        group.throughput(Throughput::Bytes(head.len() as u64));
        group.bench_function(format!("httparse/{name}"), |bencher| {
            bencher.iter(|| {
                let mut fields = [httparse::EMPTY_HEADER; 100];
                let mut request = httparse::Request::new(&mut fields);
                assert!(
                    request
                        .parse(black_box(head.as_bytes()))
                        .unwrap()
                        .is_complete()
                );
                black_box(&request);
            });
        });
        let mut connection = Connection::new(Limits::default());
        let mut out = Vec::new();
        group.bench_function(format!("exchange/{name}"), |bencher| {
            bencher.iter(|| {
                let head = read_head(&mut connection, black_box(head.as_bytes()));
                out.clear();
                write_answer(&mut connection, &mut out);
                connection.recycle(head);
                assert!(connection.next_cycle());
            });
        });
        group.bench_function(format!("ours/{name}"), |bencher| {
            bencher.iter_batched_ref(
                || {
                    let mut connection = Connection::new(Limits::default());
                    let head = read_head(&mut connection, head.as_bytes());
                    write_answer(&mut connection, &mut Vec::new());
                    connection.recycle(head);
                    assert!(connection.next_cycle());
                    connection
                },
                |connection| black_box(read_head(connection, black_box(head.as_bytes()))),
                BatchSize::SmallInput,
            );
        });
    }
}

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chunked");
    for size in [16, 1024, 65536] {
        let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(size));
        let body = format!("{}0\r\n\r\n", chunk.repeat(65536 / size));
        let request =
            format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{body}");
        group.throughput(Throughput::Bytes(65536));
        group.bench_function(format!("chunks of {size}"), |bencher| {
            bencher.iter_batched_ref(
                || {
                    let mut connection = Connection::new(Limits::default());
                    connection.receive(request.as_bytes());
                    connection
                },
                read_body,
                BatchSize::SmallInput,
            );
        });
    }
}

fn read_body(connection: &mut Connection) -> usize {
    let mut len = 0;
    loop {
        match connection.next_event() {
            Ok(Event::Head(_)) => {}
            Ok(Event::Data(data)) => len += data.len(),
            Ok(Event::End(_)) => return len,
            other => panic!("{other:?}"),
        }
    }
}

fn answers(criterion: &mut Criterion) {
    let mut out = Vec::new();
    criterion.bench_function("answer", |bencher| {
        bencher.iter_batched_ref(
            || {
                let mut connection = Connection::new(Limits::default());
                let head = read_head(&mut connection, SMALL.as_bytes());
                connection.recycle(head);
                connection
            },
            |connection| {
                out.clear();
                write_answer(connection, &mut out);
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, heads, bodies, answers);
criterion_main!(benches);
