//! The program as a person or a service manager meets it: arguments, exit statuses, signals.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::*;

/// The exit status of a process that was interrupted while it was stopping.
const INTERRUPTED: Option<i32> = Some(130);

/// `check` on a configuration with this text.
fn check(text: &str) -> Finished {
    let folder = folder_with("some.toml", text);
    run_in(folder.path(), &["check", "--config", "some.toml"])
}

#[test]
fn version_and_help() {
    let version = run(&["--version"]);
    assert_eq!(version.code, Some(0));
    assert_eq!(
        version.out,
        concat!("httpd-host ", env!("CARGO_PKG_VERSION"))
    );
    let help = run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for word in [
        "--config",
        "check",
        "status",
        "reload",
        "--json",
        "--version",
        "Examples",
        "Exit status",
    ] {
        assert!(help.out.contains(word), "no {word} in {}", help.out);
    }
}

#[test]
fn arguments_that_are_not_understood() {
    for (arguments, named) in [
        (&["--confg", "x"][..], "--confg"),
        (&["serve"], "serve"),
        (&["check"], "--config"),
        (&["--config"], "--config"),
    ] {
        let finished = run(arguments);
        assert_eq!(finished.code, Some(2), "{arguments:?}");
        assert!(finished.err.contains(named), "{}", finished.err);
        assert!(finished.err.contains("--help") && finished.out.is_empty());
    }
}

#[test]
fn check_finds_nothing_wrong() {
    let finished = check(&(HELLO.to_owned() + ECHO));
    // A slow machine says how far it is.
    let is_progress = |line: &str| line.contains("compiling guests");
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    assert!(finished.err.lines().all(is_progress), "{}", finished.err);
    for word in [
        "some.toml is fine",
        "/hello",
        "/echo",
        "guests/dist/echo.wasm",
    ] {
        assert!(finished.out.contains(word), "no {word} in {}", finished.out);
    }
}

#[test]
fn the_example_is_fine() {
    assert_eq!(
        run(&["check", "--config", "config.example.toml"]).code,
        Some(0)
    );
}

#[test]
fn check_names_file_line_and_key() {
    let finished = check(
        "[limits]\nbody_max = \"1KiB\"\nhaed_max = \"1KiB\"\n[timeouts]\nhead = \"5 parsecs\"\n\
         [[routes]]\npath = \"/x\"\nguest = \"nobody\"\n",
    );
    assert_eq!(finished.code, Some(2));
    assert!(finished.out.is_empty());
    for start in [
        "some.toml:3: limits.haed_max:",
        "some.toml:5: timeouts.head:",
    ] {
        assert!(
            finished.err.lines().any(|line| line.starts_with(start)),
            "{}",
            finished.err
        );
    }
    assert!(finished.err.contains("nobody"), "{}", finished.err);
}

#[test]
fn check_knows_which_guests_need_memory_for_their_bodies() {
    let large = "body_max = \"2GiB\"";
    let streamed = guest("streamed", "streaming-echo", "") + &route("/streamed", "streamed", large);
    let finished = check(&streamed);
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    let finished =
        check(&(streamed + &guest("whole", "echo", "") + &route("/whole", "whole", large)));
    assert_eq!(finished.code, Some(2));
    for part in [
        "guest `whole`",
        "routes[1].body_max is 2GiB",
        "limits.buffered_max (1GiB)",
    ] {
        assert!(finished.err.contains(part), "no {part} in {}", finished.err);
    }
    assert!(!finished.err.contains("/streamed"), "{}", finished.err);
}

#[test]
fn what_cannot_be_loaded_is_named_by_check_and_by_serving() {
    let folder = folder_with("module.wasm", "");
    fs::write(folder.path().join("module.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let route = "[[routes]]\npath = \"/\"\nguest = \"it\"\n";
    for (file, component, named) in [
        (
            "absent.toml",
            "absent.wasm",
            "absent.toml:2: guests.it.component:",
        ),
        ("module.toml", "module.wasm", "guest `it`:"),
    ] {
        let text = format!("[guests.it]\ncomponent = \"{component}\"\n{route}");
        fs::write(folder.path().join(file), text).unwrap();
        for arguments in [&["check", "--config", file][..], &["--config", file]] {
            let finished = run_in(folder.path(), arguments);
            assert_eq!(finished.code, Some(2));
            assert!(finished.err.contains(named), "{}", finished.err);
            assert!(finished.err.contains(component), "{}", finished.err);
        }
    }
}

/// Each guest would be refused for the same reason, and in other words.
#[test]
fn too_many_instances_are_one_problem_however_many_guests_there_are() {
    let large = "memory_max = \"4GiB\"";
    let sandbox = "[sandbox]\ninstances_max = 100000\n";
    let guests = guest("one", "hello", large) + &guest("other", "streaming-echo", "");
    let routes = route("/one", "one", "") + &route("/other", "other", "");
    let finished = check(&format!("{sandbox}{guests}{routes}"));
    assert_eq!(finished.code, Some(2));
    assert_eq!(finished.err.lines().count(), 1, "{}", finished.err);
    let named = "sandbox.instances_max = 100000";
    assert!(finished.err.contains(named), "{}", finished.err);
}

#[test]
fn a_configuration_that_is_not_there() {
    for arguments in [
        &["check", "--config", "no.toml"][..],
        &["--config", "no.toml"],
    ] {
        let finished = run(arguments);
        assert_eq!(finished.code, Some(2));
        assert!(finished.err.contains("no.toml"), "{}", finished.err);
    }
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = format!("[server]\nlisten = [\"{address}\"]\n{HELLO}");
    let folder = folder_with("config.toml", &text);
    let finished = run_in(folder.path(), &["--config", "config.toml"]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.err.contains(&address), "{}", finished.err);
}

#[test]
fn it_says_where_it_listens_and_what_is_behind() {
    let listen = "[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\nmax_connections = 77\n";
    let only_get = route(
        "/users/{id}",
        "hello",
        "methods = [\"GET\"]\nhost = \"a.example\"",
    );
    let program = Program::start(&(listen.to_owned() + HELLO + ECHO + &only_get));
    assert_eq!(program.addresses.len(), 2);
    for address in &program.addresses {
        Client::connect(*address).request(get("/hello")).expect(200);
    }
    for words in [
        &["room for 77 connections"][..],
        &["/hello", "any method", "any host", "-> hello"],
        &["/users/{id}", "GET", "a.example", "-> hello"],
        &[
            "echo",
            "guests/dist/echo.wasm",
            "memory 64MiB",
            "deadline 5s",
        ],
    ] {
        let all_there = |line: &str| words.iter().all(|word| line.contains(word));
        program.out.wait_for(words[0], all_there);
    }
}

#[test]
fn one_signal_ends_it_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let program = Program::start(HELLO);
        let mut idle = program.connect();
        idle.request(get("/hello")).expect(200);
        program.signal(signal);
        idle.expect_end();
        drop(idle);
        let (code, log) = program.finish();
        assert_eq!(code, Some(0), "{log:#?}");
        assert!(log.iter().any(|line| line.contains("stopping")), "{log:#?}");
    }
}

