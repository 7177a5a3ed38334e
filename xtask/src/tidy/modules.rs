//! Checks that every Rust file is part of some crate: that a `mod` leads to it from a file that
//! cargo compiles. The others are dead, and nobody would notice.

use std::collections::BTreeSet;

use syn::{Expr, ExprLit, Item, ItemMod, Lit, Meta};

use super::{Files, Problem};

pub(super) fn check(files: &Files) -> Vec<Problem> {
    let mut reached = BTreeSet::new();
    for root in files
        .keys()
        .filter_map(|path| path.strip_suffix("Cargo.toml"))
    {
        for path in crate_roots(root, files) {
            follow(&path, true, files, &mut reached);
        }
    }
    let rust = files.keys().filter(|path| path.ends_with(".rs"));
    let dead = rust.filter(|path| !reached.contains(path.as_str()));
    dead.map(|path| Problem::new(path, 0, "a dead file: no `mod` declares it"))
        .collect()
}

/// The files of a package that cargo compiles by themselves: found by their place, unless the
/// manifest turns that off, or named in the manifest.
fn crate_roots(package: &str, files: &Files) -> Vec<String> {
    let manifest = text(files, &format!("{package}Cargo.toml"));
    let quoted = manifest.split('"').filter(|word| word.ends_with(".rs"));
    let mut roots: Vec<_> = quoted.map(|path| format!("{package}{path}")).collect();
    roots.extend(["src/lib.rs", "src/main.rs", "build.rs"].map(|path| format!("{package}{path}")));
    for (folder, key) in [
        ("src/bin/", "bins"),
        ("tests/", "tests"),
        ("benches/", "benches"),
        ("examples/", "examples"),
    ] {
        if manifest.contains(&format!("auto{key} = false")) {
            continue;
        }
        let folder = format!("{package}{folder}");
        let inside = files.keys().filter(|path| path.starts_with(&folder));
        roots.extend(
            inside
                .filter(|path| is_found_by_cargo(&path[folder.len()..]))
                .cloned(),
        );
    }
    roots
}

/// `tests/a.rs` and `tests/a/main.rs` are crates, `tests/a/b.rs` is not.
fn is_found_by_cargo(path: &str) -> bool {
    match path.split_once('/') {
        None => path.ends_with(".rs"),
        Some((_, rest)) => rest == "main.rs",
    }
}

/// Marks a file and those its `mod` items lead to. A file named `mod.rs`, or a crate's root, has
/// its modules beside it; any other has them in a folder of its own name.
fn follow(path: &str, is_root: bool, files: &Files, reached: &mut BTreeSet<String>) {
    if !files.contains_key(path) || !reached.insert(path.to_owned()) {
        return;
    }
    let Ok(file) = syn::parse_file(text(files, path)) else {
        return;
    };
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let beside = if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/")
    };
    let own = if is_root || name == "mod.rs" {
        beside.clone()
    } else {
        format!("{beside}{}/", name.trim_end_matches(".rs"))
    };
    for item in &file.items {
        follow_item(item, &beside, &own, files, reached);
    }
}

fn follow_item(
    item: &Item,
    beside: &str,
    own: &str,
    files: &Files,
    reached: &mut BTreeSet<String>,
) {
    let Item::Mod(module) = item else { return };
    let name = module.ident.to_string();
    if let Some((_, items)) = &module.content {
        // A `path` within a module written in place is relative to that module's folder.
        let own = format!("{own}{name}/");
        for item in items {
            follow_item(item, &own, &own, files, reached);
        }
    } else if let Some(path) = path_attribute(module) {
        follow(&join(beside, &path), true, files, reached);
    } else {
        follow(&format!("{own}{name}.rs"), false, files, reached);
        follow(&format!("{own}{name}/mod.rs"), false, files, reached);
    }
}

/// The file of `#[path = "file.rs"]`.
fn path_attribute(module: &ItemMod) -> Option<String> {
    module
        .attrs
        .iter()
        .find_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(path),
                    ..
                }) => Some(path.value()),
                _ => None,
            },
            _ => None,
        })
}

/// `folder` has its slash, `path` may begin with `../`.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<_> = folder.split_terminator('/').collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn text<'a>(files: &'a Files, path: &str) -> &'a str {
    files
        .get(path)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(files: &[(&str, &str)]) -> Vec<String> {
        let file = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        check(&files.iter().map(file).collect())
            .into_iter()
            .map(|problem| problem.path)
            .collect()
    }

    #[test]
    fn modules_are_followed_wherever_they_lie() {
        let files = [
            ("a/Cargo.toml", "[[bin]]\npath = \"fuzz_targets/one.rs\""),
            ("a/fuzz_targets/one.rs", ""),
            ("a/build.rs", ""),
            ("a/src/lib.rs", "mod b; pub mod c; mod d { mod e; }"),
            (
                "a/src/b.rs",
                "#[cfg(test)] mod tests; #[path = \"b_more.rs\"] mod more;",
            ),
            ("a/src/b/tests.rs", ""),
            ("a/src/b_more.rs", ""),
            ("a/src/c/mod.rs", "mod f;"),
            ("a/src/c/f.rs", ""),
            ("a/src/d/e.rs", ""),
            (
                "a/tests/it/main.rs",
                "mod case; #[path = \"../shared.in.rs\"] mod shared;",
            ),
            ("a/tests/it/case.rs", ""),
            ("a/tests/shared.in.rs", ""),
        ];
        assert_eq!(dead(&files), Vec::<String>::new());
    }

    #[test]
    fn what_nobody_declares_is_dead() {
        let files = [
            (
                "Cargo.toml",
                "autotests = false\n[[test]]\npath = \"tests/main.rs\"",
            ),
            ("src/lib.rs", "// mod old;\nmod new;"),
            ("src/new.rs", "mod inner;"),
            ("src/old.rs", ""),
            ("src/inner.rs", ""),
            ("tests/main.rs", "mod one;"),
            ("tests/one.rs", ""),
            ("tests/two.rs", ""),
            ("stray.rs", ""),
        ];
        assert_eq!(
            dead(&files),
            ["src/inner.rs", "src/old.rs", "stray.rs", "tests/two.rs"]
        );
    }
}
