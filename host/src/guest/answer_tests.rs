//! The rules for answers, one table per rule.

use super::*;

const LIMITS: AnswerLimits = AnswerLimits {
    body_max: 100,
    head_max: 1000,
    fields_max: 10,
};

fn checked(
    status: u16,
    fields: &[(&str, &[u8])],
    body: &[u8],
    is_head: bool,
) -> Result<Response, BadAnswer> {
    let field = |(name, value): &(&str, &[u8])| Field {
        name: (*name).to_owned(),
        value: value.to_vec(),
    };
    let fields = fields.iter().map(field).collect();
    check(
        Answer {
            status,
            fields,
            body: body.to_vec(),
        },
        is_head,
        &LIMITS,
    )
}

#[test]
fn statuses_are_200_to_599() {
    for status in [200, 204, 304, 404, 599] {
        assert_eq!(checked(status, &[], b"", false).unwrap().status, status);
    }
    for status in [0, 99, 100, 103, 199, 600, 700, 65535] {
        assert_eq!(
            checked(status, &[], b"", false),
            Err(BadAnswer::Status(status))
        );
    }
}

#[test]
fn names_are_tokens() {
    for name in ["a", "X-Y", "!#$%&'*+-.^_`|~09azAZ"] {
        assert!(checked(200, &[(name, b"")], b"", false).is_ok(), "{name}");
    }
    for name in [
        "", " ", "a ", "a:", "a\r", "a\n", "a\0", "é", "a(b", "a/b", "\"a\"", "a\u{7f}",
    ] {
        let refused = checked(200, &[("ok", b""), (name, b"")], b"", false);
        assert!(
            matches!(refused, Err(BadAnswer::FieldName { index: 1, .. })),
            "{name:?}"
        );
    }
}

#[test]
fn values_hold_no_controls_but_tabs() {
    for byte in 0..=255 {
        let refused = checked(200, &[("x", &[b'a', byte, b'b'])], b"", false);
        let allowed = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
        assert_eq!(refused.is_ok(), allowed, "{byte:#04x}: {refused:?}");
    }
}

#[test]
fn white_space_around_a_value_is_removed() {
    for (given, kept) in [(" a ", "a"), ("\t a b\t", "a b"), ("  ", ""), ("", "")] {
        let response = checked(200, &[("x", given.as_bytes())], b"", false).unwrap();
        assert_eq!(response.fields[0].value, kept.as_bytes(), "{given:?}");
    }
    let refused = checked(200, &[("x", b" a\r\n")], b"", false);
    assert!(
        matches!(refused, Err(BadAnswer::FieldValue { byte: b'\r', .. })),
        "{refused:?}"
    );
}

#[test]
fn framing_is_the_hosts() {
    for name in FRAMING_FIELDS {
        for name in [name.to_owned(), name.to_uppercase()] {
            let refused = checked(200, &[(&name, b"x")], b"", false);
            let expected = BadAnswer::FramingField {
                index: 0,
                name: name.clone(),
            };
            assert_eq!(refused, Err(expected));
        }
    }
}

#[test]
fn a_right_content_length_is_taken_out() {
    let fields: &[(&str, &[u8])] = &[("a", b"1"), ("Content-Length", b"3"), ("b", b"2")];
    let response = checked(200, fields, b"abc", false).unwrap();
    let names: Vec<_> = response
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        (&names[..], response.content_length),
        (&["a", "b"][..], None)
    );
    let twice: &[(&str, &[u8])] = &[("content-length", b"3"), ("content-length", b"003")];
    assert!(
        checked(200, twice, b"abc", false)
            .unwrap()
            .fields
            .is_empty()
    );
}

#[test]
fn a_wrong_content_length_is_refused() {
    for value in [
        "",
        "2",
        "4",
        "+3",
        "-3",
        "3.0",
        "0x3",
        "3, 3",
        "3 3",
        "99999999999999999999",
    ] {
        let refused = checked(200, &[("content-length", value.as_bytes())], b"abc", false);
        let expected = BadAnswer::ContentLength { index: 0, body: 3 };
        assert_eq!(refused, Err(expected), "{value:?}");
    }
    assert!(checked(200, &[("content-length", b"5")], b"", false).is_err());
}

#[test]
fn an_answer_without_a_body_may_announce_any_length() {
    for (status, is_head) in [(200, true), (304, false), (404, true)] {
        let announced = |fields, body| {
            checked(status, fields, body, is_head).map(|response| response.content_length)
        };
        assert_eq!(announced(&[("content-length", b"5")], b""), Ok(Some(5)));
        assert_eq!(announced(&[("content-length", b"0")], b""), Ok(Some(0)));
        assert_eq!(announced(&[], b""), Ok(None));
        assert_eq!(announced(&[], b"abc"), Ok(Some(3)), "the body says it too");
        assert_eq!(announced(&[("content-length", b"3")], b"abc"), Ok(Some(3)));
        assert!(announced(&[("content-length", b"5")], b"abc").is_err());
        assert!(announced(&[("content-length", b"x")], b"").is_err());
        let differing: &[(&str, &[u8])] = &[("content-length", b"5"), ("content-length", b"6")];
        assert!(announced(differing, b"").is_err());
    }
}

#[test]
fn sizes_are_allowed_up_to_their_limits() {
    assert!(checked(200, &[], &[0; 100], false).is_ok());
    let refused = checked(200, &[], &[0; 101], false);
    assert_eq!(
        refused,
        Err(BadAnswer::BodyTooLarge {
            bytes: 101,
            max: 100
        })
    );
    assert!(checked(200, &[("x", &b""[..]); 10], b"", false).is_ok());
    let refused = checked(200, &[("x", &b""[..]); 11], b"", false);
    assert_eq!(
        refused,
        Err(BadAnswer::TooManyFields { count: 11, max: 10 })
    );
    assert!(checked(200, &[("x", &[b'a'; 995])], b"", false).is_ok());
    let refused = checked(200, &[("x", &[b'a'; 996])], b"", false);
    assert_eq!(
        refused,
        Err(BadAnswer::HeadTooLarge {
            bytes: 1001,
            max: 1000
        })
    );
}