#[test]
fn what_is_in_flight_is_answered_after_the_signal() {
    let program = Program::start(&(HELLO.to_owned() + ECHO));
    let mut client = program.connect();
    let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
    client.request(head("POST", "/echo", fields)).expect(100);
    program.signal(Signal::TERM);
    program
        .log
        .wait_for("stopping", |line| line.contains("stopping"));
    let response = client.request("body").expect(200);
    assert!(response.closes());
    drop(client);
    let (code, log) = program.finish();
    assert_eq!(code, Some(0));
    // The line of the last request is written before the process ends.
    assert!(
        log.iter().any(|line| line.contains("target=/echo")),
        "{log:#?}"
    );
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let times = "[timeouts]\nshutdown = \"1h\"\nbody = \"1h\"\n";
        let program = Program::start(&(times.to_owned() + HELLO));
        let mut client = program.connect();
        let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
        client.request(head("POST", "/hello", fields)).expect(100);
        program.signal(signal);
        program
            .log
            .wait_for("stopping", |line| line.contains("stopping"));
        program.signal(signal);
        assert_eq!(program.finish().0, INTERRUPTED);
    }
}

#[test]
fn a_shutdown_that_takes_too_long_says_so() {
    let times = "[timeouts]\nshutdown = \"100ms\"\nbody = \"1h\"\n";
    let program = Program::start(&(times.to_owned() + HELLO));
    let mut client = program.connect();
    let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
    client.request(head("POST", "/hello", fields)).expect(100);
    program.signal(Signal::TERM);
    let (code, log) = program.finish();
    assert_eq!(code, Some(1));
    assert!(
        log.iter().any(|line| line.contains("timeouts.shutdown")),
        "{log:#?}"
    );
}

/// Port 8080 may be in use here, so the program gets a network of its own.
#[test]
fn without_arguments_there_is_a_welcome_page() {
    let script = "ip link set lo up || exit 99\n\"$0\" > out & \n\
                  curl --silent --show-error --include --max-time 20 --retry 40 \
                  --retry-connrefused --retry-delay 1 http://127.0.0.1:8080/\n\
                  kill -TERM $!\nwait $!\necho \"ended with $?\"";
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["-rn", "sh", "-c", script, env!("CARGO_BIN_EXE_httpd-host")])
        .current_dir(folder.path())
        .env("CACHE_DIRECTORY", folder.path())
        .output()
        .expect("unshare is needed (package util-linux)");
    let shown = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(shown.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}{errors}");
    assert!(shown.contains("httpd_guest::handler"), "{shown}");
    assert!(shown.ends_with("ended with 0\n"), "{shown}{errors}");
    let printed = fs::read_to_string(folder.path().join("out")).unwrap();
    assert!(
        printed.starts_with("listening on http://127.0.0.1:8080\n"),
        "{printed}"
    );
    assert!(printed.contains("built in"), "{printed}");
}

#[test]
fn connections_are_served_by_as_many_threads_as_configured() {
    for threads in [1, 3] {
        let server = format!("[server]\nlisten = [\"127.0.0.1:0\"]\nthreads = {threads}\n");
        let program = Program::start(&(server + HELLO));
        program.request(get("/hello")).expect(200);
        let tasks = format!("/proc/{}/task", program.pid().as_raw_nonzero());
        let workers = || {
            // A thread may end meanwhile.
            let name = |task: io::Result<fs::DirEntry>| {
                fs::read_to_string(task.ok()?.path().join("comm")).ok()
            };
            let names = fs::read_dir(&tasks).unwrap().filter_map(name);
            names.filter(|name| name.starts_with("worker-")).count()
        };
        // A thread gives itself its name when it begins, which may be later than the first answer.
        let end = Instant::now() + Duration::from_secs(20);
        while workers() < threads && Instant::now() < end {
            program.request(get("/hello")).expect(200);
        }
        assert_eq!(workers(), threads);
    }
}
