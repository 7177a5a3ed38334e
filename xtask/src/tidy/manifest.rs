//! Checks what crates depend on. The protocol crate's list is short and closed: that it cannot do
//! input or output is a promise kept by what it could call.

use super::Problem;

/// A crate's manifest, and all its library may depend on.
const CLOSED: [(&str, &[&str]); 1] = [("host/http1/Cargo.toml", &["memchr", "thiserror", "wide"])];

pub(super) fn check(path: &str, text: &str) -> Vec<Problem> {
    let Some((_, allowed)) = CLOSED.iter().find(|(closed, _)| *closed == path) else {
        return Vec::new();
    };
    let others = dependencies(text)
        .into_iter()
        .filter(|(_, name)| !allowed.contains(name));
    others
        .map(|(line, name)| {
            let what = format!("depends on {name}; it may only on {}", allowed.join(", "));
            Problem::new(path, line, what)
        })
        .collect()
}

/// The names in `[dependencies]`, `[dependencies.name]` and those of single targets, with their
/// lines. Dependencies of tests and build scripts are not the library's.
fn dependencies(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_list = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            in_list = section == "dependencies" || section.ends_with(".dependencies");
            if let Some((before, name)) = section.rsplit_once('.')
                && (before == "dependencies" || before.ends_with(".dependencies"))
            {
                found.push((number, name));
            }
        } else if in_list
            && !line.starts_with('#')
            && let Some((key, _)) = line.split_once('=')
        {
            found.push((
                number,
                key.split('.')
                    .next()
                    .unwrap_or(key)
                    .trim()
                    .trim_matches('"'),
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        let text = "[package]\nname = \"x\"\n[dependencies]\nmemchr.workspace = true\n\
            # tokio = 1\ntokio = { version = \"1\" }\n[dependencies.hyper]\nversion = \"1\"\n\
            [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n\
            [dev-dependencies]\nproptest = \"1\"\n";
        let expected = [(4, "memchr"), (6, "tokio"), (7, "hyper"), (10, "libc")];
        assert_eq!(dependencies(text), expected);
    }

    #[test]
    fn the_protocol_crate_may_depend_on_little() {
        let text = "[dependencies]\nmemchr = \"2\"\ntokio = \"1\"\n";
        let problems = check("host/http1/Cargo.toml", text);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].line == 3 && problems[0].what.contains("depends on tokio"));
        assert_eq!(check("host/Cargo.toml", text), []);
    }
}
