//! What a guest may say: pure checks between its answer and the wire. Nothing past this file
//! needs to distrust a response again.

use super::error::BadAnswer;
use super::escape::escaped;
use super::interface::{Answer, Field};

/// A checked answer: it can be written as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// Names are tokens, values hold no controls, none of them frames the message.
    pub fields: Vec<Field>,
    /// The body, also when the status or method forbids sending it.
    pub body: Vec<u8>,
    /// The length to announce without sending a body: what the guest's `content-length` said, or
    /// the body's length, in answer to HEAD and with 304. `None` otherwise, or when an empty body
    /// says nothing about it (RFC 9110 section 8.6).
    pub content_length: Option<u64>,
}

/// Bounds of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerLimits {
    /// Bytes of the body.
    pub(super) body_max: u64,
    /// Bytes of all field lines together.
    pub(super) head_max: usize,
    /// Field lines.
    pub(super) fields_max: usize,
}

/// The punctuation of a field line: colon, space, CR, LF.
const LINE_OVERHEAD_BYTES: usize = 4;
/// How much of a guest's field name an error quotes.
const QUOTED_BYTES_MAX: usize = 60;
/// Fields that say how a message is framed or a connection is used (RFC 9110 section 7.6.1).
const FRAMING_FIELDS: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Checks a guest's answer to a request that was, or was not, a HEAD.
///
/// # Errors
/// The first rule of wit/types.wit that the answer breaks, or the limit that it passes.
pub(super) fn check(
    answer: Answer,
    is_head: bool,
    limits: &AnswerLimits,
) -> Result<Response, BadAnswer> {
    let Answer {
        status,
        mut fields,
        body,
    } = answer;
    check_head(status, &mut fields, limits)?;
    check_body(&body, limits)?;
    let bodiless = is_head || status == 304;
    let announced = take_content_length(&mut fields, body.len(), bodiless)?;
    let known = announced.or_else(|| (!body.is_empty()).then_some(body.len() as u64));
    Ok(Response {
        status,
        fields,
        body,
        content_length: known.filter(|_| bodiless),
    })
}

/// Checks the head of an answer, and trims its values.
///
/// # Errors
/// As [`check`].
pub(super) fn check_head(
    status: u16,
    fields: &mut [Field],
    limits: &AnswerLimits,
) -> Result<(), BadAnswer> {
    if !(200..=599).contains(&status) {
        return Err(BadAnswer::Status(status));
    }
    check_fields(fields, limits)
}

/// Checks field lines, of a head or of trailers, and trims their values.
///
/// # Errors
/// As [`check`].
pub(super) fn check_fields(fields: &mut [Field], limits: &AnswerLimits) -> Result<(), BadAnswer> {
    check_sizes(fields, limits)?;
    for (index, field) in fields.iter_mut().enumerate() {
        check_name(index, &field.name)?;
        trim(&mut field.value);
        check_value(index, field)?;
    }
    Ok(())
}

fn check_sizes(fields: &[Field], limits: &AnswerLimits) -> Result<(), BadAnswer> {
    let count = fields.len();
    if count > limits.fields_max {
        return Err(BadAnswer::TooManyFields {
            count,
            max: limits.fields_max,
        });
    }
    let line = |field: &Field| field.name.len() + field.value.len() + LINE_OVERHEAD_BYTES;
    let bytes = fields.iter().map(line).sum();
    if bytes > limits.head_max {
        return Err(BadAnswer::HeadTooLarge {
            bytes,
            max: limits.head_max,
        });
    }
    Ok(())
}

fn check_body(body: &[u8], limits: &AnswerLimits) -> Result<(), BadAnswer> {
    let bytes = body.len() as u64;
    if bytes > limits.body_max {
        return Err(BadAnswer::BodyTooLarge {
            bytes,
            max: limits.body_max,
        });
    }
    Ok(())
}

fn check_name(index: usize, name: &str) -> Result<(), BadAnswer> {
    let quoted = || escaped(name, QUOTED_BYTES_MAX);
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(BadAnswer::FieldName {
            index,
            name: quoted(),
        });
    }
    if FRAMING_FIELDS
        .iter()
        .any(|framing| name.eq_ignore_ascii_case(framing))
    {
        return Err(BadAnswer::FramingField {
            index,
            name: quoted(),
        });
    }
    Ok(())
}

/// Bytes outside ASCII are allowed (obs-text); of the controls, only a tab.
fn check_value(index: usize, field: &Field) -> Result<(), BadAnswer> {
    let is_forbidden = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    match field.value.iter().copied().find(is_forbidden) {
        None => Ok(()),
        Some(byte) => {
            let name = escaped(&field.name, QUOTED_BYTES_MAX);
            Err(BadAnswer::FieldValue { index, name, byte })
        }
    }
}

/// Removes the white space around a value: it is no part of it (RFC 9110 section 5.5).
fn trim(value: &mut Vec<u8>) {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = value
        .iter()
        .rposition(|byte| !is_space(byte))
        .map_or(0, |last| last + 1);
    value.truncate(end);
    let start = value.iter().position(|byte| !is_space(byte)).unwrap_or(0);
    value.drain(..start);
}

/// Removes every content-length, for the host writes its own, and returns what they said. They
/// must be right: a guest that counts wrongly has lost part of its body, or made some up. Where
/// no body is sent and the guest gave none, any length may be announced.
fn take_content_length(
    fields: &mut Vec<Field>,
    body: usize,
    bodiless: bool,
) -> Result<Option<u64>, BadAnswer> {
    let mut announced = None;
    for (index, field) in fields.iter().enumerate() {
        if !is_content_length(field) {
            continue;
        }
        let length = parse_length(&field.value);
        let agrees = length == Some(body as u64) || (bodiless && body == 0 && length.is_some());
        if !agrees || (announced.is_some() && announced != length) {
            return Err(BadAnswer::ContentLength { index, body });
        }
        announced = length;
    }
    if announced.is_some() {
        fields.retain(|field| !is_content_length(field));
    }
    Ok(announced)
}

/// Removes every content-length of an answer whose body is still to come, and returns the length
/// that they announce.
///
/// # Errors
/// They are no lengths, or differ.
pub(super) fn take_announced(fields: &mut Vec<Field>) -> Result<Option<u64>, BadAnswer> {
    let mut announced = None;
    for (index, field) in fields.iter().enumerate() {
        if !is_content_length(field) {
            continue;
        }
        let length = parse_length(&field.value);
        if length.is_none() || (announced.is_some() && announced != length) {
            return Err(BadAnswer::Length { index });
        }
        announced = length;
    }
    fields.retain(|field| !is_content_length(field));
    Ok(announced)
}

fn is_content_length(field: &Field) -> bool {
    field.name.eq_ignore_ascii_case("content-length")
}

/// Digits only: `u64::from_str` alone would take a sign.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
