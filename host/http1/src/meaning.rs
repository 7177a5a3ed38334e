//! What the fields of a head mean to the protocol: Host, framing, Expect and Connection.
//!
//! A pass over the fields of a complete head; it refuses what the syntax could not.

use crate::error::RequestError;
use crate::excerpt::Excerpt;
use crate::fields::FieldSpan;
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

/// Reads the meaning of a head whose line and fields are known into `head.meaning`. `received`
/// begins with the bytes that the head was copied from: what was just written is slow to read back.
///
/// # Errors
/// An absent, repeated or invalid Host, invalid framing, an expectation we cannot meet.
#[inline(never)]
pub(crate) fn read(head: &mut RequestHead, received: &[u8]) -> Result<(), RequestError> {
    let present = look(head, received)?;
    check_host(head, present.host, received)?;
    let is_http11 = head.version == Version::Http11;
    head.meaning.host = present.host;
    head.meaning.body_length = match present.framing {
        true => body_length(head)?,
        false => BodyLength::None,
    };
    let has_body = !matches!(
        head.meaning.body_length,
        BodyLength::None | BodyLength::Known(0)
    );
    let expects = present.expect && is_http11 && expects_continue(head)?;
    // RFC 9110 10.1.1: without content there is nothing to wait for.
    head.meaning.expects_continue = expects && has_body;
    // RFC 9112 9.3: `close` wins over everything.
    head.meaning.wants_keep_alive = !present.close && (is_http11 || present.keep_alive);
    Ok(())
}

#[inline(never)]
fn body_length(head: &RequestHead) -> Result<BodyLength, RequestError> {
    framing::request_body(head.version, head.fields.iter(), |index| head.place(index))
}

/// The first letter of the names of each length that matter, else 0. Few other names have both the
/// length and the first letter of one of these.
const FIRST_LETTERS: [u8; 18] = {
    let mut letters = [0; 18];
    letters[b"host".len()] = b'h';
    letters[b"expect".len()] = b'e';
    letters[b"connection".len()] = b'c';
    letters[b"content-length".len()] = b'c';
    letters[b"transfer-encoding".len()] = b't';
    letters
};

#[inline]
fn look(head: &RequestHead, received: &[u8]) -> Result<Present, RequestError> {
    let mut present = Present::default();
    for (index, field) in head.fields.spans().iter().enumerate() {
        let first = received.get(field.name.start()).map(|byte| byte | 0x20);
        if first == FIRST_LETTERS.get(field.name.len()).copied() {
            present.look_at(head, index, field, received)?;
        }
    }
    Ok(present)
}

impl Present {
    #[inline]
    fn look_at(
        &mut self,
        head: &RequestHead,
        index: usize,
        field: &FieldSpan,
        received: &[u8],
    ) -> Result<(), RequestError> {
        let name = field.name.of(received);
        if is_host(name) {
            return match self.host.replace(index) {
                None => Ok(()),
                Some(_) => Err(several_hosts(head, index)),
            };
        }
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        if is(b"connection") {
            self.connection(field.value.of(received));
        } else if is(b"content-length") || is(b"transfer-encoding") {
            self.framing = true;
        } else if is(b"expect") {
            self.expect = true;
        }
        Ok(())
    }

    fn connection(&mut self, value: &[u8]) {
        // What browsers send is worth a question of its own.
        if value == b"keep-alive" {
            self.keep_alive = true;
            return;
        }
        self.connection_options(value);
    }

    #[inline(never)]
    fn connection_options(&mut self, value: &[u8]) {
        for option in list::members(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }
}

/// Every request has this one: its letters are compared at once. The bit that is set turns no other
/// byte into one of them.
#[inline]
fn is_host(name: &[u8]) -> bool {
    match <[u8; 4]>::try_from(name) {
        Ok(name) => u32::from_le_bytes(name) | 0x2020_2020 == u32::from_le_bytes(*b"host"),
        Err(_) => false,
    }
}

#[cold]
fn several_hosts(head: &RequestHead, index: usize) -> RequestError {
    RequestError::SeveralHosts {
        place: head.place(index),
    }
}

/// RFC 9112 3.2: HTTP/1.1 requires Host, and whatever the version, what it holds must be valid.
#[inline]
fn check_host(
    head: &RequestHead,
    index: Option<usize>,
    received: &[u8],
) -> Result<(), RequestError> {
    let Some(index) = index else {
        return match head.version {
            Version::Http11 => Err(RequestError::MissingHost),
            Version::Http10 => Ok(()),
        };
    };
    let span = head.fields.value_span(index);
    if authority::is_plain(received, span) {
        return Ok(());
    }
    check_other_host(head, index, span.of(received))
}

#[cold]
fn check_other_host(head: &RequestHead, index: usize, host: &[u8]) -> Result<(), RequestError> {
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

/// RFC 9110 10.1.1: whether `100-continue` is expected; any other expectation is refused.
#[cold]
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
