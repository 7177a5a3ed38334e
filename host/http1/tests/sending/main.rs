//! The send side, and what both sides together decide: bytes on the wire, and [`Cycle`].
//!
//! Requests here are plain; what is accepted and refused is in the table cases.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test helpers"
)]

mod cycle;
mod encoding;
mod interim;
mod misuse;
mod persistence;

use httpd_http1::{Connection, Event, Limits, ResponseHead, ResponseLength};

/// A head with this status and length and without a date.
fn head(status: u16, length: ResponseLength) -> ResponseHead<'static> {
    ResponseHead {
        status,
        length,
        date: None,
    }
}

const KNOWN_0: ResponseLength = ResponseLength::Known(0);

/// A connection that has received `input`, with every event taken that was there.
fn received(input: &str) -> Connection {
    let mut connection = Connection::new(Limits::default());
    connection.receive(input.as_bytes());
    take_all(&mut connection);
    connection
}

/// Takes events until nothing more comes of what was received.
fn take_all(connection: &mut Connection) {
    while let Ok(Event::Head(_) | Event::Data(_) | Event::End(_)) = connection.next_event() {}
}

/// Sends a whole response and returns its bytes as text.
fn answer(connection: &mut Connection, status: u16, length: ResponseLength, body: &str) -> String {
    let mut out = Vec::new();
    connection
        .send_head(&head(status, length), [], &mut out)
        .unwrap();
    connection.send_data(body.as_bytes(), &mut out).unwrap();
    connection.send_end([], &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n")
}

fn post(fields: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n{body}")
}
