//! What a guest's section may say about failing, and what not.

use super::super::Guest;
use super::super::problem_tests::problem;
use super::super::tests::valid;
use super::*;

/// A guest with these keys.
fn guest(keys: &str) -> Guest {
    let text = format!("[guests.a]\ncomponent = 'a.wasm'\n{keys}");
    valid(&text).guests.remove("a").unwrap()
}

#[test]
fn all_keys_are_read() {
    let a = guest(
        "queue_max = 0\nqueue_time = '24h'\nprobe = '/a/../%7ehealth?x=%20'\n\
         rollback_ratio = 1\nrollback_requests = 3\nrollback_window = '1m'\n\
         breaker_failures = 5\nbreaker_pause = '250ms'\n",
    );
    assert_eq!((a.queue_max, a.queue_time), (0, Duration::from_hours(24)));
    assert_eq!(a.probe.as_deref(), Some("/~health?x=%20"));
    let rollback = Rollback {
        ratio: 1.0,
        requests: 3,
        window: Duration::from_mins(1),
    };
    assert_eq!(a.rollback, Some(rollback));
    let pause = Duration::from_millis(250);
    assert_eq!(a.breaker, Some(Breaker { failures: 5, pause }));
    let half = guest("rollback_ratio = 0.25").rollback.unwrap();
    assert_eq!(
        half,
        Rollback {
            ratio: 0.25,
            ..Rollback::default()
        }
    );
}

#[test]
fn rollback_and_breaker_can_be_off() {
    let a = guest("rollback = false\nrollback_ratio = 0.25\nbreaker_failures = 0\n");
    assert_eq!((a.rollback, a.breaker), (None, None));
}

#[test]
fn each_problem_is_told_with_its_line_its_key_and_advice() {
    let cases = [
        ("queue_max = -1", "from 0 to 1000000"),
        ("queue_time = '25h'", "from 1ms to 24h"),
        ("queue_time = '0s'", "from 1ms to 24h"),
        (
            "probe = 'health'",
            "\"health\" is not a path such as \"/health\": the path does not",
        ),
        ("probe = ''", "does not start with /"),
        ("probe = 'http://a/health'", "does not start with /"),
        ("probe = '/a#b'", "a fragment"),
        ("probe = '/a%2'", "two hexadecimal digits"),
        ("probe = '/a?b c'", "must be escaped"),
        ("probe = true", "such as \"/health\", found a boolean"),
        ("rollback = 0.5", "true or false, found a fraction"),
        ("rollback_ratio = 0", "from 0.01 to 1"),
        ("rollback_ratio = 1.01", "from 0.01 to 1"),
        ("rollback_ratio = -0.5", "from 0.01 to 1"),
        ("rollback_ratio = -1", "from 0.01 to 1"),
        ("rollback_ratio = nan", "from 0.01 to 1"),
        (
            "rollback_ratio = '50%'",
            "a number such as 0.5, found a text",
        ),
        ("rollback_requests = 0", "from 1 to 1000000"),
        ("rollback_window = 30", "such as \"5s\", found a number"),
        ("breaker_failures = 1.5", "a whole number, found a fraction"),
        ("breaker_pause = '5'", "needs a unit"),
        (
            "breaker_pauses = '5s'",
            "unknown key; did you mean \"breaker_pause\"?",
        ),
        ("rollback_ratio = 2\nrollback = false", "from 0.01 to 1"),
    ];
    for (keys, advice) in cases {
        let message = problem(&format!("[guests.a]\ncomponent = 'a'\n{keys}\n"));
        let name = keys.split(' ').next().unwrap();
        let place = format!("config.toml:3: guests.a.{name}: ");
        assert!(message.starts_with(&place), "{message}");
        assert!(message.contains(advice), "{message}");
    }
}
