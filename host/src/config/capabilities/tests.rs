//! What a guest can be granted, and what a grant may not say.

use super::super::problem_tests::problem;
use super::super::tests::valid;
use super::super::{Config, Guest};
use super::*;

/// A guest with these keys.
fn guest(keys: &str) -> Guest {
    let text = format!("[guests.a]\ncomponent = 'a.wasm'\n{keys}");
    valid(&text).guests.remove("a").unwrap()
}

#[test]
fn nothing_is_granted_unless_it_is_said() {
    let a = guest("");
    assert_eq!(a.capabilities, Capabilities::default());
    assert!(a.capabilities.dirs.is_empty() && a.capabilities.allow_hosts.is_empty());
    assert!(a.capabilities.keyvalue.is_empty() && a.env.is_empty());
}

#[test]
fn all_grants_are_read() {
    let text = "
[guests.a]
component = 'a.wasm'
args = ['--verbose', '']
dirs = [
    { host = 'public', guest = '/public' },
    { host = '/srv/data', guest = '/', access = 'write' },
]
allow_hosts = ['https://api.example.com', '*']
outbound_max = 3
config = { greeting = 'hello', empty = '' }
keyvalue = ['counter', 'Shared.1']
";
    let config = Config::parse(text, Path::new("/etc/httpd/config.toml")).unwrap();
    let granted = &config.guests["a"].capabilities;
    assert_eq!(granted.args, ["--verbose", ""]);
    let seen: Vec<_> = granted
        .dirs
        .iter()
        .map(|d| (d.host.to_str().unwrap(), &*d.guest, d.access))
        .collect();
    let public = ("/etc/httpd/public", "/public", Access::Read);
    assert_eq!(seen, [public, ("/srv/data", "/", Access::Write)]);
    let hosts: Vec<_> = granted
        .allow_hosts
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(hosts, ["https://api.example.com", "*"]);
    assert_eq!(granted.outbound_max, 3);
    assert_eq!(granted.config["greeting"], "hello");
    assert_eq!(granted.config["empty"], "");
    assert_eq!(granted.keyvalue["counter"], "counter");
    assert_eq!(granted.keyvalue["Shared.1"], "Shared.1");
}

#[test]
fn a_guest_can_open_a_bucket_by_a_name_of_its_own() {
    let a = guest("keyvalue = { default = 'counter', '' = 'counter' }");
    assert_eq!(a.capabilities.keyvalue["default"], "counter");
    assert_eq!(a.capabilities.keyvalue[""], "counter");
}

#[test]
fn directories_can_be_sections_too() {
    let a = guest("[[guests.a.dirs]]\nhost = 'x'\nguest = '/x'\n");
    assert_eq!(a.capabilities.dirs.len(), 1);
}

