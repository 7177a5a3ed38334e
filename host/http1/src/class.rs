//! Byte classes of the HTTP grammar, and scanners that measure a run of one class.
//!
//! Only questions about single bytes and runs of them are answered here; nothing here knows what
//! a request is.

use crate::block::{self, Places, Wanted};
use wide::u8x16;

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const VALUE: u8 = 4;
const REG_NAME: u8 = 8;
const HEX: u8 = 16;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        table[index] = class_of(index as u8);
        index += 1;
    }
    table
}

const fn class_of(byte: u8) -> u8 {
    let alphanumeric = byte.is_ascii_alphanumeric();
    let mut class = 0;
    // RFC 9110 5.6.2: tchar.
    if alphanumeric || one_of(byte, b"!#$%&'*+-.^_`|~") {
        class |= TOKEN;
    }
    // A target is printable and has no fragment; which form it takes is checked later.
    if byte.is_ascii_graphic() && byte != b'#' {
        class |= TARGET;
    }
    // RFC 9110 5.5: field-vchar, SP and HTAB, where field-vchar includes obs-text.
    if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
        class |= VALUE;
    }
    // RFC 3986 3.2.2: unreserved and sub-delims; pct-encoded is checked by the caller.
    if alphanumeric || one_of(byte, b"-._~!$&'()*+,;=") {
        class |= REG_NAME;
    }
    if byte.is_ascii_hexdigit() {
        class |= HEX;
    }
    class
}

const fn one_of(byte: u8, set: &[u8]) -> bool {
    let mut index = 0;
    while index < set.len() {
        if set[index] == byte {
            return true;
        }
        index += 1;
    }
    false
}

const fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// Whether `bytes` is a token (RFC 9110 5.6.2): methods, field names, connection options.
pub fn is_token(bytes: &[u8]) -> bool {
    // Names to be sent are short and stand alone, with no block around them to look at.
    !bytes.is_empty() && all(bytes, TOKEN)
}

/// Whether `bytes` may be written as a field name (RFC 9110 5.1). Upper case is allowed.
pub fn is_field_name(bytes: &[u8]) -> bool {
    is_token(bytes)
}

/// Whether `bytes` may be written as a field value (RFC 9110 5.5): no control but HTAB. Bytes from
/// 0x80 on are allowed, and so is white space at the ends, which every recipient removes.
pub fn is_field_value(bytes: &[u8]) -> bool {
    match block::any(bytes, control) {
        Some(false) => true,
        // A control may be a tab.
        Some(true) => value_end(bytes, 0) == bytes.len(),
        None => all(bytes, VALUE),
    }
}

/// As [`reg_name_end`] for a name of letters, digits, dots and hyphens: `None` if what ends it is
/// not before the last block.
#[inline(always)]
pub(crate) fn plain_reg_name_end(bytes: &[u8], start: usize) -> Option<usize> {
    block::seek(bytes, start, |block| {
        no_name(block) & !block::equal(block, b'.')
    })
}

/// Where the digits that begin at `start` end; `None` if that is not before the last block.
#[inline(always)]
pub(crate) fn plain_digits_end(bytes: &[u8], start: usize) -> Option<usize> {
    block::seek(bytes, start, |block| !block::between(block, b'0', b'9'))
}

/// Where the registered name of an authority (RFC 3986 3.2.2) that begins at `start` ends, or the
/// first percent sign is in it.
pub(crate) fn reg_name_end(bytes: &[u8], start: usize) -> usize {
    run_end(bytes, start, REG_NAME)
}

/// Whether `byte` is a hexadecimal digit of either case.
pub(crate) fn is_hex(byte: u8) -> bool {
    is(byte, HEX)
}

/// Whether `byte` is optional white space (RFC 9110 5.6.3): SP or HTAB.
pub(crate) fn is_ows(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `bytes` without white space at either end.
pub(crate) fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_ows(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_ows(*last)
    {
        bytes = rest;
    }
    bytes
}

/// Where the token that begins at `start` ends: at the first byte that may not stand in one.
pub(crate) fn token_end(bytes: &[u8], start: usize) -> usize {
    run_end(bytes, block::find(bytes, start, no_name), TOKEN)
}

/// How many letters, digits and hyphens `block` begins with. Nearly all names, and all usual
/// methods, are made of these and shorter than a block.
#[inline(always)]
pub(crate) fn plain_name_len(block: &[u8; block::LEN]) -> usize {
    block::first_place(block, no_name)
}

/// As [`token_end`]; it takes little time if the token is plain but for its length, and blocks of
/// whatever stands after it can be looked at.
#[inline(always)]
pub(crate) fn long_token_end(bytes: &[u8], start: usize) -> usize {
    let end = block::seek(bytes, start, no_name).unwrap_or(start);
    run_end(bytes, end, TOKEN)
}

#[inline(always)]
fn no_name(block: u8x16) -> u8x16 {
    let letter = block::between(block | u8x16::splat(0x20), b'a', b'z');
    let digit = block::between(block, b'0', b'9');
    !(letter | digit | block::equal(block, b'-'))
}

/// Where the request-target that begins at `start` ends.
#[inline]
pub(crate) fn target_end(bytes: &[u8], start: usize) -> usize {
    block::find(bytes, start, no_target)
}

/// Where the request-target that begins at `start` ends, or the first `?` or `%` is in it; `None`
/// if that is not before the last block.
#[inline(always)]
pub(crate) fn plain_target_end(bytes: &[u8], start: usize) -> Option<usize> {
    block::seek(bytes, start, |block| {
        let special = block::equal(block, b'?') | block::equal(block, b'%');
        no_target(block) | special
    })
}

#[inline(always)]
fn no_target(block: u8x16) -> u8x16 {
    !block::between(block, b'!', b'~') | block::equal(block, b'#')
}

/// Where the field value that begins at `start` ends, white space after it included: at the first
/// control but HTAB.
#[inline]
pub(crate) fn value_end(bytes: &[u8], start: usize) -> usize {
    let mut end = block::find(bytes, start, control);
    while bytes.get(end) == Some(&b'\t') {
        end = block::find(bytes, end + 1, control);
    }
    end
}

/// Where the first control is in `bytes`; `None` if it is not before the last block.
#[inline(always)]
pub(crate) fn plain_value_end(bytes: &[u8]) -> Option<usize> {
    block::seek_far(bytes, 0, control)
}

/// Where the controls are in `bytes` from `start` on.
#[inline(always)]
pub(crate) fn controls(bytes: &[u8], start: usize) -> Places<'_, impl Wanted> {
    Places::new(bytes, start, control)
}

