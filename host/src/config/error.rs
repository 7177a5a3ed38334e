//! What is wrong with a configuration, said so that a person can mend it: file, line, key, advice.
//! No checking happens here.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// All problems of one configuration file, in the order of its lines; never none.
/// Displayed, it is one line per problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named by whoever asked for it.
    pub file: PathBuf,
    /// The line, counted from 1; none when the file as a whole is meant.
    pub line: Option<usize>,
    /// The key with its section (`limits.body_max`); none when the text is not even TOML.
    pub key: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl ConfigError {
    /// The problems, in the order of the file's lines.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// An error of these problems, of which there must be one at least.
    pub(super) fn new(mut problems: Vec<Problem>) -> ConfigError {
        debug_assert!(!problems.is_empty(), "an error without a problem");
        problems.sort_by_key(|problem| problem.line);
        ConfigError { problems }
    }

    /// The error for a file that cannot be read at all.
    pub(super) fn unreadable(file: &Path, error: &io::Error) -> ConfigError {
        ConfigError::new(vec![Problem {
            file: file.to_owned(),
            line: None,
            key: None,
            message: format!("cannot be read: {error}"),
        }])
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(key) = &self.key {
            write!(f, " {key}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl Error for ConfigError {}
