//! The grammar a response must keep to (RFC 9110 section 5): pure checks over bytes, no types of
//! this crate. The host checks everything again; these exist to say sooner what is wrong.

use std::fmt;

/// Fields the host writes itself and refuses from a guest, in lower case.
const HOST_FIELDS: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What is wrong with a response field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldError {
    /// Its name is not a token. Such a name is better not repeated in a message.
    Name,
    /// The host sends this one itself.
    Reserved,
    /// Its value has a byte that could end the line.
    Value,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "its name is not a token",
            Self::Reserved => "this field is the host's to send",
            Self::Value => "its value has a control character",
        })
    }
}

/// Says what is wrong with a response field, if anything.
pub(crate) fn check_field(name: &str, value: &[u8]) -> Result<(), FieldError> {
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(FieldError::Name);
    }
    if HOST_FIELDS
        .iter()
        .any(|reserved| name.eq_ignore_ascii_case(reserved))
    {
        return Err(FieldError::Reserved);
    }
    if !value.iter().copied().all(is_value_byte) {
        return Err(FieldError::Value);
    }
    Ok(())
}

/// Percent-encodes what a URI reference cannot hold but people write: spaces, text outside ASCII
/// and the delimiters RFC 3986 leaves out. Control characters make it `None`: a location with a
/// line break is an injection, never a typing habit.
pub(crate) fn encode_location(location: &str) -> Option<String> {
    let mut encoded = String::with_capacity(location.len());
    for byte in location.bytes() {
        match byte {
            0..=0x1f | 0x7f => return None,
            b' ' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                push_escape(&mut encoded, byte);
            }
            _ => encoded.push(char::from(byte)),
        }
    }
    Some(encoded)
}

fn push_escape(out: &mut String, byte: u8) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    out.push('%');
    out.push(HEX[usize::from(byte >> 4)]);
    out.push(HEX[usize::from(byte & 0xf)]);
}

/// Whether each byte may be in a token (RFC 9110 section 5.6.2). In a guest, a look into a table is
/// worth its 256 bytes.
static TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let (marks, mut at) = (b"!#$%&'*+-.^_`|~", 0);
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[usize::from(byte)]
}

/// RFC 9110 section 5.5: visible characters, spaces, tabs, and bytes outside ASCII.
fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_fields_pass() {
        for (name, value) in [
            ("content-type", "text/plain"),
            ("X-Odd_Name!", ""),
            ("a", "\tä"),
        ] {
            assert_eq!(
                check_field(name, value.as_bytes()),
                Ok(()),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn bad_names_and_values_are_refused() {
        for name in ["", "a b", "a:", "naïve", "a\r\nb"] {
            assert_eq!(check_field(name, b"x"), Err(FieldError::Name), "{name:?}");
        }
        for value in ["a\r\nset-cookie: x", "a\nb", "a\rb", "\0", "\u{7f}"] {
            assert_eq!(
                check_field("a", value.as_bytes()),
                Err(FieldError::Value),
                "{value:?}"
            );
        }
        assert_eq!(
            check_field("Transfer-Encoding", b"chunked"),
            Err(FieldError::Reserved)
        );
    }

    #[test]
    fn a_token_has_letters_digits_and_fifteen_marks() {
        let token: Vec<u8> = (0..=255).filter(|byte| is_token_byte(*byte)).collect();
        let text = String::from_utf8(token).unwrap();
        let marks: String = text.chars().filter(|c| !c.is_alphanumeric()).collect();
        assert_eq!(marks, "!#$%&'*+-.^_`|~");
        assert_eq!(text.len(), 26 + 26 + 10 + 15);
    }

    #[test]
    fn locations_keep_what_a_uri_may_hold() {
        let uri = "https://example.com/a%2Fb?q=1&r=[x]#top";
        assert_eq!(encode_location(uri).as_deref(), Some(uri));
        assert_eq!(encode_location("/é a").as_deref(), Some("/%C3%A9%20a"));
        assert_eq!(encode_location("/a\r\nset-cookie: x"), None);
    }
}
