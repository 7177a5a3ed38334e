//! What the fields of a head mean to the protocol: Host, framing, Expect and Connection.
//!
//! A pass over the fields of a complete head, and another one over those that matter; it refuses
//! what the syntax could not.

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
#[derive(Clone, Copy, Default)]
struct Present {
    /// A set of [`HOST`] and so on.
    kinds: u8,
    /// Where the last Host and the last Connection are, if they are there.
    host: usize,
    connection: usize,
}

const HOST: u8 = 1;
const SEVERAL_HOSTS: u8 = 2;
const CONNECTION: u8 = 4;
const SEVERAL_CONNECTIONS: u8 = 8;
const FRAMING: u8 = 16;
const EXPECT: u8 = 32;

/// Reads the meaning of a head whose line and fields are known into `head.meaning`. `received`
/// begins with the bytes that the head was copied from: what was just written is slow to read back.
///
/// # Errors
/// An absent, repeated or invalid Host, invalid framing, an expectation we cannot meet.
#[inline(never)]
pub(crate) fn read(head: &mut RequestHead, received: &[u8]) -> Result<(), RequestError> {
    // A request that has nothing but a plain Host ends here, and calls nobody on the way: that
    // would take as long as all it does.
    let marked = mark(head, received);
    let first = marked.trailing_zeros() as usize;
    let is_alone = first < MARKS - 1 && marked == 1 << first;
    if !is_alone || !is_plain_host(head, first, received) {
        return read_more(head, received, marked);
    }
    head.meaning = Meaning {
        host: Some(first),
        body_length: BodyLength::None,
        expects_continue: false,
        wants_keep_alive: head.version == Version::Http11,
    };
    Ok(())
}

