//! The HTTP clients of Python and of Node. Their scripts are beside this file and do the checking.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use super::{program, run};
use crate::support::Program;

#[test]
fn python_http_client() {
    let program = program();
    let said = run(
        "python3",
        &mut script("python3", "python.py", &program),
        Vec::new(),
    );
    println!("{}", said.text());
    assert_eq!(
        said.text().lines().last(),
        Some("all is well"),
        "{}",
        said.err
    );
}

#[test]
fn node_fetch() {
    let program = program();
    let said = run(
        "nodejs",
        &mut script("node", "node.mjs", &program),
        Vec::new(),
    );
    println!("{}", said.text());
    assert_eq!(
        said.text().lines().last(),
        Some("all is well"),
        "{}",
        said.err
    );
    // Node does not tell which connection it used, but the access log does. It opens a second one
    // when it has a next request before it has put the first connection back.
    let is_greeting = |line: &&String| line.contains("target=/hello?keep");
    let log = program.log.all();
    let lines: Vec<_> = log.iter().filter(is_greeting).collect();
    let clients: HashSet<_> = lines.iter().filter_map(|line| client(line)).collect();
    assert_eq!(lines.len(), 20, "{log:#?}");
    assert!(clients.len() <= 3, "connections were not kept: {clients:?}");
}

/// The address of the client in an access line.
fn client(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("client=")?;
    rest.split(' ').next()
}

fn script(interpreter: &str, script: &str, program: &Program) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let mut command = Command::new(interpreter);
    command
        .arg(folder.join(script))
        .arg(program.addresses[0].to_string());
    command
}
