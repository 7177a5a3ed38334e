//! What the sections about upkeep may say, and what not.

use std::path::Path;

use super::super::Config;
use super::super::problem_tests::problem_of;
use super::*;

#[test]
fn how_the_host_changes_while_it_serves_is_read() {
    let text = "
[cache]
enabled = false
directory = 'kept'
size_max = '2GiB'
[reload]
watch = false
settle = '1s'
poll = '10ms'
[control]
socket = '/run/httpd-host.sock'
connections_max = 1
timeout = '1s'
";
    let config = Config::parse(text, Path::new("/etc/httpd/config.toml")).unwrap();
    let cache = Cache {
        enabled: false,
        directory: Some("/etc/httpd/kept".into()),
        size_max: 2 << 30,
    };
    assert_eq!(config.cache, cache);
    let reload = Reload {
        watch: false,
        settle: Duration::from_secs(1),
        poll: Duration::from_millis(10),
    };
    assert_eq!(config.reload, reload);
    let control = Control {
        socket: Some("/run/httpd-host.sock".into()),
        connections_max: 1,
        timeout: Duration::from_secs(1),
    };
    assert_eq!(config.control, control);
}

#[test]
fn each_problem_is_told_with_its_line_its_key_and_advice() {
    let cases = [
        ("cache", "enabled = 'yes'", "true or false, found a text"),
        ("cache", "directory = ''", "must not be empty"),
        (
            "cache",
            "directory = true",
            "the path of a directory, found a boolean",
        ),
        ("cache", "directory = \"a\\u0000b\"", "must not hold NUL"),
        ("cache", "size_max = '1kB'", "from 1MiB to 1024GiB"),
        (
            "cache",
            "max_size = 1",
            "unknown key; known here: directory, enabled, size_max",
        ),
        ("reload", "watch = 1", "true or false, found a number"),
        ("reload", "settle = '61s'", "from 1ms to 1m"),
        ("reload", "settle = 100", "such as \"5s\", found a number"),
        ("reload", "poll = '9ms'", "from 10ms to 24h"),
        (
            "reload",
            "setle = '1s'",
            "unknown key; did you mean \"settle\"?",
        ),
        ("control", "socket = ''", "must not be empty"),
        (
            "control",
            "socket = 1",
            "the path of a Unix socket, found a number",
        ),
        ("control", "connections_max = 0", "from 1 to 1000"),
        ("control", "timeout = '0s'", "from 1ms to 24h"),
        (
            "control",
            "sockets = 1",
            "unknown key; did you mean \"socket\"?",
        ),
    ];
    for (section, key, advice) in cases {
        problem_of(section, key, advice);
    }
}

#[test]
fn the_path_of_a_socket_is_measured_from_the_root() {
    let text = |length: usize| format!("[control]\nsocket = '{}'", "s".repeat(length));
    let parse = |length| Config::parse(&text(length), Path::new("/etc/config.toml"));
    let socket = parse(102).unwrap().control.socket.unwrap();
    assert_eq!(socket.as_os_str().len(), 107);
    let message = parse(103).unwrap_err().to_string();
    let place = "/etc/config.toml:2: control.socket: /etc/sss";
    assert!(
        message.starts_with(place) && message.contains("is 108 bytes long"),
        "{message}"
    );
}

#[test]
fn the_control_socket_is_found_in_spite_of_mistakes_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let control = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Config::load_control(&path)
    };
    let socket = folder.path().join("a.sock");
    for text in [
        "[control]\nsocket = 'a.sock'\n",
        "[limits]\nbody_max = 'much'\n[control]\nsocket = 'a.sock'\n",
        "[control]\nsocket = 'a.sock'\ntiemout = 1\n[guests.x]\ncomponent = 'absent'\n",
        "[control]\nsocket = 'a.sock'\n[server]\nlisten = [\n",
    ] {
        let found = control(text).unwrap();
        assert_eq!(found.socket.as_deref(), Some(socket.as_path()), "{text}");
    }
    assert_eq!(control("").unwrap().socket, None);
    let problem = |text: &str| control(text).unwrap_err().to_string();
    assert!(problem("[control]\nsocket = 1\n").contains("control.socket"));
    assert!(problem("[limits]\nbody_max = 'much'\n").contains("limits.body_max"));
    assert!(problem("[control\n").contains("config.toml:1"));
}
