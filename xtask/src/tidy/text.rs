//! Checks that need only a file's bytes: sizes, the first line, leftovers, machine paths, binaries.

use super::Problem;

const FILE_LINES_MAX: usize = 500;
const LINE_CHARACTERS_MAX: usize = 100;

/// Rust files that may begin otherwise than with what they are, each with its reason.
const WITHOUT_HEADER: [(&str, &str); 0] = [];

/// Notes to oneself. They are put together here, lest this file find itself.
const LEFTOVERS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("dbg", "!("),
];

/// Folders of somebody's machine.
const MACHINE_FOLDERS: [&str; 3] = [
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
];

pub(super) fn check(path: &str, bytes: &[u8]) -> Vec<Problem> {
    let is_wasm = std::path::Path::new(path)
        .extension()
        .is_some_and(|end| end == "wasm");
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![Problem::new(
            path,
            0,
            "a binary file: build it instead of committing it",
        )];
    };
    if is_wasm || text.contains('\0') {
        return vec![Problem::new(
            path,
            0,
            "a binary file: build it instead of committing it",
        )];
    }
    let mut problems = leftovers(path, text);
    if path.ends_with(".rs") {
        problems.extend(sizes(path, text));
        problems.extend(header(path, text));
    }
    problems
}

fn sizes(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        let what = format!("{lines} lines, more than {FILE_LINES_MAX}: are there two ideas in it?");
        problems.push(Problem::new(path, 0, what));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let characters = line.chars().count();
        if characters > LINE_CHARACTERS_MAX {
            let what = format!("{characters} characters, more than {LINE_CHARACTERS_MAX}");
            problems.push(Problem::new(path, number, what));
        }
    }
    problems
}

fn header(path: &str, text: &str) -> Option<Problem> {
    let excused = WITHOUT_HEADER.iter().any(|(excused, _)| *excused == path);
    let what = "the first line does not say what this file is: //! ...";
    (!excused && !text.starts_with("//! ")).then(|| Problem::new(path, 1, what))
}

fn leftovers(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let found = LEFTOVERS
            .iter()
            .filter(|leftover| contains_word(line, leftover));
        problems.extend(found.map(|word| Problem::new(path, number, format!("left over: {word}"))));
        let found = MACHINE_FOLDERS
            .iter()
            .filter(|folder| contains_word(line, folder));
        problems.extend(
            found.map(|folder| Problem::new(path, number, format!("a machine's path: {folder}"))),
        );
    }
    problems
}

/// Whether `word` stands there and is not the end of something longer, as in `a/home/`.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        check(path, text.as_bytes())
            .into_iter()
            .map(|p| (p.line, p.what))
            .collect()
    }

    #[test]
    fn a_tidy_file_passes() {
        assert_eq!(found("a.rs", "//! What it is.\n\nfn f() {}\n"), []);
        assert_eq!(found("a.md", &"long ".repeat(40)), []);
    }

    #[test]
    fn long_files_and_lines_are_found() {
        let long = "//! A.\n".to_owned() + &"\n".repeat(500);
        assert!(found("a.rs", &long)[0].1.starts_with("501 lines"));
        assert_eq!(found("a.rs", &long[..long.len() - 1]), []);
        let wide = format!("//! A.\n// {}\n", "ä".repeat(98));
        assert_eq!(
            found("a.rs", &wide),
            [(2, "101 characters, more than 100".into())]
        );
        assert_eq!(found("a.rs", &wide.replacen('ä', "", 1)), []);
    }

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(found("a.rs", "use std::fs;\n").len(), 1);
        assert_eq!(found("a.rs", "").len(), 1);
        assert_eq!(found("a.rs", "// A comment.\n").len(), 1);
    }

    #[test]
    fn leftovers_and_machine_paths_are_found() {
        for leftover in LEFTOVERS.iter().chain(&MACHINE_FOLDERS) {
            let text = format!("all is well\nsee {leftover} here\n\"{leftover}x\"\n");
            let lines: Vec<_> = found("a.md", &text).iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [2, 3], "{leftover}");
        }
        let harmless = format!("example.com{}index.html", MACHINE_FOLDERS[2]);
        assert_eq!(found("a.md", &harmless), []);
    }

    #[test]
    fn binaries_are_found() {
        assert_eq!(check("a.bin", b"\xff\xfe").len(), 1);
        assert_eq!(check("a.bin", b"a\0b").len(), 1);
        assert_eq!(check("a.wasm", b"text").len(), 1);
    }
}
