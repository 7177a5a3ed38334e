//! What is measured, for the clock and for the instruction counter alike: the heads, connections
//! that are ready for one, and the steps of an exchange.

#![allow(dead_code, reason = "each benchmark uses its part")]

use httpd_http1::{Connection, Event, Limits, RequestHead, ResponseHead, ResponseLength};
use std::mem::MaybeUninit;

/// Field lines that httparse may find; the same as our default limit.
const FIELDS_MAX: usize = 100;

/// What a load generator sends.
const SMALL: &str = "GET /hello HTTP/1.1\r\n\
    Host: 127.0.0.1:8080\r\n\
    User-Agent: bench\r\n\
    Accept: */*\r\n\r\n";

/// What a browser sends to a site that it visits for the first time.
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

/// What two proxies and a script put in front of the fields of a browser, but for its cookies.
const FORWARDED: &str = "X-Forwarded-For: 203.0.113.195, 198.51.100.178\r\n\
    X-Forwarded-Proto: https\r\n\
    X-Forwarded-Host: www.example.com\r\n\
    X-Request-Id: 7b1c2a3d-4e5f-6789-abcd-ef0123456789\r\n\
    Via: 1.1 edge-17.example.net, 1.1 inner.example.net\r\n\
    traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
    tracestate: rojo=00f067aa0ba902b7,congo=t61rcWkgMzE\r\n\
    X-Requested-With: XMLHttpRequest\r\n\
    If-None-Match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"\r\n\
    If-Modified-Since: Wed, 21 Oct 2015 07:28:00 GMT\r\n\
    Cache-Control: max-age=0\r\n\
    DNT: 1\r\n";

/// The heads, by their name and size of about 80 B, 700 B and 4 KiB.
pub(crate) fn heads() -> [(&'static str, String); 3] {
    [
        ("80", SMALL.to_owned()),
        ("700", BROWSER.to_owned()),
        ("4096", large()),
    ]
}

/// A browser's head that came through proxies, with a token and cookies up to 4 KiB.
fn large() -> String {
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ".repeat(20);
    let added = format!("{FORWARDED}Authorization: Bearer {token}\r\nCookie: ");
    let mut head = BROWSER.replace("Cookie: ", &added);
    let mut number = 0;
    while head.len() < 4096 - 32 {
        let cookie = format!("; c{number:02}=a3f1%2Cb7{:x}", number * 7919);
        head.insert_str(head.len() - 4, &cookie);
        number += 1;
    }
    head
}

/// Hands over bytes in the way of a server, which makes room for as much as it may read at once.
pub(crate) fn receive(connection: &mut Connection, bytes: &[u8]) {
    let input = connection.input();
    input.reserve(8 * 1024);
    input.extend_from_slice(bytes);
}

/// A connection that had an exchange before, to which `bytes` have come.
pub(crate) fn connection_with(bytes: &[u8]) -> Connection {
    let mut connection = Connection::new(Limits::default());
    exchange(&mut connection, bytes, &mut Vec::new());
    receive(&mut connection, bytes);
    connection
}

/// A connection that had an exchange before and has read a request to its end.
pub(crate) fn connection_to_answer() -> Connection {
    let mut connection = connection_with(SMALL.as_bytes());
    let head = read_head(&mut connection);
    connection.recycle(head);
    connection
}

/// The head that comes next.
#[inline(never)]
pub(crate) fn read_head(connection: &mut Connection) -> Box<RequestHead> {
    match connection.next_event() {
        Ok(Event::Head(head)) => head,
        other => panic!("{other:?}"),
    }
}

/// What httparse makes of a head, in the way of a server that wants no field table initialised.
#[inline(never)]
pub(crate) fn httparse_head(bytes: &[u8]) -> usize {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let status = request
        .parse_with_uninit_headers(bytes, &mut fields)
        .unwrap();
    std::hint::black_box(&request);
    status.unwrap()
}

/// Writes a small answer.
#[inline(never)]
pub(crate) fn write_answer(connection: &mut Connection, out: &mut Vec<u8>) {
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

/// A request and its answer, from the first byte to the next request.
pub(crate) fn exchange(connection: &mut Connection, bytes: &[u8], out: &mut Vec<u8>) {
    receive(connection, bytes);
    let head = read_head(connection);
    out.clear();
    write_answer(connection, out);
    connection.recycle(head);
    assert!(connection.next_cycle());
}

/// A request whose body comes in chunks of `size` bytes, 64 KiB together.
pub(crate) fn chunked_request(size: usize) -> Vec<u8> {
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(size));
    format!("{head}{}0\r\n\r\n", chunk.repeat(65536 / size)).into_bytes()
}

/// A connection that has received `request` and read its head.
pub(crate) fn connection_with_body(request: &[u8]) -> Connection {
    let mut connection = Connection::new(Limits::default());
    connection.receive(request);
    read_head(&mut connection);
    connection
}

/// Reads a body to its end; returns its length.
#[inline(never)]
pub(crate) fn read_body(connection: &mut Connection) -> usize {
    let mut len = 0;
    loop {
        match connection.next_event() {
            Ok(Event::Data(data)) => len += data.len(),
            Ok(Event::End(_)) => return len,
            other => panic!("{other:?}"),
        }
    }
}
