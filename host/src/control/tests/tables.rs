//! What a person sees of a status, and what a program does.

use crate::control::{
    Connections, Failures, GuestState, GuestStatus, Instances, Previous, Requests, RouteStatus,
    Status,
};
use std::time::{Duration, SystemTime};

const INSTANCES: Instances = Instances {
    waiting: 3,
    shared: 1,
};

fn status() -> Status {
    let hello = GuestStatus {
        name: "hello".to_owned(),
        generation: 12,
        hash: "ab".repeat(32),
        since: 1_000_000,
        requests: 1234,
        ..GuestStatus::default()
    };
    let broken = GuestStatus {
        name: "a-long-name".to_owned(),
        state: GuestState::BreakerOpen,
        generation: 3,
        hash: "cd".repeat(32),
        since: 1_000_000 + 3600,
        running: 2,
        queued: 1,
        instances: INSTANCES,
        requests: 9,
        failures: Failures {
            trapped: 4,
            timed_out: 1,
            full: 2,
            breaker_open: 1,
            abandoned: 1,
        },
        rollbacks: 1,
        last_error: Some("it \u{1b}[31mtrapped".to_owned()),
        previous: Some(Previous {
            generation: 2,
            hash: "ef".repeat(32),
        }),
    };
    let route = |path: &str, methods: Option<Vec<String>>, host: Option<&str>| RouteStatus {
        host: host.map(str::to_owned),
        methods,
        path: path.to_owned(),
        middleware: host.iter().map(|_| "auth".to_owned()).collect(),
        guest: "hello".to_owned(),
        requests: 7,
    };
    let get = Some(vec!["GET".to_owned(), "POST".to_owned()]);
    Status {
        version: "1.2.3".to_owned(),
        pid: 42,
        uptime_seconds: 2 * 86_400 + 3 * 3600 + 59,
        config: Some("config.toml".to_owned()),
        config_problems: vec!["config.toml:3: no".to_owned()],
        listeners: vec!["http://127.0.0.1:8080".to_owned()],
        connections: Connections {
            open: 5,
            max: 10,
            accepted: 100,
            waiting: 0,
        },
        requests: Requests {
            total: 100,
            successful: 90,
            redirected: 1,
            client_errors: 6,
            server_errors: 3,
            refused: 4,
        },
        guests: vec![hello, broken],
        routes: vec![
            route("/", None, None),
            route("/users/{id}", get, Some("a.example")),
        ],
    }
}

#[test]
fn a_person_sees_aligned_tables() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + 3600 + 75);
    assert_eq!(status().table(now), include_str!("status.txt"));
}

#[test]
fn a_program_reads_the_same_status_back() {
    let text = serde_json::to_string(&status()).unwrap();
    assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), status());
    for part in [
        "\"2xx\":90",
        "\"state\":\"breaker-open\"",
        "\"timed_out\":1",
        "\"methods\":null",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_eq!(
        serde_json::from_str::<Status>("{}").unwrap(),
        Status::default()
    );
}
