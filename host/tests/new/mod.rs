//! Projects of `httpd-host new`, as a user has them: the commands that the program prints build
//! and test them, and what is built serves. `cargo xtask sdks` sets up for this.

mod project;

use std::fs;

use project::Project;

use crate::suite::{Suite, sections};
use crate::support::*;

/// A project for each lane passes its own tests and the suite. Those of one language share the
/// tools that the first of them has installed.
fn every_lane_builds_and_serves(language: &str) {
    let lean = Project::make(language, "lean");
    let wasi = Project::make(language, "wasi");
    lean.build();
    wasi.borrow_tools(&lean);
    wasi.build();
    for project in [lean, wasi] {
        project.test();
        serves(&project);
    }
}

/// First in this process, which compiles the component for as long as that takes; then by the
/// program, which finds it compiled.
fn serves(project: &Project) {
    let component = project.component();
    let server = TestServer::start(&sections(&project.name, component.to_str().unwrap()));
    passes(&project.name, &|request| server.request(request));
    if project.lane == "wasi" {
        passes_pieces_on(&project.name, server.connect());
    }
    drop(server);
    let folder = project.deployed();
    let program = Program::start_in(folder, std::process::Stdio::null(), "");
    passes(&project.name, &|request| program.request(request));
    fails(&program);
}

fn passes(name: &str, ask: &dyn Fn(Vec<u8>) -> Response) {
    let suite = Suite::new(name, ask);
    suite.greets();
    suite.greets_by_name();
    suite.echoes();
    suite.hides_nothing();
}

/// What was sent of a body comes back before the rest is sent.
fn passes_pieces_on(name: &str, mut client: Client) {
    let head = head("POST", "/echo", "transfer-encoding: chunked\r\n");
    client.send(head.replace("test.example", &format!("{name}.example")));
    let mut seen = Vec::new();
    for (sent, awaited) in [
        ("3\r\none\r\n", "one"),
        ("3\r\ntwo\r\n0\r\n\r\n", "\r\n0\r\n\r\n"),
    ] {
        client.send(sent);
        while !String::from_utf8_lossy(&seen).contains(awaited) {
            let more = client.some().expect("nothing comes back");
            assert!(!more.is_empty(), "{name} ends after {seen:?}");
            seen.extend(more);
        }
    }
    assert!(String::from_utf8_lossy(&seen).contains("two"), "{name}");
}

/// A handler that fails is answered for, and the log says why.
fn fails(program: &Program) {
    program.request(get("/fail")).expect(500);
    let is_reason = |line: &str| line.contains(project::REASON);
    program.log.wait_for("the reason of the failure", is_reason);
}

#[test]
fn projects_in_rust_build_and_serve() {
    every_lane_builds_and_serves("rust");
}

#[test]
fn projects_in_javascript_build_and_serve() {
    every_lane_builds_and_serves("js");
}

#[test]
fn projects_in_python_build_and_serve() {
    every_lane_builds_and_serves("python");
}

#[test]
fn projects_in_c_build_and_serve() {
    every_lane_builds_and_serves("c");
}

#[test]
fn what_is_there_stays_and_the_exit_status_says_whose_turn_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let new = |arguments: &[&str]| run_in(folder.path(), &[&["new"], arguments].concat());
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/notes"), "mine").unwrap();
    let taken = new(&["mine", "--lang", "c"]);
    assert_eq!(taken.code, Some(2));
    assert!(taken.err.contains("mine is there already"), "{}", taken.err);
    for (arguments, complaint) in [
        (&["x"][..], "--lang rust, js, python or c"),
        (&["x", "--lang", "go"], "\"go\""),
        (&["x", "--lang", "js", "--lane", "fat"], "lean or wasi"),
        (&["../x", "--lang", "js"], "; x would do"),
        (&["serde", "--lang", "rust"], "taken in Rust"),
    ] {
        let refused = new(arguments);
        assert_eq!(refused.code, Some(2), "{arguments:?}");
        assert!(refused.err.contains(complaint), "{}", refused.err);
    }
    let names = fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["mine"]);
    assert_eq!(
        fs::read_to_string(folder.path().join("mine/notes")).unwrap(),
        "mine"
    );
    // Nobody can make a folder there.
    let refused = run_in("/proc".as_ref(), &["new", "x", "--lang", "c"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("cannot write x"), "{}", refused.err);
}
