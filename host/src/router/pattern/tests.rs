//! Patterns that are taken, patterns that are not.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Pattern, BadPattern> {
    text.parse()
}

#[test]
fn good_patterns_are_normalised() {
    let cases = [
        ("/", "/"),
        ("/hello", "/hello"),
        ("/hello/", "/hello/"),
        ("/{*rest}", "/{*rest}"),
        ("/users/{id}", "/users/{id}"),
        ("/a b/%7e%2f", "/a%20b/~%2F"),
        ("/.well-known/..a", "/.well-known/..a"),
        ("//{_a1}", "//{_a1}"),
    ];
    for (text, expected) in cases {
        let pattern = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(pattern.to_string(), expected, "{text}");
        assert_eq!(parse(pattern.as_str()).as_ref(), Ok(&pattern), "{text}");
    }
}

#[test]
fn bad_patterns_say_why() {
    let name = |name: &str| BadPattern::Name(name.to_owned());
    let not_last = |name: &str| BadPattern::NotLast(name.to_owned());
    let cases = [
        ("", BadPattern::NotAbsolute),
        ("users", BadPattern::NotAbsolute),
        ("*", BadPattern::NotAbsolute),
        ("/a?b", BadPattern::NotPath('?')),
        ("/a#b", BadPattern::NotPath('#')),
        ("/%zz", BadPattern::Path(BadPath::Escape)),
        ("/%00", BadPattern::Path(BadPath::Nul)),
        ("/a/../b", BadPattern::DotSegment),
        ("/a/%2E", BadPattern::DotSegment),
        ("/{x", BadPattern::Braces),
        ("/x}", BadPattern::Braces),
        ("/{x}}", BadPattern::Braces),
        ("/{x/y}", BadPattern::Braces),
        ("/v{n}.json", BadPattern::Partial),
        ("/{x}{y}", BadPattern::Partial),
        ("/{{x}}", BadPattern::Partial),
        ("/a{*rest}", BadPattern::Partial),
        ("/{*rest}a", BadPattern::Partial),
        ("/{}", name("")),
        ("/{*}", name("")),
        ("/{1a}", name("1a")),
        ("/{a-b}", name("a-b")),
        ("/{**x}", name("*x")),
        ("/{x}/{x}", BadPattern::Twice("x".to_owned())),
        ("/{*rest}/a", not_last("rest")),
        ("/{*rest}/", not_last("rest")),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Err(expected), "{text}");
    }
}

#[test]
fn shapes_forget_names_only() {
    let shape = |text| parse(text).expect(text).shape();
    assert_eq!(shape("/a/{x}/b/{y}/{*z}"), "/a/{}/b/{}/{*}");
    assert_eq!(shape("/a"), "/a");
    assert_ne!(shape("/{x}"), shape("/{*x}"));
}

proptest! {
    /// What is taken here fits into the tree, so that a refusal there can only be a conflict.
    #[test]
    fn every_pattern_fits_into_an_empty_tree(text in "/([a-b.%é ]|\\{\\*?[xy]\\}|/){0,8}") {
        if let Ok(pattern) = parse(&text) {
            prop_assert!(matchit::Router::new().insert(pattern.as_str(), ()).is_ok(), "{text}");
            let rest = pattern.as_str().contains("{*");
            prop_assert_eq!(pattern.ends_in_rest(), rest);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text);
        let _ = parse(&format!("/{text}"));
    }
}
