//! Answers of real guests that must not reach the wire. The rules themselves are tested next to
//! them, in answer.rs.

use super::support::*;
use crate::guest::{BadAnswer, CallError, GuestSettings, Request};

async fn refusal(core: &str) -> BadAnswer {
    match call(&guest(core)).await {
        Err(CallError::BadAnswer(why)) => why,
        other => panic!("not refused as a bad answer: {other:?}"),
    }
}

#[tokio::test]
async fn a_good_answer_comes_back_as_given() {
    let fields: &[(&str, &[u8])] = &[("Content-Type", b"text/plain"), ("x-empty", b"")];
    let response = call(&guest(&answer(404, fields, b"nothing here")))
        .await
        .unwrap();
    assert_eq!(
        (response.status, &response.body[..]),
        (404, &b"nothing here"[..])
    );
    let names: Vec<_> = response
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(names, ["Content-Type", "x-empty"]);
    assert_eq!(response.content_length, None);
}

#[tokio::test]
async fn a_bad_status_is_refused() {
    assert_eq!(refusal(&answer(99, &[], b"")).await, BadAnswer::Status(99));
}

#[tokio::test]
async fn a_field_that_would_split_the_head_is_refused() {
    let refused = refusal(&answer(200, &[("x", b"a\r\nset-cookie: b")], b"")).await;
    assert_eq!(
        refused,
        BadAnswer::FieldValue {
            index: 0,
            name: "x".into(),
            byte: b'\r'
        }
    );
    let refused = refusal(&answer(200, &[("x: y\r\nz", b"")], b"")).await;
    assert_eq!(
        refused,
        BadAnswer::FieldName {
            index: 0,
            name: "x: y\\r\\nz".into()
        }
    );
}

#[tokio::test]
async fn a_framing_field_is_refused() {
    let refused = refusal(&answer(200, &[("Transfer-Encoding", b"chunked")], b"")).await;
    let expected = BadAnswer::FramingField {
        index: 0,
        name: "Transfer-Encoding".into(),
    };
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn a_wrong_content_length_is_refused() {
    let refused = refusal(&answer(200, &[("content-length", b"6")], b"12345")).await;
    assert_eq!(refused, BadAnswer::ContentLength { index: 0, body: 5 });
}

#[tokio::test]
async fn head_may_announce_the_length_that_get_would_have() {
    let guest = guest(&answer(200, &[("content-length", b"6")], b""));
    let head = Request {
        method: "HEAD",
        ..request()
    };
    let response = guest.call(head, soon(PATIENCE)).await.0.unwrap();
    assert_eq!(response.content_length, Some(6));
    assert!(call(&guest).await.is_err(), "and GET may not");
}

#[tokio::test]
async fn too_large_a_body_is_refused() {
    let bytes = RESPONSE_MAX + 1;
    let core = handle(&format!(
        "(drop (memory.grow (i32.const 4)))
         (i32.store (i32.const 1024) (i32.const 200))
         (i32.store (i32.const 1040) (i32.const {bytes}))
         (i32.const 1024)"
    ));
    let expected = BadAnswer::BodyTooLarge {
        bytes,
        max: RESPONSE_MAX,
    };
    assert_eq!(refusal(&core).await, expected);
}

#[tokio::test]
async fn too_many_or_too_large_fields_are_refused() {
    let many = vec![("x", &b""[..]); SETTINGS.response_fields_max + 1];
    let expected = BadAnswer::TooManyFields { count: 11, max: 10 };
    assert_eq!(refusal(&answer(200, &many, b"")).await, expected);
    let large = [b'a'; 996];
    let expected = BadAnswer::HeadTooLarge {
        bytes: 1001,
        max: 1000,
    };
    assert_eq!(refusal(&answer(200, &[("x", &large)], b"")).await, expected);
}

/// 4000 fields whose values are the same 60000 bytes would be 240 MB for the host to copy.
#[tokio::test]
async fn overlapping_lists_cannot_inflate_the_host() {
    let core = handle(
        "(local $field i32)
         (drop (memory.grow (i32.const 4)))
         (local.set $field (i32.const 131072))
         (loop $next
           (i32.store offset=12 (local.get $field) (i32.const 60000))
           (local.set $field (i32.add (local.get $field) (i32.const 16)))
           (br_if $next (i32.lt_u (local.get $field) (i32.const 195072))))
         (i32.store (i32.const 61024) (i32.const 200))
         (i32.store (i32.const 61028) (i32.const 131072))
         (i32.store (i32.const 61032) (i32.const 4000))
         (i32.const 61024)",
    );
    let settings = GuestSettings {
        response_fields_max: 4000,
        ..SETTINGS
    };
    let guest = load(&sandbox(1), settings, &core);
    let refused = call(&guest).await;
    let Err(CallError::BadAnswer(BadAnswer::TooMuch { max })) = refused else {
        panic!("{refused:?}");
    };
    assert!(max < 2 << 20, "{max}");
}
