//! What a case is and how a trace is compared with it.

use crate::run::Trace;
use httpd_http1::Limits;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) input: Vec<u8>,
    pub(crate) limits: Limits,
    pub(crate) expected: Expected,
}

pub(crate) enum Expected {
    /// Every request is read, and the trace holds all these pieces, in this order.
    Accepted(&'static [&'static str]),
    /// Refused at the last byte of the input, with a text that holds `text`.
    Refused { status: u16, text: &'static str },
}

pub(crate) fn accept(
    name: &'static str,
    input: impl AsRef<[u8]>,
    pieces: &'static [&'static str],
) -> Case {
    let (input, limits) = (input.as_ref().to_vec(), Limits::default());
    Case {
        name,
        input,
        limits,
        expected: Expected::Accepted(pieces),
    }
}

pub(crate) fn refuse(
    name: &'static str,
    input: impl AsRef<[u8]>,
    status: u16,
    text: &'static str,
) -> Case {
    let (input, limits) = (input.as_ref().to_vec(), Limits::default());
    Case {
        name,
        input,
        limits,
        expected: Expected::Refused { status, text },
    }
}

/// A GET whose head ends with `fields`, each with its line end, after a Host.
pub(crate) fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n")
}

/// A POST with these fields and bytes behind its head.
pub(crate) fn post(fields: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n{body}")
}

/// A chunked POST with this body.
pub(crate) fn chunked(body: &str) -> String {
    post("transfer-encoding: chunked\r\n", body)
}

impl Case {
    pub(crate) fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    pub(crate) fn limits_key(&self) -> String {
        format!("{:?}", self.limits)
    }

    pub(crate) fn check(&self, trace: &Trace, how: &str) {
        match (&self.expected, &trace.refusal) {
            (Expected::Accepted(pieces), None) => self.check_pieces(pieces, &trace.text, how),
            (Expected::Refused { status, text }, Some((found, why))) => {
                assert_eq!(found, status, "{}, {how}: {why}", self.name);
                assert!(
                    why.contains(text),
                    "{}, {how}: `{text}` not in `{why}`",
                    self.name
                );
            }
            (Expected::Accepted(_), Some((status, why))) => {
                panic!("{}, {how}: refused with {status}: {why}", self.name)
            }
            (Expected::Refused { .. }, None) => {
                panic!("{}, {how}: accepted: {}", self.name, trace.text)
            }
        }
    }

    fn check_pieces(&self, pieces: &[&str], text: &str, how: &str) {
        assert!(
            !pieces.is_empty() && !text.is_empty(),
            "{}: nothing to compare",
            self.name
        );
        let mut rest = text;
        for piece in pieces {
            let Some(at) = rest.find(piece) else {
                panic!(
                    "{}, {how}: `{piece}` not in `{rest}` of `{text}`",
                    self.name
                )
            };
            rest = &rest[at + piece.len()..];
        }
    }
}
