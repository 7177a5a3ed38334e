//! Components made by public toolchains, unmodified: all of them pass one and the same suite, in
//! whichever lane and language they were written. `cargo xtask fixtures` builds them.

use std::fs;

use crate::support::*;

/// The guests of this project that do the same.
const OWN: [&str; 1] = ["streaming-echo"];

/// Those that are made to be refused have tests of their own.
const TRIES: &str = "tries-";

/// A configuration with a host for each component, at which every path is its own.
fn sections(name: &str, file: &str) -> String {
    let host = format!("host = \"{name}.example\"");
    format!(
        "\n[guests.{name}]\ncomponent = \"{file}\"\nmemory_max = \"256MiB\"\ndeadline = \"60s\"\n"
    ) + &route("/{*rest}", name, &host)
        + &route("/", name, &host)
}

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

fn ask(server: &TestServer, name: &str, request: &str) -> Response {
    let head = request.replace("host: test.example", &format!("host: {name}.example"));
    server.request(head)
}

fn greets(server: &TestServer, name: &str) {
    for target in ["/", "/somewhere?q=1"] {
        let response = ask(server, name, &get(target)).expect(200);
        assert_eq!(response.text(), "Hello world!", "{name}");
        let kind = response
            .field("content-type")
            .unwrap_or_default()
            .to_owned();
        assert!(kind.starts_with("text/plain"), "{name}: {kind}");
    }
}

fn echoes(server: &TestServer, name: &str) {
    let host = format!("host: {name}.example");
    for length in [0, 5, 100_000] {
        let body = "0123456789".repeat(length / 10) + &"x".repeat(length % 10);
        let kind = format!("content-type: text/x-own\r\ncontent-length: {length}\r\n");
        let request = head("POST", "/echo", &kind).replace("host: test.example", &host) + &body;
        let response = server.request(request).expect(200);
        assert!(response.text() == body, "{name}: {length} bytes");
        assert_eq!(response.field("content-type"), Some("text/x-own"), "{name}");
    }
    let pieces = [&b"one, "[..], b"two"];
    let request = chunked("/echo", &pieces, "");
    let request = String::from_utf8(request)
        .unwrap()
        .replace("host: test.example", &host);
    assert_eq!(
        server.request(request).expect(200).text(),
        "one, two",
        "{name}"
    );
}

/// Whatever a guest makes of a body that is none, the client is told what is wrong with it.
fn hides_nothing(server: &TestServer, name: &str) {
    let fields = "transfer-encoding: chunked\r\n";
    let request = head("POST", "/echo", fields) + "5\r\nhello\r\nnot a size\r\n";
    ask(server, name, &request).expect_refusal(400);
}

#[test]
fn every_toolchains_component_passes_the_same_suite() {
    let names = built();
    assert!(names.len() >= 6, "only {names:?} are built");
    for name in &names {
        let server = TestServer::start(&sections(name, &format!("fixtures/dist/{name}.wasm")));
        greets(&server, name);
        echoes(&server, name);
        hides_nothing(&server, name);
    }
}

#[test]
fn the_projects_own_streamed_echo_passes_its_part() {
    for name in OWN {
        let server = TestServer::start(&sections(name, &format!("guests/dist/{name}.wasm")));
        echoes(&server, name);
        hides_nothing(&server, name);
    }
}
