//! Takes whole responses off the front of what a client has read so far.

use crate::support::{Framing, Response};

const HEAD_END: &[u8] = b"\r\n\r\n";

/// The first response in `bytes`, the answer to a request of this method, and how many bytes it
/// has; none when it is not complete. One that only the end of the connection ends never is: the
/// host does not answer like that.
///
/// Panics when it is not well-formed.
pub(super) fn take(bytes: &[u8], method: &str) -> Option<(Response, usize)> {
    let head_bytes = position(bytes, HEAD_END)? + HEAD_END.len();
    let (head, rest) = bytes.split_at(head_bytes);
    let mut response = Response::parse(head);
    let body_bytes = match response.framing(method) {
        Framing::Length(length) => length,
        Framing::Chunked | Framing::UntilClose => return None,
    };
    response.body = rest.get(..body_bytes)?.to_vec();
    Some((response, head_bytes + body_bytes))
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[test]
fn responses_are_taken_whole_or_not_at_all() {
    const DATE: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT";
    let whole = format!("HTTP/1.1 200 OK\r\n{DATE}\r\ncontent-length: 2\r\n\r\nhi");
    let bytes = format!("{whole}HTTP/1.1 404");
    let (response, used) = take(bytes.as_bytes(), "GET").unwrap();
    assert_eq!((response.status, response.text()), (200, "hi"));
    assert_eq!(used, whole.len());
    for length in 0..whole.len() {
        assert_eq!(take(&bytes.as_bytes()[..length], "GET"), None);
    }
    let (_, used) = take(whole.as_bytes(), "HEAD").unwrap();
    assert_eq!(used, whole.len() - "hi".len());
    let endless = format!("HTTP/1.1 200 OK\r\n{DATE}\r\n\r\nhi");
    assert_eq!(take(endless.as_bytes(), "GET"), None);
}
