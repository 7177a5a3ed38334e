//! What streamed guests may reach: nothing that was not granted, and what was, works.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use crate::support::*;

fn files(dirs: &str) -> String {
    guest("files", "files", dirs) + &route("/site/{*rest}", "files", "")
}

fn site(folder: &Path) {
    fs::create_dir(folder.join("site")).unwrap();
    fs::write(folder.join("site/index.html"), "<p>home</p>").unwrap();
    fs::write(folder.join("site/data.txt"), "0123456789").unwrap();
    fs::write(folder.join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink(folder.join("secret.txt"), folder.join("site/link.txt")).unwrap();
}

#[test]
fn a_directory_that_is_granted_is_seen_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    site(folder.path());
    let host = folder.path().join("site").display().to_string();
    let dirs = format!("dirs = [{{ host = \"{host}\", guest = \"/site\", access = \"read\" }}]");
    let server = TestServer::start(&files(&dirs));
    let whole = server.request(get("/site/data.txt")).expect(200);
    assert_eq!(whole.text(), "0123456789");
    let etag = whole.field("etag").expect("no etag").to_owned();
    let part = head("GET", "/site/data.txt", "range: bytes=2-4\r\n");
    assert_eq!(server.request(part).expect(206).text(), "234");
    let known = head(
        "GET",
        "/site/data.txt",
        &format!("if-none-match: {etag}\r\n"),
    );
    server.request(known).expect(304);
    for escape in ["/site/link.txt", "/site/%2e%2e/secret.txt", "/site/nothing"] {
        let response = server.request(get(escape));
        assert!(response.status >= 400, "{escape}: {response:?}");
        assert!(!response.text().contains("secret\n") && response.text() != "secret");
    }
}

#[test]
fn without_a_grant_there_are_no_files() {
    let server = TestServer::start(&files(""));
    let response = server.request(get("/site/data.txt"));
    assert!(response.status >= 400, "{response:?}");
}

fn counter(folder: &Path, grant: &str) -> String {
    let store = folder.display();
    format!("[keyvalue]\ndirectory = \"{store}\"\n")
        + &guest("counter", "counter", grant)
        + &route("/", "counter", "")
}

#[test]
fn what_a_guest_keeps_is_there_after_a_restart_and_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let sections = counter(folder.path(), "keyvalue = [\"default\"]");
    let program = Program::start(&sections);
    for expected in ["1\n", "2\n", "3\n"] {
        assert_eq!(program.request(get("/")).expect(200).text(), expected);
    }
    program.signal(rustix::process::Signal::KILL);
    program.finish();
    let program = Program::start(&sections);
    assert_eq!(program.request(get("/")).expect(200).text(), "4\n");
}

#[test]
fn a_bucket_that_is_not_granted_is_refused_and_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(&counter(folder.path(), ""));
    for _ in 0..3 {
        program.request(get("/")).expect(500);
    }
    let refused = |line: &str| line.contains("the guest was refused");
    program.log.wait_for("a refusal", refused);
    assert_eq!(program.log.count(refused), 1);
}

#[test]
fn another_host_is_reached_only_if_it_is_granted() {
    let upstream = TestServer::start(HELLO);
    let address = upstream.address();
    let keys = format!("config = {{ upstream = \"http://{address}\" }}");
    let proxy = |grant: &str| {
        let sections = guest("proxy", "proxy", &format!("{keys}\n{grant}"));
        TestServer::start(&(sections + &route("/{*rest}", "proxy", "")))
    };
    let granted = proxy(&format!("allow_hosts = [\"http://{address}\"]"));
    assert_eq!(
        granted.request(get("/hello")).expect(200).text(),
        "Hello world!"
    );
    for grant in [
        "",
        "allow_hosts = [\"*\"]",
        "allow_hosts = [\"https://example.com\"]",
    ] {
        let response = proxy(grant).request(get("/hello"));
        assert!(response.status >= 500, "{grant}: {response:?}");
    }
}

/// The host follows no redirect by itself, and a guest that does is held to its grants again.
#[test]
fn a_redirect_leads_to_no_other_host() {
    let forbidden = TcpListener::bind("127.0.0.1:0").unwrap();
    forbidden.set_nonblocking(true).unwrap();
    let there = format!("http://{}", forbidden.local_addr().unwrap());
    let granted = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = format!("http://{}", granted.local_addr().unwrap());
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {there}/\r\ncontent-length: 0\r\n\r\n");
    let redirects = thread::spawn(move || {
        let (mut stream, _) = granted.accept().unwrap();
        // Until the head is here, so that it is not answered before it is sent.
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let proxy = |upstream: &str| {
        let keys = format!("config = {{ upstream = {upstream:?} }}\nallow_hosts = [{here:?}]");
        let sections = guest("proxy", "proxy", &keys) + &route("/{*rest}", "proxy", "");
        TestServer::start(&sections).request(get("/away"))
    };
    let response = proxy(&here).expect(302);
    redirects.join().unwrap();
    let location = response.field("location").unwrap();
    let followed = proxy(location.trim_end_matches('/'));
    assert!(followed.status >= 500, "{followed:?}");
    let nobody = forbidden.accept().unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
}

/// A guest of a fixture, with these keys, behind every path.
fn tries(name: &str, keys: &str) -> Program {
    let file = root().join(format!("fixtures/dist/{name}.wasm"));
    assert!(
        file.is_file(),
        "no {name}: run `cargo xtask fixtures` first"
    );
    let file = file.display();
    let guest = format!("\n[guests.tries]\ncomponent = \"{file}\"\n{keys}\n");
    Program::start(&(guest + &route("/{what}", "tries", "")))
}

#[test]
fn sockets_are_refused_and_each_kind_is_told_once() {
    for (name, paths) in [
        ("tries-02", &["/connect", "/listen", "/udp", "/lookup"][..]),
        ("tries-03", &["/connect", "/udp", "/lookup"]),
    ] {
        let program = tries(name, "");
        for path in paths.iter().chain(paths) {
            let answer = program.request(get(path)).expect(200);
            assert!(answer.text().starts_with("refused"), "{name}{path}");
        }
        for refused in ["TCP sockets", "UDP sockets", "name.example"] {
            let says = format!("the guest was refused {refused}");
            program.log.wait_for(&says, |line| line.contains(&says));
            let told = program.log.count(|line| line.contains(&says));
            assert_eq!(told, 1, "{name}: {refused}");
        }
    }
}

#[test]
fn the_second_draft_of_keyvalue_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("[keyvalue]\ndirectory = \"{}\"\n", folder.path().display());
    let program = tries("tries-02", &format!("keyvalue = [\"default\"]\n{store}"));
    for count in ["-7", "-14"] {
        let left = program.request(get("/keyvalue")).expect(200);
        assert_eq!(left.text(), format!("a count {count} a=9"));
    }
    let program = tries("tries-02", "");
    program.request(get("/keyvalue")).expect(200);
    let refused = "the guest was refused default";
    program.log.wait_for(refused, |line| line.contains(refused));
}

#[test]
fn pollables_are_resources_too() {
    let program = tries("tries-02", "breaker_failures = 0\ndeadline = \"60s\"");
    program.request(get("/pollables")).expect_refusal(500);
    let bound = "resources_max is reached";
    program.log.wait_for(bound, |line| line.contains(bound));
}
