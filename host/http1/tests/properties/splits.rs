//! How bytes are split over reads changes nothing.

use httpd_http1::{Connection, Event, Limits, RequestError, RequestHead, ResponseHead};
use httpd_http1::{ResponseLength, Trailers};
use proptest::collection::vec;
use proptest::prelude::*;

/// What came out, with neighbouring data joined.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Head(Box<RequestHead>),
    Data(Vec<u8>),
    End(Trailers),
    Closed,
    Refused(RequestError),
}

/// Room in the buffer behind what was received, which a server makes before each read.
const ROOM: usize = 1024;

fn read(bytes: &[u8], cuts: &[usize]) -> Vec<Seen> {
    read_with_room(bytes, cuts, 0)
}

fn read_with_room(bytes: &[u8], cuts: &[usize], room: usize) -> Vec<Seen> {
    let limits = Limits {
        head_bytes_max: 300,
        target_bytes_max: 40,
        fields_max: 8,
        ..small()
    };
    let mut connection = Connection::new(limits);
    let mut seen = Vec::new();
    let mut rest = bytes;
    for size in cuts {
        let (piece, after) = rest.split_at(rest.len().min(*size));
        receive(&mut connection, piece, room);
        take(&mut connection, &mut seen);
        rest = after;
    }
    receive(&mut connection, rest, room);
    take(&mut connection, &mut seen);
    connection.receive_eof();
    take(&mut connection, &mut seen);
    seen
}

fn receive(connection: &mut Connection, bytes: &[u8], room: usize) {
    connection.input().reserve(bytes.len() + room);
    connection.receive(bytes);
}

fn small() -> Limits {
    Limits {
        chunk_extension_bytes_max: 20,
        ..Limits::default()
    }
}

/// Takes all events, answering each request at its end.
fn take(connection: &mut Connection, seen: &mut Vec<Seen>) {
    loop {
        let ended = match connection.next_event() {
            Ok(Event::NeedData | Event::Paused) => return,
            Ok(Event::Closed) => {
                push(seen, Seen::Closed);
                return;
            }
            Err(error) => {
                push(seen, Seen::Refused(error));
                return;
            }
            Ok(Event::Head(head)) => push(seen, Seen::Head(head)),
            Ok(Event::Data(data)) => push(seen, Seen::Data(data.to_vec())),
            Ok(Event::End(trailers)) => push(seen, Seen::End(trailers)),
        };
        if ended {
            answer(connection);
        }
    }
}

/// Appends and says whether this ended a request. Data is joined and an outcome counts once.
fn push(seen: &mut Vec<Seen>, next: Seen) -> bool {
    let ended = matches!(next, Seen::End(_));
    match (seen.last_mut(), next) {
        (Some(Seen::Data(data)), Seen::Data(more)) => data.extend_from_slice(&more),
        (Some(Seen::Closed), Seen::Closed) => {}
        (Some(Seen::Refused(before)), Seen::Refused(error)) => assert_eq!(*before, error),
        (_, next) => seen.push(next),
    }
    ended
}

fn answer(connection: &mut Connection) {
    let head = ResponseHead {
        status: 404,
        length: ResponseLength::Known(0),
        date: None,
    };
    let mut out = Vec::new();
    connection.send_head(&head, [], &mut out).unwrap();
    connection.send_end([], &mut out).unwrap();
    connection.next_cycle();
}

/// Pieces of requests, whole and broken, that random bytes alone would hardly ever form.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let fragments = [
        "GET / HTTP/1.1\r\n",
        "POST /path?query HTTP/1.1\r\nhost: a\r\n",
        "OPTIONS * HTTP/1.0\r\n",
        "CONNECT a:1 HTTP/1.1\r\n",
        "GET http://b/ HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /",
        " HTTP/1.1\r\n",
        "HTTP/1.",
        "host: example.com\r\n",
        "content-length: 5\r\n",
        "content-length: 0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n",
        "connection: keep-alive\r\n",
        "expect: 100-continue\r\n",
        "x: \t y \t\r\n",
        "x:",
        "name",
        "\r\n",
        "\r",
        "\n",
        " ",
        "\r\n\r\n",
        "hello",
        "5\r\nhello\r\n",
        "5;a=\"b\"\r\nhello\r\n",
        "0\r\n\r\n",
        "0\r\nx: y\r\n\r\n",
        "0\r\nhost: y\r\n\r\n",
        "ffffffffffffffff\r\n",
        "%41%",
        "0123456789012345678901234567890123456789",
    ];
    prop_oneof![
        12 => proptest::sample::select(fragments.to_vec()).prop_map(Into::into),
        1 => vec(any::<u8>(), 0..6),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_split_reads_like_the_whole(
        fragments in vec(fragment(), 0..24),
        cuts in vec(0..30usize, 0..40),
    ) {
        let bytes = fragments.concat();
        let whole = read(&bytes, &[]);
        prop_assert_eq!(&read(&bytes, &cuts), &whole);
        prop_assert_eq!(&read_with_room(&bytes, &cuts, ROOM), &whole);
        prop_assert_eq!(&read_with_room(&bytes, &[], ROOM), &whole);
        prop_assert_eq!(&read(&bytes, &vec![1; bytes.len()]), &whole);
        prop_assert!(matches!(whole.last(), Some(Seen::Closed | Seen::Refused(_))));
    }
}
