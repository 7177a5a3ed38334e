//! Reads TOML tables key by key, so that one pass finds every problem with its line.
//! It knows types and units, but no key of ours: those are in `sections`, `guests` and `routes`.
//!
//! A serde derive would stop at the first problem. Here each getter notes what is wrong, hands back
//! the default, and reading goes on; which keys exist follows from which were asked for.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::report::{Report, Unknown, join};
use super::units::ShowSize;
use super::values::{
    Value, as_duration, as_fraction, as_number, as_size, expect_str, expected, in_range,
};

/// One table being read. Every key asked for is a known key; `finish` refuses the others.
pub(super) struct Section<'r> {
    report: &'r Report<'r>,
    table: Option<&'r DeTable<'r>>,
    /// The section as messages name it: `guests.hello`.
    name: String,
    /// The section as the schema names it, the same for all guests: `guests.NAME`.
    shape: &'static str,
    line: usize,
}

impl<'r> Section<'r> {
    /// The top of a document as a section.
    pub(super) fn root(report: &'r Report<'r>, document: &'r DeTable<'r>) -> Section<'r> {
        let (table, name) = (Some(document), String::new());
        Section {
            report,
            table,
            name,
            shape: "",
            line: 1,
        }
    }

    /// A section at the top of the file; an empty one when it is absent or no table.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'r> {
        self.inner_section(key, key)
    }

    /// A section of this one, with its name in the schema.
    pub(super) fn inner_section(&mut self, key: &'static str, shape: &'static str) -> Section<'r> {
        let value = self.take(key);
        self.inner(key, value, shape)
    }

    /// The sections of an array of tables at the top of the file, in the order of the file.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'r>> {
        self.inner_sections(key, key)
    }

    /// The sections of an array of tables of this one, with their name in the schema.
    pub(super) fn inner_sections(
        &mut self,
        key: &'static str,
        shape: &'static str,
    ) -> Vec<Section<'r>> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong(
                key,
                value,
                format!("expected sections, each starting with [[{shape}]]"),
            );
            return Vec::new();
        };
        let named = |i| format!("{key}[{i}]");
        array
            .iter()
            .enumerate()
            .map(|(i, v)| self.inner(&named(i), Some(v), shape))
            .collect()
    }

    /// The sections of this one whose names are the user's to choose, with the names.
    pub(super) fn named_sections(&self, shape: &'static str) -> Vec<(&'r str, Section<'r>)> {
        let entries = self.table.into_iter().flatten();
        let inner = |key: &'r str, value| (key, self.inner(key, Some(value), shape));
        entries
            .map(|(key, value)| inner(key.get_ref(), value))
            .collect()
    }

    /// This section's value of a key, as it stands. The key is a known one from here on.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'r Value<'r>> {
        self.report.know(self.shape, key);
        self.table?.get(key)
    }

    /// Like `take`, for a look at what kind of value a key has.
    pub(super) fn peek(&self, key: &str) -> Option<&'r Value<'r>> {
        self.table?.get(key)
    }

    /// A value that `convert` makes something of, or the default when it is absent or wrong.
    pub(super) fn get<T>(
        &mut self,
        key: &'static str,
        default: T,
        convert: impl FnOnce(&Value<'r>) -> Result<T, String>,
    ) -> T {
        self.optional(key, convert).unwrap_or(default)
    }

    /// A value that `convert` makes something of; none when it is absent or wrong.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        convert: impl FnOnce(&Value<'r>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.take(key)?;
        convert(value)
            .map_err(|message| self.wrong(key, value, message))
            .ok()
    }

    /// Like `optional`, and it is a problem when the key is absent.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        convert: impl FnOnce(&Value<'r>) -> Result<T, String>,
    ) -> Option<T> {
        if self.table.is_some_and(|table| !table.contains_key(key)) {
            self.problem(key, format!("missing; write for example {key} = {example}"));
        }
        self.optional(key, convert)
    }

    /// A size in bytes, within a range.
    pub(super) fn size<T>(&mut self, key: &'static str, default: T, range: RangeInclusive<u64>) -> T
    where
        T: TryFrom<u64>,
    {
        self.get(key, default, |value| {
            in_range(as_size(value)?, &range, ShowSize)
        })
    }

    /// A whole number, within a range.
    pub(super) fn number<T>(
        &mut self,
        key: &'static str,
        default: T,
        range: RangeInclusive<u64>,
    ) -> T
    where
        T: TryFrom<u64>,
    {
        self.get(key, default, |value| {
            in_range(as_number(value)?, &range, |n| n)
        })
    }

    /// A duration, within a range.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        self.get(key, default, |value| as_duration(value, &range))
    }

    /// A number with or without a fraction, within a range.
    pub(super) fn fraction(
        &mut self,
        key: &'static str,
        default: f64,
        range: RangeInclusive<f64>,
    ) -> f64 {
        self.get(key, default, |value| as_fraction(value, &range))
    }

    /// A path, resolved against the file's directory, that `check` finds nothing wrong with; none
    /// when it is absent or wrong.
    pub(super) fn path(
        &mut self,
        key: &'static str,
        wanted: &str,
        check: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Option<PathBuf> {
        let report = self.report;
        self.optional(key, |value| {
            let path = report.resolve(expect_str(value, wanted)?)?;
            check(&path)?;
            Ok(path)
        })
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.get(key, default, |value| match value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(expected("true or false", value)),
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        default: T,
        choices: &[(&'static str, T)],
    ) -> T {
        self.get(key, default, |value| {
            let words: Vec<String> = choices
                .iter()
                .map(|(word, _)| format!("{word:?}"))
                .collect();
            let wanted = format!("one of {}", words.join(", "));
            let word = expect_str(value, &wanted)?;
            let chosen = choices.iter().find(|(choice, _)| *choice == word);
            chosen
                .map(|(_, choice)| *choice)
                .ok_or(format!("{word:?} is not {wanted}"))
        })
    }

    /// The line that this section starts on.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The report that this section's problems go to.
    pub(super) fn report(&self) -> &'r Report<'r> {
        self.report
    }

    /// Notes a problem with a key of this section, at the key's line or else the section's.
    pub(super) fn problem(&self, key: &str, message: String) {
        let entry = self.table.and_then(|table| table.get_key_value(key));
        let line = entry.map_or(self.line, |(key, _)| self.report.line(key.span()));
        self.report
            .problem(Some(line), Some(join(&self.name, key)), message);
    }

    /// Notes a problem with a value of this section, at the value's own line.
    pub(super) fn wrong(&self, key: &str, value: &Value<'_>, message: String) {
        let line = self.report.line(value.span());
        self.report
            .problem(Some(line), Some(join(&self.name, key)), message);
    }

    /// Ends the reading of this section: what nobody asked for is an unknown key.
    pub(super) fn finish(self) {
        for (key, _) in self.table.into_iter().flatten() {
            let (shape, name) = (self.shape, key.get_ref());
            if !self.report.knows(shape, name) {
                let (full, line) = (join(&self.name, name), self.report.line(key.span()));
                self.report.unknown(Unknown {
                    shape,
                    key: name.to_string(),
                    full,
                    line,
                });
            }
        }
    }

    fn inner(&self, key: &str, value: Option<&'r Value<'r>>, shape: &'static str) -> Section<'r> {
        let table = value.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            self.wrong(key, value, expected("a section", value));
        }
        let line = value.map_or(self.line, |value| self.report.line(value.span()));
        Section {
            report: self.report,
            table,
            name: join(&self.name, key),
            shape,
            line,
        }
    }
}
