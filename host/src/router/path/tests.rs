//! Paths in normal form, by table and by property.

use proptest::prelude::*;

use super::*;

#[test]
fn paths_are_brought_into_normal_form() {
    let cases = [
        ("/", "/"),
        ("/a/b", "/a/b"),
        // Escapes.
        ("/%61%2D%2e%5f%7E%30", "/a-._~0"),
        ("/a%2fb%2Fc", "/a%2Fb%2Fc"),
        ("/%c3%a9", "/%C3%A9"),
        ("/é", "/%C3%A9"),
        ("/a b\"<>\\^`{|}", "/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("/!$&'()*+,;=:@", "/!$&'()*+,;=:@"),
        ("/%21%3a", "/%21%3A"),
        ("/%25%32%65", "/%252e"),
        ("/\u{7f}\n", "/%7F%0A"),
        // Dot segments, RFC 3986 section 5.2.4.
        ("/.", "/"),
        ("/..", "/"),
        ("/./", "/"),
        ("/../", "/"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/b/c/./../../g", "/a/g"),
        ("/../../../etc/passwd", "/etc/passwd"),
        ("/a/%2e%2e/%2E./.%2e/b", "/b"),
        ("/.../.a/a./..b", "/.../.a/a./..b"),
        ("/a/..%2fb", "/a/..%2Fb"),
        ("/a/..;/b", "/a/..;/b"),
        // Empty segments are segments.
        ("//", "//"),
        ("//a//b", "//a//b"),
        ("/a//../b", "/a/b"),
        ("/.//a", "//a"),
    ];
    for (path, expected) in cases {
        assert_eq!(normalise(path).as_deref(), Ok(expected), "{path:?}");
    }
}

#[test]
fn captures_are_decoded_once() {
    let cases = [
        ("abc", "abc"),
        ("a%20b", "a b"),
        ("%2525", "%25"),
        ("%C3%A9", "é"),
        ("a%2Fb", "a/b"),
    ];
    for (part, expected) in cases {
        assert_eq!(
            decode_capture(part, false).as_deref(),
            Ok(expected),
            "{part}"
        );
    }
    assert_eq!(decode_capture("a%2Fb", true), Err(BadPath::EscapedSlash));
    assert_eq!(decode_capture("%C3", false), Err(BadPath::NotUtf8));
}

/// Paths rich in what matters here, so that chance meets it often.
fn paths() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/".to_owned()),
        Just(".".to_owned()),
        Just("%2e".to_owned()),
        Just("%2F".to_owned()),
        Just("%".to_owned()),
        Just("%25".to_owned()),
        "[a-c]",
        "%[0-9a-fA-F]{2}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn a_normal_form_is_its_own(path in paths()) {
        if let Ok(normal) = normalise(&path) {
            let again = normalise(&normal);
            prop_assert_eq!(again.as_deref(), Ok(&*normal));
        }
    }

    #[test]
    fn a_normal_form_stays_below_the_root(path in paths()) {
        if let Ok(normal) = normalise(&path) {
            prop_assert!(normal.starts_with('/') && normal.is_ascii());
            prop_assert!(!normal.split('/').any(|segment| matches!(segment, "." | "..")));
            prop_assert!(!normal.contains("%2e") && !normal.contains("%2E"));
            prop_assert!(!normal.contains("%00"));
        }
    }

    #[test]
    fn escaping_what_needs_none_changes_nothing(path in "/[a-z.~/_-]{0,20}") {
        let escaped: String = path.chars().map(|c| match c {
            '/' => "/".to_owned(),
            c => format!("%{:02x}", u32::from(c)),
        }).collect();
        prop_assert_eq!(normalise(&escaped), normalise(&path));
    }

    #[test]
    fn no_text_makes_it_panic(path in any::<String>(), rest in any::<bool>()) {
        let _ = normalise(&path);
        let _ = decode_capture(&path, rest);
    }
}
