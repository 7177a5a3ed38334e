//! What a client encodes is what is decoded.

use httpd_http1::{Connection, Event, Limits, RequestHead};
use proptest::collection::vec;
use proptest::prelude::*;

type Fields = Vec<(String, Vec<u8>)>;

/// A value without white space at its ends, as it reads after parsing.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => 0x21..=0x7eu8,
        2 => 0x80..=0xffu8,
        1 => Just(b' '),
        1 => Just(b'\t'),
    ];
    vec(byte, 0..60).prop_map(|bytes| bytes.trim_ascii().to_vec())
}

fn fields() -> impl Strategy<Value = Fields> {
    vec(("x[!#$%&'*+.^_`|~0-9a-zA-Z-]{0,30}", value()), 0..20)
}

fn white_space() -> impl Strategy<Value = String> {
    "[ \t]{0,4}"
}

#[derive(Clone, Debug)]
struct Chunk {
    data: Vec<u8>,
    zeros: usize,
    upper: bool,
    extension: String,
}

prop_compose! {
    fn chunk()(
        data in vec(any::<u8>(), 1..400),
        zeros in 0..13usize,
        upper in any::<bool>(),
        extension in prop_oneof![Just(String::new()), "[ \t]{0,2};[a-z]{0,5}(=\"[ -~]{0,9}\")?"],
    ) -> Chunk {
        Chunk { data, zeros, upper, extension }
    }
}

impl Chunk {
    fn encode(&self, out: &mut Vec<u8>) {
        let size = format!("{}{:x}", "0".repeat(self.zeros), self.data.len());
        let size = if self.upper {
            size.to_uppercase()
        } else {
            size
        };
        out.extend_from_slice(format!("{size}{}\r\n", self.extension).as_bytes());
        out.extend_from_slice(&self.data);
        out.extend_from_slice(b"\r\n");
    }
}

fn encode_fields(fields: &Fields, (before, after): (&str, &str), out: &mut Vec<u8>) {
    for (name, value) in fields {
        out.extend_from_slice(format!("{name}:{before}").as_bytes());
        out.extend_from_slice(value);
        out.extend_from_slice(format!("{after}\r\n").as_bytes());
    }
}

/// Names in lower case, as they are handed out.
fn lowered(fields: &Fields) -> Fields {
    fields
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.clone()))
        .collect()
}

fn owned<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Fields {
    fields
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect()
}

fn next_head(connection: &mut Connection) -> Box<RequestHead> {
    match connection.next_event() {
        Ok(Event::Head(head)) => head,
        other => panic!("{other:?}"),
    }
}

/// Feeds `bytes` in pieces of these sizes, again and again, and collects head, body and trailers.
fn read(bytes: &[u8], sizes: &[usize]) -> (Box<RequestHead>, Vec<u8>, Fields) {
    let mut connection = Connection::new(Limits::default());
    let mut sizes = sizes.iter().cycle();
    let (mut head, mut body, mut rest) = (None, Vec::new(), bytes);
    loop {
        match connection.next_event().unwrap() {
            Event::NeedData => {
                let (piece, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                assert!(!piece.is_empty(), "more wanted than there is");
                connection.receive(piece);
                rest = after;
            }
            Event::Head(received) => head = Some(received),
            Event::Data(data) => body.extend_from_slice(data),
            Event::End(trailers) => return (head.unwrap(), body, owned(trailers.fields())),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn heads_read_back(
        method in "[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,30}",
        path in "/[!-\"$&-~]{0,60}",
        fields in fields(),
        before in white_space(),
        after in white_space(),
    ) {
        prop_assume!(method != "CONNECT");
        let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: a.b:1\r\n").into_bytes();
        encode_fields(&fields, (&before, &after), &mut bytes);
        bytes.extend_from_slice(b"\r\n");
        let mut connection = Connection::new(Limits::default());
        connection.receive(&bytes);
        let head = next_head(&mut connection);
        prop_assert_eq!(head.method(), method);
        prop_assert_eq!(head.target(), path.as_str());
        let query = head.query().map(|query| format!("?{query}")).unwrap_or_default();
        prop_assert_eq!(head.path().to_owned() + &query, path);
        prop_assert_eq!(head.authority(), Some("a.b:1"));
        prop_assert_eq!(&owned(head.fields())[1..], &lowered(&fields)[..]);
        prop_assert_eq!(head.head_bytes(), bytes.len());
    }

    #[test]
    fn chunked_bodies_read_back_however_they_are_split(
        chunks in vec(chunk(), 0..12),
        trailers in fields(),
        sizes in vec(1..200usize, 1..10),
    ) {
        let head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut bytes = head.to_vec();
        for chunk in &chunks {
            chunk.encode(&mut bytes);
        }
        bytes.extend_from_slice(b"0\r\n");
        encode_fields(&trailers, (" ", ""), &mut bytes);
        bytes.extend_from_slice(b"\r\n");
        let (_, body, received) = read(&bytes, &sizes);
        let sent: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.data).collect();
        prop_assert_eq!(body, sent);
        prop_assert_eq!(received, lowered(&trailers));
    }

    #[test]
    fn bodies_of_known_length_read_back(
        body in vec(any::<u8>(), 0..2000),
        sizes in vec(1..200usize, 1..10),
    ) {
        let head = format!("PUT /x HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
        let (_, received, trailers) = read(&[head.as_bytes(), &body].concat(), &sizes);
        prop_assert_eq!(received, body);
        prop_assert!(trailers.is_empty());
    }
}
