//! What is encoded is what a client decodes.

use crate::parser::{self, Parsed};
use httpd_http1::{Connection, Cycle, Event, Limits, ResponseHead, ResponseLength};
use httpd_http1::{is_field_value, is_framing_field};
use proptest::collection::vec;
use proptest::prelude::*;

type Fields = Vec<(String, Vec<u8>)>;

#[derive(Clone, Debug)]
struct Response {
    status: u16,
    fields: Fields,
    pieces: Vec<Vec<u8>>,
    known: bool,
    trailers: Fields,
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("a control", |byte| is_field_value(&[*byte]));
    vec(byte, 0..40)
}

fn fields(prefix: &'static str) -> impl Strategy<Value = Fields> {
    let name = "[!#$%&'*+.^_`|~0-9a-zA-Z-]{0,20}".prop_map(move |name| prefix.to_owned() + &name);
    vec((name, value()), 0..8)
}

prop_compose! {
    fn response()(
        status in prop_oneof![4 => 200..600u16, 1 => Just(204), 1 => Just(304)],
        fields in fields("x"),
        pieces in vec(vec(any::<u8>(), 0..300), 0..6),
        known in any::<bool>(),
        trailers in fields("y"),
    ) -> Response {
        Response { status, fields, pieces, known, trailers }
    }
}

fn borrowed(fields: &Fields) -> impl Iterator<Item = (&str, &[u8])> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
}

fn encode(connection: &mut Connection, response: &Response, out: &mut Vec<u8>) {
    let total: usize = response.pieces.iter().map(Vec::len).sum();
    let length = match response.known {
        true => ResponseLength::Known(total as u64),
        false => ResponseLength::Unknown,
    };
    let head = ResponseHead {
        status: response.status,
        length,
        date: None,
    };
    connection
        .send_head(&head, borrowed(&response.fields), out)
        .unwrap();
    for piece in &response.pieces {
        connection.send_data(piece, out).unwrap();
    }
    connection
        .send_end(borrowed(&response.trailers), out)
        .unwrap();
}

fn check(parsed: &Parsed, response: &Response, bodiless: bool, chunked_possible: bool) {
    let suppressed = bodiless || matches!(response.status, 204 | 205 | 304);
    let ours = |field: &&(String, Vec<u8>)| !is_framing_field(&field.0);
    let fields: Fields = parsed.fields.iter().filter(ours).cloned().collect();
    assert_eq!(fields, response.fields);
    assert_eq!(parsed.status, response.status);
    assert_eq!(
        parsed.body,
        if suppressed {
            Vec::new()
        } else {
            response.pieces.concat()
        }
    );
    let trailers_sent = !suppressed && !response.known && chunked_possible;
    assert_eq!(
        parsed.trailers,
        if trailers_sent {
            response.trailers.clone()
        } else {
            Vec::new()
        }
    );
}

fn request(method: &str, version: &str) -> Connection {
    let mut connection = Connection::new(Limits::default());
    connection.receive(format!("{method} / HTTP/{version}\r\nhost: a\r\n\r\n").as_bytes());
    assert!(matches!(connection.next_event(), Ok(Event::Head(_))));
    connection
}

proptest! {
    #[test]
    fn one_response_reads_back(
        response in response(),
        bodiless in any::<bool>(),
        old in any::<bool>(),
    ) {
        let method = if bodiless { "HEAD" } else { "GET" };
        let mut connection = request(method, if old { "1.0" } else { "1.1" });
        let mut out = Vec::new();
        encode(&mut connection, &response, &mut out);
        let parsed = parser::parse(&out, bodiless);
        check(&parsed, &response, bodiless, !old);
        prop_assert!(parsed.rest.is_empty());
        let closes = connection.cycle() == Cycle::MustClose;
        prop_assert_eq!(closes, old);
        let says_close = parsed.fields.contains(&("Connection".to_owned(), b"close".to_vec()));
        prop_assert_eq!(closes, says_close);
    }

    #[test]
    fn responses_in_a_row_keep_their_borders(responses in vec(response(), 1..5)) {
        let mut connection = Connection::new(Limits::default());
        let mut out = Vec::new();
        for response in &responses {
            connection.receive(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
            prop_assert!(matches!(connection.next_event(), Ok(Event::Head(_))));
            encode(&mut connection, response, &mut out);
            prop_assert!(connection.next_cycle());
        }
        for response in &responses {
            let parsed = parser::parse(&out, false);
            check(&parsed, response, false, true);
            out = parsed.rest;
        }
        prop_assert!(out.is_empty());
    }

    /// Whatever the bytes: they are refused and nothing is written, or they arrive as they are.
    #[test]
    fn no_bytes_break_out_of_a_field(name in ".{0,12}", value in vec(any::<u8>(), 0..24)) {
        let mut connection = request("GET", "1.1");
        let mut out = Vec::new();
        let head = ResponseHead { status: 200, length: ResponseLength::Known(0), date: None };
        if connection.send_head(&head, [(name.as_str(), &value[..])], &mut out).is_err() {
            prop_assert!(out.is_empty());
            return Ok(());
        }
        let parsed = parser::parse(&out, false);
        prop_assert_eq!(&parsed.fields[0], &(name, value));
        prop_assert_eq!(parsed.fields.len(), 2);
        prop_assert!(parsed.rest.is_empty());
    }
}
