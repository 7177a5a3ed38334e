//! config.example.toml is complete and true: it has every key, and what it gives as a default is.

use std::collections::BTreeSet;
use std::path::Path;

use super::report::Report;
use super::*;

const EXAMPLE: &str = include_str!("../../../config.example.toml");

/// All defaults but for what the example says otherwise: where to ask a running host.
fn expected() -> Config {
    let socket = Some("/etc/httpd/httpd-host.sock".into());
    Config {
        control: Control {
            socket,
            ..Control::default()
        },
        ..Config::default()
    }
}

/// The example with its commented-out keys made live.
fn uncommented() -> String {
    let live = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| is_key(key)) => rest.to_owned(),
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(live).collect::<Vec<_>>().join("\n")
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("/etc/httpd/config.toml")).unwrap_or_else(|e| panic!("{e}"))
}

fn guest(name: &str) -> (String, Guest) {
    let file = format!("/etc/httpd/guests/dist/{name}.wasm");
    (
        name.to_owned(),
        Guest::new(name, Component::File(file.into())),
    )
}

#[test]
fn as_it_stands_it_serves_both_guests_with_all_defaults() {
    let config = parse(EXAMPLE);
    let routes: Vec<_> = config
        .routes
        .iter()
        .map(|r| (r.path.as_str(), &*r.guest))
        .collect();
    assert_eq!(routes, [("/hello", "hello"), ("/echo", "echo")]);
    assert!(
        config
            .routes
            .iter()
            .all(|r| r.methods.is_none() && r.host.is_none())
    );
    assert_eq!(
        config.guests,
        BTreeMap::from([guest("hello"), guest("echo")])
    );
    assert_eq!(
        Config {
            guests: BTreeMap::new(),
            routes: Vec::new(),
            ..config
        },
        expected()
    );
}

#[test]
fn what_it_gives_as_a_default_is_one() {
    let text = uncommented();
    assert!(
        text.contains("\nhead_max") && text.contains("\nhost = "),
        "keys are made live"
    );
    let config = parse(&text);
    let mut probed = guest("hello");
    probed.1.probe = Some("/health".to_owned());
    assert_eq!(config.guests, BTreeMap::from([probed, guest("echo")]));
    assert!(
        config
            .routes
            .iter()
            .all(|route| route.body_max == Limits::default().body_max)
    );
    assert_eq!(config.routes[0].host.as_deref(), Some("example.com"));
    assert_eq!(config.routes[0].methods, Some(vec!["GET".to_owned()]));
    assert_eq!(
        Config {
            guests: BTreeMap::new(),
            routes: Vec::new(),
            ..config
        },
        Config {
            cache: Cache {
                directory: Some("/etc/httpd/cache".into()),
                ..Cache::default()
            },
            outbound: Outbound {
                ca: Some("/etc/httpd/ca.pem".into()),
                ..Outbound::default()
            },
            keyvalue: Keyvalue {
                directory: Some("/etc/httpd/keyvalue".into()),
                ..Keyvalue::default()
            },
            ..expected()
        }
    );
}

#[test]
fn every_key_of_the_schema_is_in_it_and_no_other() {
    let text = format!(
        "{}\n[guests.reused]\ninstances = {{ reuse = 1 }}\ndirs = [{{}}]",
        uncommented()
    );
    let report = Report::new(&text, Path::new("config.toml"));
    read(&report, Found::UNSEEN).expect_err("the added guest has no component");
    assert_eq!(keys_of(&uncommented()), report.known_keys());
}

/// The keys with their sections, found by looking at the lines and not by parsing them.
fn keys_of(text: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix('[') {
            let title = title
                .trim_start_matches('[')
                .split(']')
                .next()
                .unwrap_or_default();
            let (outer, named) = title.split_once('.').unwrap_or((title, ""));
            section = if named.is_empty() {
                outer.to_owned()
            } else {
                format!("{outer}.NAME")
            };
            keys.insert(outer.to_owned());
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| is_key(key)) {
            keys.insert(format!("{section}.{key}"));
        }
    }
    // These stand within the comments behind their keys.
    assert!(text.contains("{ reuse = 128, concurrent = 1, idle = \"10s\" }"));
    keys.extend(["reuse", "concurrent", "idle"].map(|key| format!("guests.NAME.instances.{key}")));
    assert!(text.contains("{ host = \"public\", guest = \"/public\", access = \"read\" }"));
    keys.extend(["host", "guest", "access"].map(|key| format!("guests.NAME.dirs.{key}")));
    keys
}
