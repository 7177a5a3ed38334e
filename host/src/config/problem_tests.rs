//! What a configuration may not say, and how that is told.

use super::tests::{SERVED, parse, valid};

/// The one problem that a text has, displayed.
pub(super) fn problem(text: &str) -> String {
    let error = parse(text).expect_err(text);
    assert_eq!(error.problems().len(), 1, "{text}\n{error}");
    error.to_string()
}

/// Sees to it that a section with one key has one problem, told with line, key and advice.
pub(super) fn problem_of(section: &str, key: &str, advice: &str) {
    let message = problem(&format!("[{section}]\n{key}\n"));
    let name = key.split(' ').next().unwrap_or_default();
    let place = format!("config.toml:2: {section}.{name}: ");
    assert!(message.starts_with(&place), "{message}");
    assert!(message.contains(advice), "{message}");
}

/// A text with one problem (a guest `echo` is added behind it), and what the message must hold:
/// line and key first, then advice.
const PROBLEMS: [(&str, &str, &str); 55] = [
    // Types, units and ranges.
    (
        "[server]\nmax_connections = 0",
        "2: server.max_connections:",
        "must be from 1 to",
    ),
    (
        "[server]\nmax_connections = '9'",
        "2: server.max_connections:",
        "found a text",
    ),
    (
        "[server]\nmax_connections = -5",
        "2: server.max_connections:",
        "must be from 1",
    ),
    (
        "[server]\nbacklog = 0x1_0000",
        "2: server.backlog:",
        "to 65535",
    ),
    (
        "[limits]\nhead_max = true",
        "2: limits.head_max:",
        "such as \"64KiB\", found a boolean",
    ),
    (
        "[limits]\nhead_max = 1.5",
        "2: limits.head_max:",
        "found a fraction",
    ),
    (
        "[limits]\nhead_max = '64K'",
        "2: limits.head_max:",
        "KiB, MiB or GiB",
    ),
    (
        "[limits]\nhead_max = 0",
        "2: limits.head_max:",
        "from 128B to 16MiB",
    ),
    (
        "[limits]\nfields_max = 0",
        "2: limits.fields_max:",
        "from 1",
    ),
    (
        "[limits]\n\nbody_max = '2000GiB'",
        "3: limits.body_max:",
        "from 0B to 1024GiB",
    ),
    (
        "[limits]\nlinger_max = 0",
        "2: limits.linger_max:",
        "from 64KiB",
    ),
    (
        "[timeouts]\nhead = 5",
        "2: timeouts.head:",
        "such as \"5s\", found a number",
    ),
    (
        "[timeouts]\nhead = '0s'",
        "2: timeouts.head:",
        "from 1ms to 24h",
    ),
    (
        "[timeouts]\nhead = '25h'",
        "2: timeouts.head:",
        "from 1ms to 24h",
    ),
    (
        "[timeouts]\nhead = '5d'",
        "2: timeouts.head:",
        "ms, s, m or h",
    ),
    (
        "[timeouts]\nlinger_idle = '31s'",
        "2: timeouts.linger_idle:",
        "timeouts.linger",
    ),
    (
        "[sandbox]\nslice = '50us'",
        "2: sandbox.slice:",
        "from 100us to 1s",
    ),
    ("[sandbox]\nslice = '2s'", "2: sandbox.slice:", "to 1s"),
    (
        "[log]\nlevel = 'loud'",
        "2: log.level:",
        "\"error\", \"warn\", \"info\"",
    ),
    ("[log]\naccess = 'yes'", "2: log.access:", "true or false"),
    // Addresses.
    (
        "[server]\nlisten = '[::1]:80'",
        "2: server.listen:",
        "a list of addresses",
    ),
    ("[server]\nlisten = []", "2: server.listen:", "at least one"),
    (
        "[server]\nlisten = [\n'localhost:80']",
        "3: server.listen:",
        "localhost is 127.0.0.1",
    ),
    (
        "[server]\nlisten = ['127.0.0.1']",
        "2: server.listen:",
        "and a port",
    ),
    (
        "[server]\nlisten = ['[::1]:80',\n'[::1]:80']",
        "3: server.listen:",
        "named twice",
    ),
    // Keys and sections.
    (
        "[limits]\nhead-max = 1",
        "2: limits.head-max:",
        "did you mean \"head_max\"?",
    ),
    (
        "[limits]\nlinger = '1s'",
        "2: limits.linger:",
        "it belongs in [timeouts]",
    ),
    (
        "[log]\ncolour = 1",
        "2: log.colour:",
        "known here: access, format",
    ),
    (
        "[limit]\nhead_max = 1",
        "1: limit:",
        "did you mean \"limits\"?",
    ),
    ("limits = 3", "1: limits:", "expected a section"),
    ("[[log]]", "1: log:", "expected a section, found a list"),
    ("[routes]", "1: routes:", "[[routes]]"),
    ("[log", "1:", "unclosed table"),
    (
        "[log]\nlevel = 'info'\nlevel = 'warn'",
        "3:",
        "duplicate key",
    ),
    // Guests.
    (
        "[guests.Ab]\ncomponent = 'a'",
        "1: guests.Ab:",
        "lower-case letters",
    ),
    (
        "[guests.a]",
        "1: guests.a.component:",
        "component = \"guests/hello.wasm\"",
    ),
    (
        "[guests.a]\ncomponent = ''",
        "2: guests.a.component:",
        "empty",
    ),
    (
        "[guests]\na = 'a.wasm'",
        "2: guests.a:",
        "expected a section, found a text",
    ),
    (
        "guests.a = { component = 'a', memory_max = '5GiB' }",
        "1: guests.a.memory_max:",
        "to 4GiB",
    ),
    (
        "guests.a = { component = 'a', ready_max = 1001 }",
        "1: guests.a.ready_max:",
        "from 0 to 1000",
    ),
    (
        "guests.a = { component = 'a', optimize = 'speed' }",
        "1: guests.a.optimize:",
        "\"speed\" is not one of \"latency\", \"compute\"",
    ),
    (
        "guests.a = { component = 'a', instances = 'fesh' }",
        "1: guests.a.instances:",
        "\"fresh\" or",
    ),
    (
        "guests.a = { component = 'a', instances = {} }",
        "1: guests.a.instances.reuse:",
        "missing",
    ),
    (
        "guests.a = { component = 'a', instances = { reuse = 0 } }",
        "1: guests.a.instances.reuse:",
        "from 1 to",
    ),
    (
        "guests.a = { component = 'a', instances = { reuse = 4, concurrent = 5 } }",
        "1: guests.a.instances.concurrent:",
        "`reuse` must be at least `concurrent`",
    ),
    (
        "guests.a = { component = 'a', instances = { reuse = 4, idle = '0ms' } }",
        "1: guests.a.instances.idle:",
        "from 10ms to 24h",
    ),
    (
        "guests.a = { component = 'a', instances = { reuse = 4, idle = 5 } }",
        "1: guests.a.instances.idle:",
        "a duration such as",
    ),
    (
        "guests.a = { component = 'a', env = { A = 1 } }",
        "1: guests.a.env.A:",
        "a text",
    ),
    (
        "guests.a = { component = 'a', env = { 'A=' = '' } }",
        "1: guests.a.env.A=:",
        "= or NUL",
    ),
    (
        "guests.a = { component = 'a', dedline = '1s' }",
        "1: guests.a.dedline:",
        "\"deadline\"?",
    ),
    // Routes.
    (
        "[[routes]]\nguest = 'echo'",
        "1: routes[0].path:",
        "missing",
    ),
    ("[[routes]]\npath = '/'", "1: routes[0].guest:", "missing"),
    (
        "[[routes]]\npath = 'a'\nguest = 'echo'",
        "2: routes[0].path:",
        "starts with /",
    ),
    (
        "[[routes]]\npath = '/'\nguest = 'eco'",
        "3: routes[0].guest:",
        "did you mean \"echo\"?",
    ),
    (
        "[[routes]]\npath = '/'\nguest = 'other'",
        "3: routes[0].guest:",
        "[guests.other]",
    ),
];

