//! Names that a project can have: those which are names everywhere they go, as a crate's, an npm
//! package's, a guest's in a configuration, a target's in a Makefile.

use std::fmt;

use super::{Language, cargo};

/// A name in lower case: letters, digits, `-` and `_`, a letter first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

/// File systems have room for 255 bytes, and a file's name has more in it than the project's.
const LENGTH_MAX: usize = 64;

/// What a Rust crate cannot be called: keywords, and crates that come with the compiler.
const RUST_TAKEN: &str = "as async await become box break const continue crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv pub \
    ref return self static struct super trait true try type typeof unsafe unsized use virtual \
    where while yield \
    alloc core proc-macro proc_macro std test";

impl Name {
    /// Checks a name for a language.
    ///
    /// # Errors
    /// What is wrong with it, and often one that would do.
    pub(super) fn parse(text: &str, language: Language) -> Result<Self, String> {
        let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(is_fine) {
            return Err(format!(
                "{text:?} is no name for a project: it begins with a lower-case letter, and has \
                 lower-case letters, digits, - and _{}",
                similar(text)
            ));
        }
        if text.len() > LENGTH_MAX {
            return Err(format!(
                "the name has {} bytes, and {LENGTH_MAX} are allowed",
                text.len()
            ));
        }
        if language == Language::Rust && is_taken(text)? {
            return Err(format!(
                "{text:?} is taken in Rust: try {text}-guest, or another name"
            ));
        }
        if language == Language::JavaScript && text == "node_modules" {
            return Err("npm has a folder of its own that is called node_modules".to_owned());
        }
        Ok(Name(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as an identifier, which has no hyphens: cargo calls a library's file so.
    pub(super) fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Also the SDK and all it needs: cargo tells packages apart by name and source, people do not.
fn is_taken(text: &str) -> Result<bool, String> {
    let is_word = RUST_TAKEN.split_whitespace().any(|taken| taken == text);
    Ok(is_word || cargo::locked_names()?.iter().any(|taken| taken == text))
}

/// The nearest name that would do, if there is any.
fn similar(text: &str) -> String {
    let mut near = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '_' => near.push(c),
            '0'..='9' if !near.is_empty() => near.push(c),
            _ if near.is_empty() || near.ends_with('-') => {}
            _ => near.push('-'),
        }
    }
    let near = near.trim_matches(['-', '_']);
    if near.is_empty() || near.len() > LENGTH_MAX {
        return String::new();
    }
    format!("; {near} would do")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str, language: Language) -> String {
        Name::parse(text, language).unwrap_err()
    }

    #[test]
    fn names_that_are_names_everywhere_are_taken() {
        for text in ["a", "hello", "my-first_guest2", &"x".repeat(LENGTH_MAX)] {
            for language in Language::ALL {
                assert_eq!(Name::parse(text, language).unwrap().as_str(), text);
            }
        }
        let name = Name::parse("my-first_guest", Language::Rust).unwrap();
        assert_eq!(name.identifier(), "my_first_guest");
    }

    #[test]
    fn others_are_refused_and_a_near_one_is_offered() {
        let cases = [
            ("", ""),
            ("Hello World", "; hello-world would do"),
            ("9lives", "; lives would do"),
            ("../up", "; up would do"),
            ("a/b", "; a-b would do"),
            ("-x", "; x would do"),
            ("größe", "; gr-e would do"),
            (".", ""),
            ("日本", ""),
            ("a\0b", "; a-b would do"),
        ];
        for (text, near) in cases {
            let problem = problem(text, Language::C);
            assert!(problem.ends_with(&format!("- and _{near}")), "{problem}");
        }
        let long = "x".repeat(LENGTH_MAX + 1);
        assert!(problem(&long, Language::C).contains("65 bytes"));
    }

    #[test]
    fn what_a_language_has_taken_is_refused_in_that_language_alone() {
        for taken in ["fn", "test", "httpd-guest", "wit-bindgen", "serde"] {
            assert!(problem(taken, Language::Rust).contains(&format!("{taken}-guest")));
            assert!(Name::parse(taken, Language::Python).is_ok());
        }
        assert!(problem("node_modules", Language::JavaScript).contains("npm"));
        assert!(Name::parse("node_modules", Language::C).is_ok());
    }
}
