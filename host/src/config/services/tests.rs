//! What the sections of shared services may say, and what not.

use super::super::problem_tests::problem_of;
use super::super::tests::valid;
use super::*;

#[test]
fn all_keys_are_read() {
    let config = valid(
        "[outbound]\nconnections_max = 5\nlookups_max = 2\nconnect_timeout = '1s'\n\
         first_byte_timeout = '2s'\nbetween_bytes_timeout = '3s'\nresponse_head_max = '8KiB'\n\
         response_fields_max = 10\nca = '/etc/ca.pem'\n\
         [keyvalue]\ndirectory = '/var/kv'\nkey_max = 16\nvalue_max = 1\nkeys_max = 1\n\
         size_max = '1KiB'\nbatch_max = 1\npending_max = '1KiB'\nmemory_max = '1MiB'\n",
    );
    let expected = Outbound {
        connections_max: 5,
        lookups_max: 2,
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_secs(2),
        between_bytes_timeout: Duration::from_secs(3),
        response_head_max: 8 << 10,
        response_fields_max: 10,
        ca: Some("/etc/ca.pem".into()),
    };
    assert_eq!(config.outbound, expected);
    let expected = Keyvalue {
        directory: Some("/var/kv".into()),
        key_max: 16,
        value_max: 1,
        keys_max: 1,
        size_max: 1 << 10,
        batch_max: 1,
        pending_max: 1 << 10,
        memory_max: 1 << 20,
    };
    assert_eq!(config.keyvalue, expected);
}

#[test]
fn the_defaults_make_room_for_large_values() {
    let keyvalue = valid("[keyvalue]\nvalue_max = '32MiB'").keyvalue;
    assert_eq!(
        (keyvalue.batch_max, keyvalue.pending_max),
        (32 << 20, 64 << 20)
    );
    let keyvalue = valid("[keyvalue]\nbatch_max = '128MiB'").keyvalue;
    assert_eq!(keyvalue.pending_max, 128 << 20);
}

#[test]
fn each_problem_is_told_with_its_line_its_key_and_advice() {
    let cases = [
        ("outbound", "connections_max = 0", "from 1 to 100000"),
        ("outbound", "lookups_max = 513", "from 1 to 512"),
        (
            "outbound",
            "connect_timeout = 5",
            "such as \"5s\", found a number",
        ),
        ("outbound", "first_byte_timeout = '0s'", "from 1ms to 24h"),
        (
            "outbound",
            "between_bytes_timeout = '25h'",
            "from 1ms to 24h",
        ),
        (
            "outbound",
            "response_head_max = '1KiB'",
            "from 8KiB to 16MiB",
        ),
        ("outbound", "response_fields_max = 0", "from 1 to 10000"),
        ("outbound", "ca = ''", "must not be empty"),
        (
            "keyvalue",
            "directory = 1",
            "the path of a directory, found a number",
        ),
        ("keyvalue", "key_max = '1MiB'", "from 16B to 64KiB"),
        ("keyvalue", "value_max = '65MiB'", "from 1B to 64MiB"),
        ("keyvalue", "keys_max = 0", "from 1 to"),
        ("keyvalue", "size_max = 1", "from 1KiB to 1024GiB"),
        (
            "keyvalue",
            "batch_max = '1KiB'",
            "must hold a value of value_max",
        ),
        (
            "keyvalue",
            "pending_max = '1MiB'",
            "must hold a call of batch_max",
        ),
        ("keyvalue", "memory_max = '1KiB'", "from 1MiB to 64GiB"),
        ("keyvalue", "bucket = 'x'", "unknown key; "),
    ];
    for (section, key, advice) in cases {
        problem_of(section, key, advice);
    }
}
