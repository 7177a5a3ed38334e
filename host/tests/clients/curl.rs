//! curl: both versions of HTTP/1, every way it sends a body, and several requests in a row.

use std::process::Command;

use super::{Said, body, program, program_with, run, url};
use crate::support::Program;

/// Runs curl with these arguments, a path after them, and a body to read.
#[track_caller]
fn curl(program: &Program, arguments: &[&str], path: &str, input: Vec<u8>) -> Said {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        "60",
    ]);
    run(
        "curl",
        command.args(arguments).arg(url(program, path)),
        input,
    )
}

#[test]
fn both_versions_get_the_page() {
    let program = program();
    for version in ["--http1.0", "--http1.1"] {
        let said = curl(&program, &["--fail", version], "/hello", Vec::new());
        assert_eq!(said.text(), "Hello world!", "{version}");
    }
}

#[test]
fn a_stream_from_standard_input_comes_back() {
    let program = program();
    let said = curl(&program, &["--fail", "-v", "-T", "-"], "/echo", body());
    assert!(
        said.err.contains("> Transfer-Encoding: chunked"),
        "{}",
        said.err
    );
    assert!(said.out == body());
}

#[test]
fn a_body_of_known_length_comes_back() {
    let program = program();
    for version in ["--http1.0", "--http1.1"] {
        let send = [
            "--fail",
            "-v",
            version,
            "-H",
            "Expect:",
            "--data-binary",
            "@-",
        ];
        let said = curl(&program, &send, "/echo", body());
        assert!(
            said.err.contains("> Content-Length: 5242880"),
            "{}",
            said.err
        );
        assert!(said.out == body(), "{version}");
    }
}

/// curl would wait a minute for the 100, longer than it may take in all.
const EXPECT: [&str; 6] = [
    "-v",
    "-H",
    "Expect: 100-continue",
    "--expect100-timeout",
    "60",
    "--data-binary",
];

#[test]
fn a_body_that_is_asked_for_comes_back() {
    let program = program();
    let said = curl(
        &program,
        &[&EXPECT[..], &["@-", "--fail"]].concat(),
        "/echo",
        body(),
    );
    assert!(said.err.contains("< HTTP/1.1 100 Continue"), "{}", said.err);
    assert!(said.out == body());
}

#[test]
fn a_body_that_is_not_wanted_is_not_asked_for() {
    let program = program();
    let said = curl(&program, &[&EXPECT[..], &["@-"]].concat(), "/small", body());
    assert!(!said.err.contains("100 Continue"), "{}", said.err);
    assert!(said.text().starts_with("413 "), "{}", said.text());
}

#[test]
fn a_refusal_amid_the_upload_arrives() {
    let program = program();
    let ways = [
        &["-H", "Expect:", "--data-binary", "@-"][..],
        &["-H", "Expect:", "-T", "-"],
    ];
    for send in ways {
        let said = curl(&program, send, "/small", body());
        assert!(said.text().starts_with("413 "), "{}", said.text());
    }
}

#[test]
fn a_unix_socket_serves_the_same() {
    let listen = "[server]\nlisten = [\"127.0.0.1:0\", \"unix:curl.sock\"]\n";
    let program = program_with(listen);
    let path = program.path("curl.sock");
    let socket = ["--unix-socket", path.to_str().unwrap()];
    let via = |more: &[&'static str]| [&socket[..], more].concat();
    let said = curl(&program, &via(&["--fail"]), "/hello", Vec::new());
    assert_eq!(said.text(), "Hello world!");
    let send = ["-H", "Expect:", "--data-binary", "@-"];
    let said = curl(&program, &via(&send), "/echo", body());
    assert!(said.out == body());
    for send in [&send[..], &["-H", "Expect:", "-T", "-"]] {
        let said = curl(&program, &via(send), "/small", body());
        assert!(said.text().starts_with("413 "), "{}", said.text());
    }
}

#[test]
fn head_has_the_fields_and_no_body() {
    let program = program();
    let said = curl(&program, &["--fail", "-I"], "/hello", Vec::new());
    assert!(
        said.text().starts_with("HTTP/1.1 200 OK\r\n"),
        "{}",
        said.text()
    );
    assert!(said.text().ends_with("\r\n\r\n"), "{}", said.text());
}

#[test]
fn several_requests_share_a_connection() {
    let program = program();
    let [hello, echo] = ["/hello", "/echo"].map(|path| url(&program, path));
    let connections = ["--fail", "-w", " %{num_connects}\n", &hello, &echo, &hello];
    let said = curl(&program, &connections, "/hello", Vec::new());
    assert_eq!(
        said.text(),
        "Hello world! 1\n 0\nHello world! 0\nHello world! 0\n"
    );
}
