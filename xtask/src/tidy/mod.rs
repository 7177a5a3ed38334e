//! `cargo xtask tidy`: what the compiler does not check, checked. Gathers the files, asks every
//! check, prints what they found. The checks are pure and live in the modules below.

mod functions;
mod layers;
mod manifest;
mod modules;
mod source;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{project, shell};

/// Every file that is, or is about to be, committed: its path from the root, and its bytes.
type Files = BTreeMap<String, Vec<u8>>;

/// Something to put right.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    /// From 1; 0 when it is about the whole file.
    line: usize,
    what: String,
}

impl Problem {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Checks the sources.
///
/// # Errors
/// When anything is not as it should be; the list goes to stderr.
pub(crate) fn run() -> Result<()> {
    shell::step("Check that the sources are tidy", || {
        let files = gather(&project::root())?;
        let problems = check(&files);
        for problem in &problems {
            eprintln!("{problem}");
        }
        if !problems.is_empty() {
            bail!("{} things are not tidy", problems.len());
        }
        Ok(())
    })
}

/// All checks over all files, in the order a person would go through them.
fn check(files: &Files) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, bytes) in files {
        problems.extend(text::check(path, bytes));
        if let Ok(text) = std::str::from_utf8(bytes) {
            check_text(path, text, &mut problems);
        }
    }
    problems.extend(modules::check(files));
    problems.sort();
    problems
}

fn check_text(path: &str, text: &str, problems: &mut Vec<Problem>) {
    if path.ends_with("Cargo.toml") {
        problems.extend(manifest::check(path, text));
    }
    if path.ends_with(".rs") {
        match syn::parse_file(text) {
            Ok(file) => {
                problems.extend(functions::check(path, &file));
                problems.extend(layers::check(path, text, &file));
            }
            Err(error) => problems.push(Problem::new(path, 0, error.to_string())),
        }
    }
}

/// Git knows what is ignored, so it is asked; a file that is deleted but not yet committed is in
/// its list and not on the disk.
fn gather(root: &Path) -> Result<Files> {
    let listing = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let listed = shell::output(Command::new("git").current_dir(root).args(listing))?;
    let mut files = Files::new();
    for path in listed.split_terminator('\0') {
        if root.join(path).is_file() {
            files.insert(path.to_owned(), fs::read(root.join(path))?);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_asked() {
        let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
        let body = "//! A.\nfn f() {\n".to_owned() + &"    g();\n".repeat(70) + "}\n";
        let files = Files::from([
            file("a/src/lib.rs", "fn f() {}\n"),
            file("a/src/dead.rs", "//! Nobody declares it.\n"),
            file("a/src/main.rs", &body),
            file("a/Cargo.toml", "[package]\n"),
            file("host/http1/Cargo.toml", "[dependencies]\ntokio = \"1\"\n"),
            file("host/src/lib.rs", "//! L.\nmod router;\n"),
            file("host/src/router.rs", "//! R.\nuse tokio::net;\n"),
            file("host/Cargo.toml", "[package]\n"),
            file("bad.rs", "//! Not Rust.\nfn {\n"),
        ]);
        let found: Vec<_> = check(&files)
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        let expected = [
            "a/src/dead.rs",
            "a/src/lib.rs",
            "a/src/main.rs",
            "bad.rs",
            "bad.rs",
            "host/http1/Cargo.toml",
            "host/src/router.rs",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_problem_is_shown_where_an_editor_finds_it() {
        assert_eq!(Problem::new("a.rs", 7, "bad").to_string(), "a.rs:7: bad");
        assert_eq!(Problem::new("a.rs", 0, "bad").to_string(), "a.rs: bad");
    }
}
