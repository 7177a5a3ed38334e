//! What clients send, step by step. What they should get for it is in `ways`.

use super::client::Step;

/// More than the sockets' buffers of both sides hold, so that it cannot just vanish in them.
pub(super) const MUCH: usize = 8 << 20;
/// A body that fills several windows and comes back.
pub(super) const ECHO_BYTES: usize = 4 << 20;

pub(super) const CLOSE: &str = "connection: close\r\n";
pub(super) const EXPECT: &str = "expect: 100-continue\r\n";
pub(super) const TWO_FRAMINGS: &str = "transfer-encoding: chunked\r\n";
pub(super) const HELLO_BYTES: usize = "Hello world!".len();
pub(super) const HALF_BODY: &str =
    "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc";
pub(super) const HALF_CHUNK: &str =
    "POST /upload HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab";
pub(super) const HALF_SIZE: &str =
    "POST /upload HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n1";

pub(super) fn get(target: &str, fields: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: a\r\n{fields}\r\n").into()
}

pub(super) fn http10(target: &str, fields: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.0\r\n{fields}\r\n").into()
}

pub(super) fn then_much(head: Vec<u8>) -> Vec<Step> {
    vec![Step::Send(head), Step::Fill(MUCH)]
}

pub(super) fn junk_after(mut request: Vec<u8>) -> Vec<Step> {
    request.extend_from_slice(b"\x01junk\r\n");
    then_much(request)
}

pub(super) fn junk_after_twenty() -> Vec<Step> {
    junk_after(get("/hello", "").repeat(20))
}

pub(super) fn upload(target: &str, fields: &str) -> Vec<Step> {
    let head =
        format!("POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {MUCH}\r\n{fields}\r\n");
    then_much(head.into())
}

pub(super) fn chunked(target: &str) -> Vec<Step> {
    let head = format!("POST {target} HTTP/1.1\r\nhost: a\r\n{TWO_FRAMINGS}\r\n");
    let last = Step::Send(b"0\r\n\r\n".into());
    vec![Step::Send(head.into()), Step::Chunks(MUCH), last]
}

pub(super) fn bad_chunk() -> Vec<Step> {
    let mut steps = chunked("/upload");
    steps[1] = Step::Chunks(1 << 20);
    steps[2] = Step::Send(b"not a size\r\n".into());
    steps.push(Step::Fill(MUCH));
    steps
}

pub(super) fn long_target() -> Vec<u8> {
    get(&format!("/{}", "x".repeat(16 << 10)), "")
}

pub(super) fn long_field() -> Vec<u8> {
    get("/hello", &format!("x: {}\r\n", "x".repeat(100 << 10)))
}

pub(super) fn many_fields() -> Vec<u8> {
    get("/hello", &"x: y\r\n".repeat(200))
}

pub(super) fn unknown_coding() -> Vec<u8> {
    get("/hello", "transfer-encoding: gzip, chunked\r\n")
}

/// The beginning of a TLS record with a ClientHello in it.
pub(super) fn tls_hello() -> Vec<u8> {
    let mut hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    hello.resize(517, 0xa5);
    hello
}

pub(super) fn trickles_on() -> Vec<Step> {
    let mut steps = upload("/nowhere", "");
    steps[1] = Step::Trickle(100);
    steps
}

pub(super) fn trap_after_upload() -> Vec<Step> {
    let head =
        "POST /trap HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1048576\r\n\r\n";
    let body = Step::Fill(1 << 20);
    vec![Step::Send(head.into()), body, Step::Fill(MUCH)]
}

pub(super) fn echo(fields: &str) -> Vec<Step> {
    let head =
        format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {ECHO_BYTES}\r\n{fields}\r\n");
    vec![
        Step::Send(head.into()),
        Step::Fill(ECHO_BYTES),
        Step::HalfClose,
    ]
}

pub(super) fn half(request: &str) -> Vec<Step> {
    vec![Step::Send(request.into()), Step::HalfClose]
}

pub(super) fn kept_http10() -> Vec<Step> {
    let kept = http10("/hello", "connection: keep-alive\r\n");
    let last = http10("/hello", "");
    vec![
        Step::Send(kept),
        Step::AwaitResponses(1),
        Step::Send(last),
        Step::AwaitEnd,
    ]
}

pub(super) fn head_and_close() -> Vec<Step> {
    let request = "HEAD /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    vec![Step::Send(request.into()), Step::AwaitEnd]
}

pub(super) fn small_body_kept() -> Vec<Step> {
    let head = "POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 40000\r\n\r\n";
    let next = get("/hello", CLOSE);
    vec![
        Step::Send(head.into()),
        Step::Fill(40_000),
        Step::Send(next),
        Step::AwaitEnd,
    ]
}

pub(super) fn closes_first(request: Vec<u8>) -> Vec<Step> {
    vec![
        Step::Send(request),
        Step::AwaitResponses(1),
        Step::HalfClose,
    ]
}

pub(super) fn late_body(head: Step) -> Vec<Step> {
    vec![
        head,
        Step::Send(b"\r\nabc".into()),
        Step::AwaitResponses(1),
        Step::Trickle(50),
    ]
}
