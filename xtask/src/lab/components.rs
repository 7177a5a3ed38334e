//! Components made from those in guests/dist: other bytes, and an answer or a behaviour that is
//! known.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

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

/// The same component with other code: a custom section with this text at the end of the module
/// that answers, which nothing looks at but whoever asks whether two modules are the same.
///
/// # Errors
/// There is no such module, or the text is longer than [`with_note`] takes.
pub(crate) fn with_own_code(component: &[u8], text: &str) -> Result<Vec<u8>> {
    const PREAMBLE_BYTES: usize = 8;
    const CORE_MODULE: u8 = 1;
    let mut at = PREAMBLE_BYTES;
    while let Some(id) = component.get(at) {
        let (size, start) = number(component, at + 1).context("a section without a length")?;
        let section = component.get(start..start + size);
        let section = section.context("a section is cut off")?;
        if *id == CORE_MODULE && greets(section) {
            let module = with_note(section.to_vec(), text)?;
            let mut changed = component[..=at].to_vec();
            put_number(&mut changed, module.len());
            changed.extend(module);
            changed.extend(&component[start + size..]);
            return Ok(changed);
        }
        at = start + size;
    }
    bail!("no module of the component has the greeting");
}

fn greets(module: &[u8]) -> bool {
    let greeting = b"Hello ";
    module
        .windows(greeting.len())
        .any(|window| window == greeting)
}

/// A number as WebAssembly writes it (LEB128), and where it ends.
fn number(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(at)?;
        number |= usize::from(byte & 0x7f) << shift;
        at += 1;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some((number, at));
        }
    }
}

fn put_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
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

    #[test]
    fn own_code_is_a_note_in_the_module_that_greets() {
        let preamble = b"\0asm\x0d\0\x01\0";
        let module = [b"Hello ", &b"x".repeat(120)[..]].concat();
        let other = b"\x01\x02ab";
        let of = |size: &[u8], module: &[u8]| {
            [&preamble[..], other, b"\x01", size, module, other].concat()
        };
        let changed = with_own_code(&of(b"\x7e", &module), "two").unwrap();
        let noted = with_note(module, "two").unwrap();
        assert_eq!(changed, of(b"\x88\x01", &noted));
        assert!(with_own_code(&[&preamble[..], other].concat(), "two").is_err());
        assert!(with_own_code(b"\0asm\x0d\0\x01\0\x01\x09ab", "two").is_err());
    }
}