/// A key with a mistake, and how its place and the advice are told.
const PROBLEMS: [(&str, &str, &str); 33] = [
    ("args = '-v'", "args:", "[\"--verbose\"], found a text"),
    (
        "args = [1]",
        "args:",
        "an argument as a text, found a number",
    ),
    ("args = [\"a\\u0000\"]", "args:", "NUL"),
    ("dirs = 'public'", "dirs:", "[[guests.NAME.dirs]]"),
    (
        "dirs = ['public']",
        "dirs[0]:",
        "expected a section, found a text",
    ),
    ("dirs = [{ guest = '/x' }]", "dirs[0].host:", "missing"),
    (
        "dirs = [{ host = '', guest = '/x' }]",
        "dirs[0].host:",
        "empty",
    ),
    ("dirs = [{ host = 'x' }]", "dirs[0].guest:", "missing"),
    (
        "dirs = [{ host = 'x', guest = 'x' }]",
        "dirs[0].guest:",
        "does not start with /",
    ),
    (
        "dirs = [{ host = 'x', guest = '/x/' }]",
        "dirs[0].guest:",
        "not normalised",
    ),
    (
        "dirs = [{ host = 'x', guest = '/x/../y' }]",
        "dirs[0].guest:",
        "not normalised",
    ),
    (
        "dirs = [{ host = 'x', guest = '/./x' }]",
        "dirs[0].guest:",
        "not normalised",
    ),
    (
        "dirs = [{ host = 'x', guest = '//x' }]",
        "dirs[0].guest:",
        "not normalised",
    ),
    (
        "dirs = [{ host = 'x', guest = '/x\\y' }]",
        "dirs[0].guest:",
        "NUL or \\",
    ),
    (
        "dirs = [{ host = 'x', guest = '/x' }, { host = 'y', guest = '/x' }]",
        "dirs[1].guest:",
        "another directory is at /x",
    ),
    (
        "dirs = [{ host = 'x', guest = '/x', access = 'rw' }]",
        "dirs[0].access:",
        "\"read\", \"write\"",
    ),
    (
        "dirs = [{ host = 'x', guest = '/x', mode = 'read' }]",
        "dirs[0].mode:",
        "unknown key; known here: access, guest, host",
    ),
    (
        "allow_hosts = '*'",
        "allow_hosts:",
        "a list of hosts such as",
    ),
    ("allow_hosts = [1]", "allow_hosts:", "found a number"),
    (
        "allow_hosts = ['ftp://a.com']",
        "allow_hosts:",
        "neither http nor https",
    ),
    (
        "allow_hosts = ['a.com', 'A.com.']",
        "allow_hosts:",
        "a.com is named twice",
    ),
    ("outbound_max = 0", "outbound_max:", "from 1 to 10000"),
    ("config = 'x'", "config:", "{ greeting = \"hello\" }"),
    ("config = { a = 1 }", "config.a:", "a text, found a number"),
    ("config = { '' = 'x' }", "config.:", "must not be empty"),
    (
        "keyvalue = true",
        "keyvalue:",
        "buckets such as [\"counter\"]",
    ),
    (
        "keyvalue = 'counter'",
        "keyvalue:",
        "buckets such as [\"counter\"]",
    ),
    (
        "keyvalue = [1]",
        "keyvalue:",
        "the name of a bucket as a text",
    ),
    ("keyvalue = ['a', 'a']", "keyvalue:", "\"a\" is named twice"),
    ("keyvalue = ['a/b']", "keyvalue:", "no name of a bucket"),
    ("keyvalue = ['']", "keyvalue:", "no name of a bucket"),
    (
        "keyvalue = { default = 'a b' }",
        "keyvalue.default:",
        "no name of a bucket",
    ),
    ("keyvalues = []", "keyvalues:", "did you mean \"keyvalue\"?"),
];

#[test]
fn each_problem_is_told_with_its_line_its_key_and_advice() {
    for (keys, place, advice) in PROBLEMS {
        let message = problem(&format!("[guests.a]\ncomponent = 'a'\n{keys}\n"));
        let start = format!("config.toml:3: guests.a.{place} ");
        assert!(message.starts_with(&start), "{keys}\n{message}");
        assert!(message.contains(advice), "{keys}\n{message}");
    }
}

#[test]
fn loading_checks_that_directories_are_there() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("config.toml");
    std::fs::write(place.path().join("a.wasm"), "").unwrap();
    let text = "[guests.a]\ncomponent = 'a.wasm'\ndirs = [\n{ host = 'x', guest = '/x' },\n\
                { host = 'a.wasm', guest = '/y' }]\n";
    std::fs::write(&file, text).unwrap();
    let error = Config::load(&file).unwrap_err().to_string();
    assert!(
        error.contains(":4: guests.a.dirs[0].host:") && error.contains("No such file"),
        "{error}"
    );
    assert!(
        error.contains(":5: guests.a.dirs[1].host:") && error.contains("is not a directory"),
        "{error}"
    );
    std::fs::create_dir(place.path().join("x")).unwrap();
    std::fs::write(
        &file,
        "[guests.a]\ncomponent = 'a.wasm'\ndirs = [{ host = 'x', guest = '/' }]",
    )
    .unwrap();
    Config::load(&file).unwrap();
}
