//! The units of docs/systemd fit the program: what they start can be started, and what they grant
//! is enough for the defaults.

use std::fs;

use httpd_host::config::Config;

use crate::support::*;

const SERVICE: &str = include_str!("../../docs/systemd/httpd-host.service");
const SOCKET: &str = include_str!("../../docs/systemd/httpd-host.socket");

/// All values of a key of a unit.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let value = |line: &'a str| line.strip_prefix(key)?.strip_prefix('=');
    unit.lines().filter_map(value).collect()
}

/// The value of a key that is there once.
#[track_caller]
fn value<'a>(unit: &'a str, key: &str) -> &'a str {
    let values = values(unit, key);
    assert_eq!(values.len(), 1, "{key}");
    values[0]
}

#[test]
fn the_program_understands_its_command_line() {
    let command: Vec<_> = value(SERVICE, "ExecStart").split_whitespace().collect();
    let (program, arguments) = command.split_first().unwrap();
    assert!(program.ends_with("/httpd-host"), "{program}");
    let folder = folder_with("config.toml", HELLO);
    let path = folder.path().join("config.toml");
    // Checked and not started: the arguments are the same.
    let mut given = vec!["check"];
    given.extend(arguments.iter().map(|argument| match *argument {
        "/etc/httpd-host/config.toml" => path.to_str().unwrap(),
        other => other,
    }));
    let finished = run(&given);
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    assert!(given.contains(&path.to_str().unwrap()), "{given:?}");
}

#[test]
fn its_bounds_have_room_for_those_of_the_program() {
    let number = |unit, key| value(unit, key).parse::<u64>().unwrap();
    let config = Config::default();
    let stop = number(SERVICE, "TimeoutStopSec");
    assert!(stop > config.timeouts.shutdown.as_secs());
    assert!(number(SERVICE, "LimitNOFILE") > config.server.max_connections as u64);
    assert_eq!(number(SOCKET, "Backlog"), u64::from(config.server.backlog));
}

#[test]
fn what_the_program_needs_is_not_denied() {
    assert_eq!(value(SERVICE, "Type"), "notify-reload");
    assert_eq!(values(SERVICE, "MemoryDenyWriteExecute"), [""; 0]);
    assert!(values(SERVICE, "RestrictAddressFamilies").contains(&"AF_UNIX"));
    assert_eq!(values(SOCKET, "Accept"), [""; 0]);
    // The configuration's example listens at the same place.
    let example = fs::read_to_string("../config.example.toml").unwrap();
    let place = value(SOCKET, "ListenStream");
    assert!(
        example.contains(&format!("listen = [\"{place}\"]")),
        "{place}"
    );
}

/// `@resources` has these, and is refused.
#[test]
fn threads_may_say_where_they_run_and_how_important_they_are() {
    let filters = values(SERVICE, "SystemCallFilter");
    let allowed = |call: &str| {
        filters
            .iter()
            .any(|calls| calls.split(' ').any(|it| it == call))
    };
    for call in ["setpriority", "sched_setscheduler", "sched_setaffinity"] {
        assert!(allowed(call), "{call}");
    }
}