/// As [`read`], whatever is there.
#[inline(never)]
fn read_more(head: &mut RequestHead, received: &[u8], marked: u64) -> Result<(), RequestError> {
    let present = look(head, received, marked);
    let host = check_host(head, present, received)?;
    let is_http11 = head.version == Version::Http11;
    let body_length = match present.kinds & FRAMING {
        0 => BodyLength::None,
        _ => body_length(head)?,
    };
    let has_body = !matches!(body_length, BodyLength::None | BodyLength::Known(0));
    let expects = present.kinds & EXPECT != 0 && is_http11 && expects_continue(head)?;
    let wanted = connection(head, present, received);
    head.meaning = Meaning {
        host,
        body_length,
        // RFC 9110 10.1.1: without content there is nothing to wait for.
        expects_continue: expects && has_body,
        // RFC 9112 9.3: `close` wins over everything.
        wants_keep_alive: !wanted.close && (is_http11 || wanted.keep_alive),
    };
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

/// Fields that can be marked. The last mark stands for all from there on.
const MARKS: usize = u64::BITS as usize;

/// Marks the fields that may matter.
#[inline]
fn mark(head: &RequestHead, received: &[u8]) -> u64 {
    let mut marked = 0;
    for (index, field) in head.fields.spans().iter().enumerate() {
        let first = received.get(field.name.start()).map(|byte| byte | 0x20);
        if first == FIRST_LETTERS.get(field.name.len()).copied() {
            marked |= 1 << index.min(MARKS - 1);
        }
    }
    marked
}

fn look(head: &RequestHead, received: &[u8], marked: u64) -> Present {
    let mut present = Present::default();
    let mut look_at = |index, field: &FieldSpan| present.look_at(index, field.name.of(received));
    let (spans, mut left) = (head.fields.spans(), marked);
    while left != 0 {
        let index = left.trailing_zeros() as usize;
        left &= left - 1;
        match spans.get(index..).unwrap_or_default() {
            [field, ..] if index < MARKS - 1 => look_at(index, field),
            fields => (index..)
                .zip(fields)
                .for_each(|(at, field)| look_at(at, field)),
        }
    }
    present
}

/// Whether the field is a Host without anything unusual.
#[inline]
fn is_plain_host(head: &RequestHead, index: usize, received: &[u8]) -> bool {
    head.fields.spans().get(index).is_some_and(|field| {
        is_host(field.name.of(received)) && authority::is_plain(received, field.value)
    })
}

impl Present {
    /// Notes a field of this kind, of which two are several.
    #[inline]
    fn note(&mut self, kind: u8, several: u8) {
        if self.kinds & kind != 0 {
            self.kinds |= several;
        }
        self.kinds |= kind;
    }

    #[inline]
    fn look_at(&mut self, index: usize, name: &[u8]) {
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        if is_host(name) {
            self.note(HOST, SEVERAL_HOSTS);
            self.host = index;
        } else if is(b"connection") {
            self.note(CONNECTION, SEVERAL_CONNECTIONS);
            self.connection = index;
        } else if is(b"content-length") || is(b"transfer-encoding") {
            self.kinds |= FRAMING;
        } else if is(b"expect") {
            self.kinds |= EXPECT;
        }
    }
}

/// What the client wants to become of the connection.
#[derive(Default)]
struct Wanted {
    close: bool,
    keep_alive: bool,
}

#[inline]
fn connection(head: &RequestHead, present: Present, received: &[u8]) -> Wanted {
    let index = present.connection;
    match present.kinds & (CONNECTION | SEVERAL_CONNECTIONS) {
        0 => Wanted::default(),
        // What browsers send is worth a question of its own.
        CONNECTION if head.fields.value_span(index).of(received) == b"keep-alive" => Wanted {
            close: false,
            keep_alive: true,
        },
        _ => connection_options(head),
    }
}

#[inline(never)]
fn connection_options(head: &RequestHead) -> Wanted {
    let mut wanted = Wanted::default();
    let fields = head.fields.iter();
    let values = fields.filter_map(|(name, value)| (name == b"connection").then_some(value));
    for option in values.flat_map(list::members) {
        wanted.close |= option.eq_ignore_ascii_case(b"close");
        wanted.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
    }
    wanted
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
fn several_hosts(head: &RequestHead) -> RequestError {
    let fields = head.fields.iter().enumerate();
    let mut hosts = fields.filter(|(_, (name, _))| *name == b"host");
    let second = hosts.nth(1).map_or(0, |(index, _)| index);
    RequestError::SeveralHosts {
        place: head.place(second),
    }
}

/// RFC 9112 3.2: HTTP/1.1 requires Host, and whatever the version, what it holds must be valid.
/// Returns where it is.
#[inline]
fn check_host(
    head: &RequestHead,
    present: Present,
    received: &[u8],
) -> Result<Option<usize>, RequestError> {
    let index = present.host;
    match present.kinds & (HOST | SEVERAL_HOSTS) {
        0 if head.version == Version::Http11 => Err(RequestError::MissingHost),
        0 => Ok(None),
        HOST => {
            let span = head.fields.value_span(index);
            if !authority::is_plain(received, span) {
                check_other_host(head, index, span.of(received))?;
            }
            Ok(Some(index))
        }
        _ => Err(several_hosts(head)),
    }
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

#[cfg(test)]
mod tests {
    use crate::{BodyLength, Connection, Event, Limits, RequestError, RequestHead};

    /// A head with these fields behind so many others.
    fn read(others: usize, fields: &str) -> Result<Box<RequestHead>, RequestError> {
        let others = "accept: a\r\n".repeat(others);
        let mut connection = Connection::new(Limits {
            fields_max: 200,
            ..Limits::default()
        });
        connection.receive(format!("GET / HTTP/1.1\r\n{others}{fields}\r\n").as_bytes());
        match connection.next_event()? {
            Event::Head(head) => Ok(head),
            other => panic!("{other:?}"),
        }
    }

    /// Among them where fields are not marked one by one any more.
    #[test]
    fn what_matters_is_seen_wherever_it_stands() {
        for others in (0..4).chain(58..70) {
            let plain = read(others, "host: a\r\n").unwrap();
            assert_eq!(plain.authority(), Some("a"), "{others}");
            assert!(plain.wants_keep_alive(), "{others}");
            assert_eq!(plain.body_length(), BodyLength::None, "{others}");
            let all = "connection: te\r\nhost: a\r\nx: y\r\nconnection: close\r\n\
                expect: 100-continue\r\ncontent-length: 3\r\n";
            let all = read(others, all).unwrap();
            assert_eq!(all.authority(), Some("a"), "{others}");
            assert!(
                !all.wants_keep_alive() && all.expects_continue(),
                "{others}"
            );
            assert_eq!(all.body_length(), BodyLength::Known(3), "{others}");
            for between_count in [0, 1, 3, 64] {
                let between = "hose: a\r\n".repeat(between_count);
                let several = read(others, &format!("host: a\r\n{between}host: a\r\n"));
                let Err(several @ RequestError::SeveralHosts { .. }) = several else {
                    panic!("{several:?}");
                };
                let place = format!("field {} ", others + between_count + 2);
                assert!(several.to_string().contains(&place), "{several}");
            }
            let missing = read(others, "hose: a\r\n");
            assert!(
                matches!(missing, Err(RequestError::MissingHost)),
                "{others}"
            );
            let invalid = read(others, "host: a b\r\n");
            let is_refused = matches!(invalid, Err(RequestError::InvalidHost { .. }));
            assert!(is_refused, "{others}");
        }
    }
}
