//! The examples of middleware, in front of real handlers.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use httpd_host::control::Status;

use super::chained;
use crate::support::*;

/// auth and compress in front of a guest of each kind.
fn sections() -> String {
    let keys = "config = { token = \"s3cret\", user = \"ada\", password = \"lovelace\" }";
    guest("auth", "auth", keys)
        + &guest("compress", "compress", "")
        + &guest("tells", "faults/tells", "")
        + &guest("echo", "echo", "")
        + &guest("sse-clock", "sse-clock", "deadline = \"60s\"")
        + &chained("/private", "[\"auth\"]", "tells")
        + &chained("/lean", "[\"auth\", \"compress\"]", "echo")
        + &chained("/clock", "[\"compress\"]", "sse-clock")
}

/// What gunzip makes of it.
fn unzipped(body: &[u8]) -> Vec<u8> {
    let gzip = Command::new("gzip")
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut gzip = gzip.expect("no gzip");
    let (mut stdin, body) = (gzip.stdin.take().unwrap(), body.to_vec());
    let writing = std::thread::spawn(move || stdin.write_all(&body));
    let output = gzip.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn who_is_not_let_through_does_not_reach_the_handler() {
    let control = "[control]\nsocket = \"it.sock\"\n".to_owned();
    let program = Program::start(&(control + &sections()));
    for authorization in [
        "",
        "authorization: Bearer wrong\r\n",
        "authorization: Basic YTpi\r\n",
    ] {
        let response = program
            .request(head("GET", "/private", authorization))
            .expect(401);
        let challenges = response
            .fields
            .iter()
            .filter(|(name, _)| name == "www-authenticate");
        assert_eq!(challenges.count(), 2);
    }
    let requests = |name: &str| {
        let asked = run_in(
            program.folder(),
            &["status", "--json", "--config", "config.toml"],
        );
        let status: Status = serde_json::from_str(&asked.out).unwrap();
        let mut guests = status.guests.into_iter();
        guests.find(|guest| guest.name == name).unwrap().requests
    };
    assert_eq!((requests("auth"), requests("tells")), (3, 0));
    let token = "authorization: Bearer s3cret\r\n";
    let response = program.request(head("GET", "/private", token)).expect(200);
    assert!(
        !response.text().contains("authorization"),
        "{}",
        response.text()
    );
    // ada:lovelace
    let user = "authorization: Basic YWRhOmxvdmVsYWNl\r\nx-authenticated-user: root\r\n";
    let response = program.request(head("GET", "/private", user)).expect(200);
    assert!(
        response.text().contains("\nx-authenticated-user: ada\n"),
        "{}",
        response.text()
    );
    assert_eq!((requests("auth"), requests("tells")), (5, 2));
}

#[test]
fn a_page_is_compressed_for_who_takes_it() {
    let server = TestServer::start(&sections());
    let page = "all work and no play\n".repeat(10_000);
    let fields = format!(
        "authorization: Bearer s3cret\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n",
        page.len()
    );
    let mut client = server.connect();
    for coding in ["gzip, br", "br"] {
        let request = head(
            "POST",
            "/lean",
            &format!("{fields}accept-encoding: {coding}\r\n"),
        );
        let sending = client.send_aside((request + &page).into_bytes());
        let response = client.response().expect(200);
        sending.join().unwrap().unwrap();
        assert_eq!(response.field("vary"), Some("accept-encoding"));
        if coding == "br" {
            assert!(response.field("content-encoding").is_none());
            assert!(response.body == page.as_bytes());
        } else {
            assert_eq!(response.field("content-encoding"), Some("gzip"));
            assert!(
                response.body.len() < page.len() / 50,
                "{}",
                response.body.len()
            );
            assert!(unzipped(&response.body) == page.as_bytes());
        }
    }
}

#[test]
fn events_pass_as_they_are_sent() {
    let server = TestServer::start(&sections());
    let mut client = server.connect();
    client.send(head(
        "GET",
        "/clock?every=200ms&count=3",
        "accept-encoding: gzip\r\n",
    ));
    let (mut heard, mut times) = (String::new(), Vec::new());
    while !heard.ends_with("0\r\n\r\n") {
        heard += &String::from_utf8(client.some().unwrap()).unwrap();
        let events = heard.matches("data:").count();
        times.resize_with(events.max(times.len()), Instant::now);
    }
    assert!(heard.contains("text/event-stream"), "{heard}");
    assert!(!heard.contains("content-encoding"), "{heard}");
    assert_eq!(times.len(), 3, "{heard}");
    assert!(
        times[2] - times[0] >= Duration::from_millis(300),
        "all at once"
    );
}
