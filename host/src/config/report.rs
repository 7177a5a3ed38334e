//! Collects what is wrong with one file while it is read, and which keys there are.
//! Nothing here knows how a value is read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::error::{ConfigError, Problem};
use super::suggest::nearest;

/// Collects the problems of one file while it is read.
pub(super) struct Report<'t> {
    text: &'t str,
    origin: &'t Path,
    problems: RefCell<Vec<Problem>>,
    /// The known keys of each section: those that were asked for.
    schema: RefCell<BTreeMap<&'static str, BTreeSet<&'static str>>>,
    unknown: RefCell<Vec<Unknown>>,
}

/// A key that nobody asked for, kept until all sections are known.
pub(super) struct Unknown {
    /// Its section's name in the schema.
    pub(super) shape: &'static str,
    pub(super) key: String,
    /// The key with its section, as messages name it.
    pub(super) full: String,
    pub(super) line: usize,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str, origin: &'t Path) -> Report<'t> {
        Report {
            text,
            origin,
            problems: RefCell::default(),
            schema: RefCell::default(),
            unknown: RefCell::default(),
        }
    }

    /// A path that the file names; a relative one starts at the file's directory.
    ///
    /// # Errors
    /// A text that is no path at all.
    pub(super) fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        if path.is_empty() {
            return Err("must not be empty".to_owned());
        }
        if path.contains('\0') {
            return Err("a path must not hold NUL".to_owned());
        }
        let directory = self.origin.parent().unwrap_or(Path::new(""));
        Ok(directory.join(path))
    }

    /// The text as a table.
    ///
    /// # Errors
    /// What is not TOML about it. Nothing else is looked for then, as much would be misread.
    pub(super) fn document(&self) -> Result<DeTable<'t>, ConfigError> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let line = error.span().map(|span| self.line(span));
            self.problem(line, None, error.message().to_owned());
        }
        self.finish(document.into_inner())
    }

    /// As much of the text as a table as can be made out.
    pub(super) fn recovered(&self) -> DeTable<'t> {
        DeTable::parse_recoverable(self.text).0.into_inner()
    }

    /// The line, counted from 1, that a span of the text starts on.
    pub(super) fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// Makes a key of a section a known one.
    pub(super) fn know(&self, shape: &'static str, key: &'static str) {
        let mut schema = self.schema.borrow_mut();
        schema.entry(shape).or_default().insert(key);
    }

    /// Whether a key of a section is a known one.
    pub(super) fn knows(&self, shape: &str, key: &str) -> bool {
        let schema = self.schema.borrow();
        schema.get(shape).is_some_and(|known| known.contains(key))
    }

    /// Notes a key that is not known.
    pub(super) fn unknown(&self, unknown: Unknown) {
        self.unknown.borrow_mut().push(unknown);
    }

    /// Notes a problem.
    pub(super) fn problem(&self, line: Option<usize>, key: Option<String>, message: String) {
        let file = self.origin.to_owned();
        self.problems.borrow_mut().push(Problem {
            file,
            line,
            key,
            message,
        });
    }

    /// The checked value if nothing was wrong, else every problem noted.
    pub(super) fn finish<T>(&self, value: T) -> Result<T, ConfigError> {
        for unknown in self.unknown.take() {
            let advice = self.advice(&unknown);
            self.problem(
                Some(unknown.line),
                Some(unknown.full),
                format!("unknown key; {advice}"),
            );
        }
        let problems = self.problems.take();
        if problems.is_empty() {
            Ok(value)
        } else {
            Err(ConfigError::new(problems))
        }
    }

    /// Every key that was asked for, as `section.key`, with `NAME` for what the user names.
    #[cfg(test)]
    pub(super) fn known_keys(&self) -> BTreeSet<String> {
        let schema = self.schema.borrow();
        let keys = schema
            .iter()
            .flat_map(|(shape, keys)| keys.iter().map(|key| join(shape, key)));
        keys.collect()
    }

    /// What an unknown key should probably have been.
    fn advice(&self, unknown: &Unknown) -> String {
        let schema = self.schema.borrow();
        let key = unknown.key.as_str();
        let elsewhere: Vec<String> = schema
            .iter()
            .filter(|(shape, keys)| !shape.is_empty() && keys.contains(key))
            .map(|(shape, _)| format!("[{shape}]"))
            .collect();
        if !elsewhere.is_empty() {
            return format!("it belongs in {}", elsewhere.join(" or "));
        }
        let Some(known) = schema.get(unknown.shape) else {
            return "no key has a place here".to_owned();
        };
        if let Some(near) = nearest(key, known.iter().copied()) {
            return format!("did you mean {near:?}?");
        }
        let known: Vec<&str> = known.iter().copied().collect();
        format!("known here: {}", known.join(", "))
    }
}

/// A section and a key in it, as messages name them.
pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}
