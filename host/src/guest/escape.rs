//! Makes text from a guest safe to write into a log: bounded, on one line, nothing hidden.

/// Returns `text` with control characters, line separators and characters that reorder a line
/// escaped as in Rust (`\n`, `\u{1b}`), cut between characters at `bytes_max` bytes of result. A
/// cut text ends in `…`, which is not counted.
pub(super) fn escaped(text: &str, bytes_max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(bytes_max));
    for character in text.chars() {
        let length = if must_escape(character) {
            character.escape_default().len()
        } else {
            character.len_utf8()
        };
        if line.len() + length > bytes_max {
            line.push('…');
            break;
        }
        if must_escape(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Whether a character could break out of its line, or make a terminal show something else.
fn must_escape(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(character, '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn keeps_ordinary_text() {
        assert_eq!(escaped("naïve 日本 \\ \"x\"", 100), "naïve 日本 \\ \"x\"");
    }

    #[test]
    fn escapes_what_could_forge_a_line() {
        assert_eq!(escaped("a\r\nb\0\t", 100), "a\\r\\nb\\u{0}\\t");
        assert_eq!(
            escaped("\u{1b}[2J\u{202e}\u{2028}\u{9b}", 100)
                .matches("\\u{")
                .count(),
            4
        );
    }

    #[test]
    fn cuts_between_characters_and_never_inside_an_escape() {
        assert_eq!(escaped("aé", 2), "a…");
        assert_eq!(escaped("aé", 3), "aé");
        assert_eq!(escaped("a\nb", 2), "a…");
        assert_eq!(escaped("a\nb", 3), "a\\n…");
    }
}
