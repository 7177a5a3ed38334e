//! What the fields of a head mean to the protocol: Host, framing, Expect and Connection.
//!
//! A pass over the fields of a complete head; it refuses what the syntax could not.

use crate::error::RequestError;
use crate::excerpt::Excerpt;
use crate::fields::Fields;
use crate::framing::{self, BodyLength};
use crate::head::{RequestHead, TargetForm, Version};
use crate::{authority, list};

/// What a head's fields decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// The index of the Host field.
    pub(crate) host: Option<usize>,
    pub(crate) body_length: BodyLength,
    pub(crate) expects_continue: bool,
    pub(crate) wants_keep_alive: bool,
}

/// Which of the fields that matter are there, so that a request without them pays for none.
#[derive(Default)]
struct Present {
    host: Option<usize>,
    framing: bool,
    expect: bool,
    close: bool,
    keep_alive: bool,
}

/// Reads the meaning of a head whose line and fields are known.
///
/// # Errors
/// An absent, repeated or invalid Host, invalid framing, an expectation we cannot meet.
pub(crate) fn read(head: &RequestHead) -> Result<Meaning, RequestError> {
    let present = look(head)?;
    check_host(head, present.host)?;
    let body_length = match present.framing {
        true => framing::request_body(head.version, head.fields.iter(), |i| head.place(i))?,
        false => BodyLength::None,
    };
    let expects = present.expect && head.version == Version::Http11 && expects_continue(head)?;
    let has_body = !matches!(body_length, BodyLength::None | BodyLength::Known(0));
    Ok(Meaning {
        host: present.host,
        body_length,
        // RFC 9110 10.1.1: without content there is nothing to wait for.
        expects_continue: expects && has_body,
        // RFC 9112 9.3: `close` wins over everything.
        wants_keep_alive: !present.close && (head.version == Version::Http11 || present.keep_alive),
    })
}

fn look(head: &RequestHead) -> Result<Present, RequestError> {
    let mut present = Present::default();
    for (index, (name, value)) in head.fields.iter().enumerate() {
        match name {
            b"host" if present.host.is_some() => {
                return Err(RequestError::SeveralHosts {
                    place: head.place(index),
                });
            }
            b"host" => present.host = Some(index),
            b"content-length" | b"transfer-encoding" => present.framing = true,
            b"expect" => present.expect = true,
            b"connection" => present.connection(value),
            _ => {}
        }
    }
    Ok(present)
}

impl Present {
    fn connection(&mut self, value: &[u8]) {
        for option in list::members(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }
}

/// RFC 9112 3.2: HTTP/1.1 requires Host, and whatever the version, what it holds must be valid.
fn check_host(head: &RequestHead, index: Option<usize>) -> Result<(), RequestError> {
    let Some(index) = index else {
        return match head.version {
            Version::Http11 => Err(RequestError::MissingHost),
            Version::Http10 => Ok(()),
        };
    };
    let host = value(&head.fields, index);
    // 3.2: empty where the target URI has no authority, or has its own. A path alone stands for an
    // http URI with an empty host, which RFC 9110 4.2.1 has us refuse.
    let may_be_empty = head.version == Version::Http10 || head.parts.form != TargetForm::Origin;
    if (host.is_empty() && may_be_empty) || authority::parse(host).is_some() {
        return Ok(());
    }
    Err(RequestError::InvalidHost {
        place: head.place(index),
        host: Excerpt::new(host),
    })
}

fn value(fields: &Fields, index: usize) -> &[u8] {
    fields.value_span(index).of(fields.bytes())
}

/// RFC 9110 10.1.1: whether `100-continue` is expected; any other expectation is refused.
fn expects_continue(head: &RequestHead) -> Result<bool, RequestError> {
    let mut expects = false;
    for (index, (name, value)) in head.fields.iter().enumerate() {
        if name != b"expect" {
            continue;
        }
        for member in list::members(value).filter(|member| !member.is_empty()) {
            if !member.eq_ignore_ascii_case(b"100-continue") {
                let (place, value) = (head.place(index), Excerpt::new(member));
                return Err(RequestError::UnsupportedExpectation { place, value });
            }
            expects = true;
        }
    }
    Ok(expects)
}
