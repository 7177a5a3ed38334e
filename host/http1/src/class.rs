//! Byte classes of the HTTP grammar, and scanners that measure a run of one class.
//!
//! Only questions about single bytes and runs of them are answered here; nothing here knows what
//! a request is.

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const VALUE: u8 = 4;
const REG_NAME: u8 = 8;
const HEX: u8 = 16;

const CLASSES: [u8; 256] = classes();

/// 1 in every byte of a word, and the highest bit of every byte.
const ONES: u64 = u64::from_le_bytes([0x01; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

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
    !bytes.is_empty() && token_len(bytes) == bytes.len()
}

/// Whether `bytes` may be written as a field name (RFC 9110 5.1). Upper case is allowed.
pub fn is_field_name(bytes: &[u8]) -> bool {
    is_token(bytes)
}

/// Whether `bytes` may be written as a field value (RFC 9110 5.5): no control but HTAB. Bytes from
/// 0x80 on are allowed, and so is white space at the ends, which every recipient removes.
pub fn is_field_value(bytes: &[u8]) -> bool {
    value_len(bytes) == bytes.len()
}

/// Whether `byte` may stand in a registered name of an authority (RFC 3986 3.2.2).
pub(crate) fn is_reg_name(byte: u8) -> bool {
    is(byte, REG_NAME)
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

/// How many bytes at the start of `bytes` may stand in a token.
#[inline]
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    run(bytes, TOKEN)
}

/// How many bytes at the start of `bytes` may stand in a request-target.
#[inline]
pub(crate) fn target_len(bytes: &[u8]) -> usize {
    run(bytes, TARGET)
}

/// How many bytes at the start of `bytes` may stand in a field value.
///
/// Values are the bulk of a head: blocks without a control are passed over at once, in a form that
/// the compiler turns into vector instructions, and the one with it is searched by words.
#[inline]
pub(crate) fn value_len(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<32>();
    let clean = blocks.iter().position(has_control).unwrap_or(blocks.len()) * 32;
    let (words, _) = bytes[clean..].as_chunks::<8>();
    let mut len = clean;
    for word in words {
        let suspects = controls(u64::from_le_bytes(*word));
        if suspects != 0 {
            len += suspects.trailing_zeros() as usize / 8;
            break;
        }
        len += 8;
    }
    match bytes.get(len) {
        // A tab is legal but rare: the table decides about what follows it.
        Some(b'\t') => len + run(&bytes[len..], VALUE),
        Some(_) if bytes.len() - len < 8 => len + run(&bytes[len..], VALUE),
        _ => len,
    }
}

fn has_control(block: &[u8; 32]) -> bool {
    block.iter().fold(false, |found, byte| {
        found | (*byte < b' ') | (*byte == 0x7f)
    })
}

/// Makes the letters of a token lower case.
#[inline]
pub(crate) fn lower_token(token: &mut [u8]) {
    let (words, rest) = token.as_chunks_mut::<8>();
    for word in words {
        *word = lower_word(u64::from_le_bytes(*word)).to_le_bytes();
    }
    for byte in rest {
        *byte |= u8::from(byte.is_ascii_uppercase()) << 5;
    }
}

/// `word` with its upper-case letters made lower. Its bytes are ASCII, so no sum carries.
const fn lower_word(word: u64) -> u64 {
    let from_a = word + ONES * (0x80 - b'A' as u64);
    let past_z = word + ONES * (0x7f - b'Z' as u64);
    word | (from_a & !past_z & HIGH) >> 2
}

fn run(bytes: &[u8], class: u8) -> usize {
    bytes
        .iter()
        .position(|byte| !is(*byte, class))
        .unwrap_or(bytes.len())
}

/// The high bit of each byte below 0x20 or equal to 0x7f. Bits above the lowest one set may be
/// wrong, because a subtraction borrows from the next byte; the lowest is exact.
const fn controls(word: u64) -> u64 {
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let deletes = word ^ (ONES * 0x7f);
    let is_delete = deletes.wrapping_sub(ONES) & !deletes;
    (below_space | is_delete) & HIGH
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
                    assert_eq!(value_len(&value[..len]), expected, "{byte:#x} at {place}");
                }
            }
        }
    }

    #[test]
    fn a_control_after_a_tab_is_seen() {
        assert_eq!(value_len(b"0123\t567\x018901234"), 8);
        assert_eq!(value_len(b"\t\t\t\t\t\t\t\t\t\t\n"), 10);
    }

    #[test]
    fn tokens_are_made_lower_case() {
        let tchars: Vec<u8> = (0..0x80).filter(|byte| is_token(&[*byte])).collect();
        for start in 0..tchars.len() {
            let mut token = tchars[start..].to_vec();
            lower_token(&mut token);
            assert_eq!(token, tchars[start..].to_ascii_lowercase());
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
