//! Reads a client's bytes in the given split and notes the events; every request gets an answer.

use httpd_http1::{Connection, Event, Limits, RequestError, RequestHead, ResponseHead};
use httpd_http1::{ResponseLength, Trailers};

/// What came out, with neighbouring data joined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Head(Box<RequestHead>),
    Data(Vec<u8>),
    End(Trailers),
    Closed,
    Refused(RequestError),
}

/// Small limits, so that short inputs reach them.
pub(crate) const LIMITS: Limits = Limits {
    head_bytes_max: 512,
    target_bytes_max: 64,
    fields_max: 8,
    chunk_extension_bytes_max: 32,
    drain_bytes_max: 16,
};

/// All events of `bytes`, read in pieces as long as `sizes` say, the last size again and again.
pub(crate) fn read(bytes: &[u8], sizes: &[u8]) -> Vec<Seen> {
    let mut connection = Connection::new(LIMITS);
    let mut seen = Vec::new();
    let mut rest = bytes;
    let mut sizes = sizes.iter().map(|size| *size as usize);
    let mut size = usize::MAX;
    while !rest.is_empty() {
        size = sizes.next().unwrap_or(size).max(1);
        let (piece, after) = rest.split_at(rest.len().min(size));
        connection.receive(piece);
        take(&mut connection, &mut seen);
        rest = after;
    }
    connection.receive_eof();
    take(&mut connection, &mut seen);
    assert!(
        matches!(seen.last(), Some(Seen::Closed | Seen::Refused(_))),
        "no outcome"
    );
    seen
}

fn take(connection: &mut Connection, seen: &mut Vec<Seen>) {
    loop {
        let next = match connection.next_event() {
            Ok(Event::NeedData | Event::Paused) => return,
            Ok(Event::Closed) => Seen::Closed,
            Ok(Event::Head(head)) => Seen::Head(head),
            Ok(Event::Data(data)) => Seen::Data(data.to_vec()),
            Ok(Event::End(trailers)) => Seen::End(trailers),
            Err(error) => Seen::Refused(error),
        };
        match (seen.last_mut(), next) {
            (Some(Seen::Data(data)), Seen::Data(more)) => data.extend_from_slice(&more),
            (Some(Seen::Closed), Seen::Closed) => return,
            (Some(Seen::Refused(before)), Seen::Refused(error)) => {
                assert_eq!(*before, error, "the error changed");
                return;
            }
            (_, next) => {
                let ended = matches!(next, Seen::End(_));
                seen.push(next);
                if ended {
                    answer(connection);
                }
            }
        }
    }
}

fn answer(connection: &mut Connection) {
    let head = ResponseHead {
        status: 404,
        length: ResponseLength::Known(0),
        date: None,
    };
    let mut out = Vec::new();
    connection
        .send_head(&head, [], &mut out)
        .expect("a plain answer");
    connection.send_end([], &mut out).expect("its end");
    connection.next_cycle();
}
