//! Entries of `allow_hosts`, right and wrong, and which addresses a network holds.

use super::*;

#[test]
fn entries_are_read_and_shown_as_they_are_meant() {
    let cases = [
        ("https://api.example.com", "https://api.example.com"),
        ("HTTPS://x", ""),
        (
            "http://API.Example.com.:8080",
            "http://api.example.com:8080",
        ),
        ("example.com", "example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a_b.example:443", "a_b.example:443"),
        ("https://*.example.com", "https://*.example.com"),
        ("*.com:*", "*.com:*"),
        ("*", "*"),
        ("http://*:*", "http://*:*"),
        ("localhost:3000", "localhost:3000"),
        ("127.0.0.1", "127.0.0.1"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("[::1]", "[::1]"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("http://10.0.0.0/8:*", "http://10.0.0.0/8:*"),
        ("[fd00::/8]:443", "[fd00::/8]:443"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.1/32", "10.0.0.1"),
    ];
    for (text, shown) in cases {
        let read = allowed_host(text).map(|host| host.to_string());
        assert_eq!(read.unwrap_or_default(), shown, "{text}");
    }
}

#[test]
fn what_is_shown_reads_back_as_the_same() {
    for text in [
        "https://*.a.b:*",
        "[fd00::/8]:1",
        "http://1.2.3.4:65535",
        "*",
        "a",
    ] {
        let host = allowed_host(text).unwrap();
        assert_eq!(allowed_host(&host.to_string()).unwrap(), host);
    }
}

#[test]
fn bad_entries_say_why() {
    let cases = [
        ("", "is not a host such as"),
        ("https://", "is not a host such as"),
        ("ftp://example.com", "neither http nor https"),
        ("HTTP://example.com", "neither http nor https"),
        ("https://example.com/", "without one"),
        ("example.com/path", "without one"),
        ("example.com?x", "without one"),
        ("user@example.com", "is not a host such as"),
        ("example..com", "is not a host such as"),
        (".example.com", "is not a host such as"),
        ("exa mple.com", "is not a host such as"),
        ("bücher.example", "is not a host such as"),
        ("a.*.com", "whole labels"),
        ("**.com", "whole labels"),
        ("x*.com", "whole labels"),
        ("*.", "is not a host such as"),
        ("*.10.0.0.1", "is not a host such as"),
        ("example.com:", "is not a port"),
        ("example.com:0", "is not a port"),
        ("example.com:65536", "is not a port"),
        ("example.com:+80", "is not a port"),
        ("example.com:http", "is not a port"),
        ("::1", "is not a host such as"),
        ("[::1", "is not a host such as"),
        ("[127.0.0.1]", "is not a host such as"),
        ("127.1", "is not a host such as"),
        ("2130706433", "is not a host such as"),
        ("0x7f000001", "is not a host such as"),
        ("10.0.0.0/33", "is not a host such as"),
        ("10.0.0.0/", "is not a host such as"),
        ("10.0.0.1/8", "bits set behind its prefix"),
        ("[fd00::1/8]", "bits set behind its prefix"),
    ];
    for (text, why) in cases {
        let error = allowed_host(text).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn networks_hold_what_begins_with_their_bits() {
    let cases = [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("10.0.0.0/8", "::a00:1", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("0.0.0.0/0", "255.255.255.255", true),
        ("0.0.0.0/0", "::1", false),
        ("[fd00::/8]", "fdff::1", true),
        ("[fd00::/8]", "fc00::1", false),
        ("[::/0]", "::1", true),
        ("[::1]", "::1", true),
        ("[::1]", "127.0.0.1", false),
    ];
    for (network, address, expected) in cases {
        let HostPattern::Network(network) = allowed_host(network).unwrap().host else {
            panic!("{network} is no network");
        };
        let found = network.contains(address.parse().unwrap());
        assert_eq!(found, expected, "{network} {address}");
    }
}
