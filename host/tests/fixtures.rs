//! Components made by public toolchains, unmodified: all of them pass the suite, in whichever lane
//! and language they were written. `cargo xtask fixtures` builds them.

use std::fs;

use crate::suite::{Suite, sections};
use crate::support::*;

/// Those that are made to be refused have tests of their own.
const TRIES: &str = "tries-";

/// What `cargo xtask fixtures` has built, by name.
fn built() -> Vec<String> {
    let dist = root().join("fixtures/dist");
    let entries = fs::read_dir(&dist).expect("no fixtures: run `cargo xtask fixtures` first");
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".wasm").map(str::to_owned))
        .filter(|name| !name.starts_with(TRIES))
        .collect();
    names.sort();
    names
}

/// Components that are one module need no component model at run time, which the fastest calls are
/// made of. Nothing else would tell if a toolchain came to put them together in another way.
#[test]
fn components_of_one_module_are_called_directly() {
    let file = root().join("fixtures/dist/c-lean.wasm");
    let lean = sections("c-lean", file.to_str().unwrap());
    let log = "[log]\nlevel = \"debug\"\n".to_owned();
    let program = Program::start(&(log + HELLO + ECHO + &lean));
    for guest in ["hello", "echo", "c-lean"] {
        let loaded = format!("loaded guest={guest} ");
        let line = program.log.wait_for(guest, |line| line.contains(&loaded));
        assert!(line.contains("way=\"its only module\""), "{line}");
    }
}

#[test]
fn every_toolchains_component_passes_the_same_suite() {
    let names = built();
    assert!(names.len() >= 6, "only {names:?} are built");
    for name in &names {
        let server = TestServer::start(&sections(name, &format!("fixtures/dist/{name}.wasm")));
        let ask = |request| server.request(request);
        let suite = Suite::new(name, &ask);
        suite.greets();
        suite.echoes();
        suite.hides_nothing();
    }
}
