//! All projects, as files. That they build and serve is shown by the integration tests.

use std::collections::BTreeMap;

use super::*;

fn wanted(language: Language, lane: Lane) -> Wanted {
    let name = Name::parse("my-guest", language).unwrap();
    Wanted {
        name,
        language,
        lane,
    }
}

fn every_project() -> impl Iterator<Item = Wanted> {
    let lanes = |language| Lane::ALL.map(|lane| wanted(language, lane));
    Language::ALL.into_iter().flat_map(lanes)
}

fn files(wanted: &Wanted) -> BTreeMap<String, Vec<u8>> {
    let files = project::files(wanted).unwrap();
    let count = files.len();
    let files: BTreeMap<_, _> = files.into_iter().collect();
    assert_eq!(files.len(), count, "a file twice in {wanted:?}");
    files
}

fn text(files: &BTreeMap<String, Vec<u8>>, path: &str) -> String {
    let content = files.get(path).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(content.clone()).unwrap()
}

#[test]
fn arguments_are_read_or_refused() {
    let parse = |name: &str, language: Option<&str>, lane: Option<&str>| {
        Wanted::parse(
            name.as_ref(),
            language.map(OsStr::new),
            lane.map(OsStr::new),
        )
    };
    let lean = parse("my-guest", Some("js"), None).unwrap();
    assert_eq!(lean, wanted(Language::JavaScript, Lane::Lean));
    let wasi = parse("my-guest", Some("c"), Some("wasi")).unwrap();
    assert_eq!(wasi, wanted(Language::C, Lane::Wasi));
    let refused = |name, language, lane| parse(name, language, lane).unwrap_err();
    assert!(refused("x", None, None).contains("--lang rust, js, python or c"));
    assert!(refused("x", Some("cobol"), None).contains("not \"cobol\""));
    assert!(refused("x", Some("c"), Some("fast")).contains("lean or wasi, not \"fast\""));
    assert!(refused("X", Some("c"), None).contains("; x would do"));
}

#[test]
fn every_project_has_what_a_project_has() {
    for wanted in every_project() {
        let files = files(&wanted);
        for path in ["README.md", ".gitignore", "config.toml"] {
            assert!(files.contains_key(path), "{wanted:?} has no {path}");
        }
        let readme = text(&files, "README.md");
        for command in [
            wanted.language.build_command(),
            wanted.language.test_command(),
        ] {
            assert!(
                readme.contains(command),
                "{wanted:?} does not say {command}"
            );
        }
        for (path, content) in &files {
            let is_safe = !path.starts_with('/') && !path.contains("..") && !path.contains('\\');
            assert!(is_safe, "{path}");
            let text = String::from_utf8_lossy(content);
            let is_filled = !text.contains("{{name") && !text.contains("{{component");
            assert!(is_filled, "{path} of {wanted:?} is not filled in");
        }
    }
}

#[test]
fn every_configuration_is_one() {
    for wanted in every_project() {
        let config = text(&files(&wanted), "config.toml");
        let table: toml::Table = config.parse().unwrap();
        let guest = &table["guests"]["my-guest"];
        let component = wanted.language.component(&wanted.name);
        assert_eq!(guest["component"].as_str(), Some(component.as_str()));
    }
    let name = &wanted(Language::Rust, Lane::Lean).name;
    assert!(Language::Rust.component(name).ends_with("/my_guest.wasm"));
}

#[test]
fn a_project_is_told_of_and_a_taken_name_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let wanted = wanted(Language::Python, Lane::Wasi);
    let told = create(&wanted, temporary.path()).unwrap();
    for part in [
        "python3 build.py",
        "python3 -m unittest",
        "dist/my-guest.wasm",
        "wasi lane",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let refusal = create(&wanted, temporary.path()).unwrap_err();
    assert!(matches!(&refusal, Refusal::Arguments(text) if text.contains("my-guest is there")));
    let nowhere = create(&wanted, &temporary.path().join("none")).unwrap_err();
    assert!(matches!(&nowhere, Refusal::System(text) if text.starts_with("cannot write my-guest")));
}