#[inline(always)]
fn control(block: u8x16) -> u8x16 {
    block::at_most(block, 0x1f) | block::equal(block, 0x7f)
}

fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|byte| is(*byte, class))
}

fn run_end(bytes: &[u8], start: usize, class: u8) -> usize {
    let mut end = start;
    while bytes.get(end).is_some_and(|byte| is(*byte, class)) {
        end += 1;
    }
    end
}

/// Writes the token at `start..end` of `from` to the same place of `to`, in lower case. What stands
/// after it in `from` may be copied too. Nearly all names fit in a block.
#[inline(always)]
pub(crate) fn copy_lower(from: &[u8], to: &mut [u8], start: usize, end: usize) {
    let block = start..start + block::LEN;
    let source = from.get(block.clone()).and_then(<[u8]>::first_chunk);
    let target = to.get_mut(block).and_then(<[u8]>::first_chunk_mut);
    let (Some(source), Some(target)) = (source, target) else {
        return copy_lower_rest(from, to, start, end);
    };
    *target = block::lower(source, end - start);
    if end - start > block::LEN {
        copy_lower_on(from, to, start + block::LEN, end);
    }
}

/// As [`copy_lower`], as long as it takes.
#[inline(never)]
fn copy_lower_on(from: &[u8], to: &mut [u8], start: usize, end: usize) {
    let mut at = start;
    while at < end {
        let source = from.get(at..).and_then(<[u8]>::first_chunk);
        let target = to.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
        let (Some(source), Some(target)) = (source, target) else {
            return copy_lower_rest(from, to, at, end);
        };
        *target = block::lower(source, end - at);
        at += block::LEN;
    }
}

/// As [`copy_lower`] where there is no whole block.
#[cold]
fn copy_lower_rest(from: &[u8], to: &mut [u8], start: usize, end: usize) {
    if let (Some(from), Some(to)) = (from.get(start..end), to.get_mut(start..end)) {
        to.copy_from_slice(from);
        to.make_ascii_lowercase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of a long value, against the definition.
    #[test]
    fn value_len_stops_at_the_first_control_anywhere() {
        for byte in 0..=u8::MAX {
            let legal = byte == b'\t' || (byte >= 0x20 && byte != 0x7f);
            for filler in [b'a', 0x80, 0xff, b' '] {
                for (place, len) in (0..75).flat_map(|len| (0..len).map(move |at| (at, len))) {
                    let mut value = [filler; 75];
                    value[place] = byte;
                    let expected = if legal { len } else { place };
                    assert_eq!(
                        value_end(&value[..len], 0),
                        expected,
                        "{byte:#x} at {place}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_control_after_a_tab_is_seen() {
        assert_eq!(value_end(b"0123\t567\x018901234", 0), 8);
        assert_eq!(value_end(b"\t\t\t\t\t\t\t\t\t\t\n", 0), 10);
    }

    #[test]
    fn tokens_are_made_lower_case() {
        let tchars: Vec<u8> = (0..0x80).filter(|byte| is_token(&[*byte])).collect();
        for start in 0..tchars.len() {
            for end in start..=tchars.len() {
                let mut bytes = tchars.clone();
                copy_lower(&tchars, &mut bytes, start, end);
                let mut expected = tchars.clone();
                expected[start..end].make_ascii_lowercase();
                assert_eq!(bytes, expected);
            }
        }
    }

    #[test]
    fn tokens_follow_the_grammar() {
        let tchars = b"!#$%&'*+-.^_`|~0123456789abcXYZ";
        assert!(is_token(tchars));
        for byte in b"\"(),/:;<=>?@[\\]{} \t\x00\x7f\x80\xff" {
            assert!(!is_token(&[*byte]), "{byte:#x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn trimming_leaves_inner_space() {
        assert_eq!(trim_ows(b" \ta b\t "), b"a b");
        assert_eq!(trim_ows(b" \t "), b"");
    }
}