#[test]
fn each_problem_is_told_with_its_line_its_key_and_advice() {
    for (text, place, advice) in PROBLEMS {
        let message = problem(&format!("{text}\n[guests.echo]\ncomponent = 'echo.wasm'"));
        assert!(
            message.starts_with(&format!("config.toml:{place}")),
            "{text}\n{message}"
        );
        assert!(message.contains(advice), "{text}\n{message}");
    }
}

#[test]
fn keys_of_a_route_are_checked() {
    let cases = [
        ("methods = 'GET'", "methods: expected a list of methods"),
        ("methods = []", "methods: must name a method"),
        ("methods = ['GE T']", "methods: \"GE T\" is not a method"),
        ("methods = ['']", "methods: \"\" is not a method"),
        (
            "methods = ['GET', 'GET']",
            "methods: \"GET\" is named twice",
        ),
        (
            "host = 'example.com:80'",
            "host: a host is written without a port",
        ),
        ("host = 'a.*.com'", "host: * stands for whole labels"),
        (
            "host = 'exa mple.com'",
            "host: \"exa mple.com\" is not a host",
        ),
        (
            "body_max = '2000GiB'",
            "body_max: must be from 0B to 1024GiB",
        ),
        (
            "method = ['GET']",
            "method: unknown key; did you mean \"methods\"?",
        ),
    ];
    for (key, expected) in cases {
        let message = problem(&format!("{SERVED}{key}\n"));
        assert!(
            message.starts_with(&format!("config.toml:7: routes[0].{expected}")),
            "{message}"
        );
    }
}

