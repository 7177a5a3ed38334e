//! Components made from those in guests/dist: other bytes, and an answer or a behaviour that is
//! known.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::project;

/// What hello answers.
const GREETING: &str = "Hello world!";
/// The longest word that can take the place of "world".
const WORD_BYTES: usize = 5;

/// The component of a guest by its path below guests/dist, such as `faults/trap`.
///
/// # Errors
/// It has not been built.
pub(crate) fn built(name: &str) -> Result<Vec<u8>> {
    let path = project::root().join("guests/dist").join(name);
    let path = path.with_extension("wasm");
    fs::read(&path).with_context(|| path.display().to_string())
}

/// The hello guest with this word of up to five letters instead of "world" in its answer.
///
/// # Errors
/// The word is too long, or hello has no greeting (any more).
pub(crate) fn hello(word: &str) -> Result<Vec<u8>> {
    ensure!(
        word.len() <= WORD_BYTES,
        "{word}: more than {WORD_BYTES} letters"
    );
    with_greeting(built("hello")?, &greeting(word))
}

/// What the hello guest with this word answers.
pub(crate) fn greeting(word: &str) -> String {
    format!("Hello {word:WORD_BYTES$}!")
}

/// The same component in other bytes: a custom section with this text at its end, which nothing
/// looks at.
///
/// # Errors
/// The text is longer than a section's length in one byte allows.
pub(crate) fn with_note(mut component: Vec<u8>, text: &str) -> Result<Vec<u8>> {
    const CUSTOM: u8 = 0;
    const ONE_BYTE_MAX: u8 = 0x7f;
    let name = "note";
    let content = [&[name.len() as u8], name.as_bytes(), text.as_bytes()].concat();
    let length = u8::try_from(content.len())
        .ok()
        .filter(|length| *length <= ONE_BYTE_MAX);
    component.extend([CUSTOM, length.context("a long note")?]);
    component.extend(content);
    Ok(component)
}

/// Puts a file in place of another as a deployment does: written aside, then renamed over.
///
/// # Errors
/// Those of the system.
pub(crate) fn deploy(path: &Path, bytes: &[u8]) -> Result<()> {
    let aside = path.with_extension("new");
    fs::write(&aside, bytes).with_context(|| aside.display().to_string())?;
    fs::rename(&aside, path).with_context(|| path.display().to_string())
}

fn with_greeting(mut component: Vec<u8>, text: &str) -> Result<Vec<u8>> {
    let mut windows = component.windows(GREETING.len());
    let place = windows.position(|window| window == GREETING.as_bytes());
    let place = place.context("hello does not answer with its greeting any more")?;
    component[place..place + GREETING.len()].copy_from_slice(text.as_bytes());
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_greeting_changes() {
        let changed = with_greeting(b"..Hello world!..".to_vec(), &greeting("one")).unwrap();
        assert_eq!(changed, b"..Hello one  !..");
        assert!(with_greeting(b"Hello".to_vec(), &greeting("one")).is_err());
    }

    #[test]
    fn a_note_is_a_custom_section() {
        let noted = with_note(b"c".to_vec(), "two").unwrap();
        assert_eq!(noted, b"c\x00\x08\x04notetwo");
        assert!(with_note(Vec::new(), &"x".repeat(200)).is_err());
    }
}