#[test]
fn keys_of_bounds_are_checked() {
    let cases = [
        ("limits", "retry_after = '1500ms'", "whole seconds"),
        ("limits", "retry_after = '0s'", "from 1s to 24h"),
        (
            "limits",
            "retry_after = 1",
            "such as \"5s\", found a number",
        ),
        ("limits", "stream_buffer = '1KiB'", "from 4KiB to 16MiB"),
        ("timeouts", "farewell = '25h'", "from 0ms to 24h"),
        ("timeouts", "farewell = 0", "such as \"5s\", found a number"),
        ("sandbox", "component_max = 0", "from 1KiB to 4GiB"),
        ("sandbox", "component_max = '5GiB'", "from 1KiB to 4GiB"),
        ("server", "threads = -1", "from 0 to 1024"),
        ("server", "threads = '2'", "a whole number, found a text"),
        ("sandbox", "background_threads = -1", "from 0 to 1024"),
        (
            "sandbox",
            "background_threads = '2'",
            "a whole number, found a text",
        ),
        ("sandbox", "background_nice = 20", "from 0 to 19"),
        ("sandbox", "ready_max = -1", "from 0 to 100000"),
        ("sandbox", "ready_idle = '1ms'", "from 10ms to 24h"),
    ];
    for (section, key, expected) in cases {
        problem_of(section, key, expected);
    }
}

#[test]
fn a_key_of_several_other_sections_is_told_with_all_of_them() {
    let message = problem(&format!("[server]\nqueue_max = 1\n{SERVED}"));
    assert!(
        message.ends_with("it belongs in [guests.NAME] or [log]"),
        "{message}"
    );
}

#[test]
fn overlapping_routes_are_told_with_both_lines() {
    let second = "[[routes]]\npath = '/%65cho'\nguest = 'echo'\nmethods = ['PUT']";
    let message = problem(&format!("{SERVED}{second}"));
    assert!(
        message.starts_with("config.toml:7: routes[1].path: /echo overlaps"),
        "{message}"
    );
    assert!(
        message.contains("on line 4") && message.contains("both take PUT"),
        "{message}"
    );
    valid(&format!("{SERVED}{second}\nhost = 'example.com'"));
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_their_lines() {
    let text = "
[timeouts]
head = 1
[server]
listen = ['a', 'b']
colour = 1
[guests.A]
[[routes]]
path = 'x'
guest = 'y'
methods = []
";
    let error = parse(text).unwrap_err();
    let lines: Vec<_> = error
        .problems()
        .iter()
        .map(|problem| problem.line.unwrap())
        .collect();
    assert_eq!(lines, [3, 5, 5, 6, 7, 7, 9, 10, 11], "{error}");
    assert_eq!(error.to_string().lines().count(), lines.len());
}
