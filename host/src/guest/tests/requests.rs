//! What a guest sees of a request, and how a good answer comes back.

use super::support::*;
use crate::guest::{Capture, Field, FieldRef, Guest, Request};

const REQUEST: Request<'static> = Request {
    id: "the-id",
    client: "[2001:db8::1]:49152",
    method: "PATCH",
    scheme: "https",
    authority: Some("example.org:8443"),
    path: "/users/7",
    query: Some("a=1&b=%20"),
    fields: &[
        FieldRef {
            name: "x-a",
            value: b"1",
        },
        FieldRef {
            name: "x-b",
            value: b"caf\xe9",
        },
        FieldRef {
            name: "x-a",
            value: b"2",
        },
    ],
    captures: &[
        Capture {
            name: "id",
            value: "7",
        },
        Capture {
            name: "rest",
            value: "é",
        },
    ],
    body: b"\0\xff body",
};

/// A guest that answers with the list whose address and length are at `offset` in the request:
/// as its body, or as its fields, for which a list of fields or captures has the right layout.
fn mirror(offset: u32, as_fields: bool) -> Guest {
    let to = if as_fields { 1028 } else { 1036 };
    guest(&handle(&format!(
        "(i32.store (i32.const 1024) (i32.const 200))
         (i64.store (i32.const {to}) (i64.load offset={offset} (local.get $request)))
         (i32.const 1024)"
    )))
}

async fn mirrored(offset: u32) -> Vec<u8> {
    mirror(offset, false)
        .call(REQUEST, soon(PATIENCE))
        .await
        .0
        .unwrap()
        .body
}

async fn mirrored_fields(offset: u32) -> Vec<Field> {
    mirror(offset, true)
        .call(REQUEST, soon(PATIENCE))
        .await
        .0
        .unwrap()
        .fields
}

fn field(name: &str, value: &[u8]) -> Field {
    Field {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

#[tokio::test]
async fn every_part_of_a_request_arrives() {
    assert_eq!(mirrored(0).await, b"the-id");
    assert_eq!(mirrored(8).await, b"[2001:db8::1]:49152");
    assert_eq!(mirrored(16).await, b"PATCH");
    assert_eq!(mirrored(24).await, b"https");
    assert_eq!(mirrored(36).await, b"example.org:8443");
    assert_eq!(mirrored(44).await, b"/users/7");
    assert_eq!(mirrored(56).await, b"a=1&b=%20");
    assert_eq!(mirrored(80).await, b"\0\xff body");
}

#[tokio::test]
async fn fields_and_captures_keep_their_order_and_duplicates() {
    let fields = [
        field("x-a", b"1"),
        field("x-b", b"caf\xe9"),
        field("x-a", b"2"),
    ];
    assert_eq!(mirrored_fields(64).await, fields);
    let captures = [field("id", b"7"), field("rest", "é".as_bytes())];
    assert_eq!(mirrored_fields(72).await, captures);
}

#[tokio::test]
async fn absent_parts_are_absent() {
    let has = |offset: u32| {
        guest(&handle(&format!(
            "(i32.store (i32.const 1024)
               (i32.add (i32.const 200) (i32.load8_u offset={offset} (local.get $request))))
             (i32.const 1024)"
        )))
    };
    let without = Request {
        authority: None,
        query: None,
        ..REQUEST
    };
    for offset in [32, 52] {
        let guest = has(offset);
        assert_eq!(
            guest.call(REQUEST, soon(PATIENCE)).await.0.unwrap().status,
            201
        );
        assert_eq!(
            guest.call(without, soon(PATIENCE)).await.0.unwrap().status,
            200
        );
    }
}

#[tokio::test]
async fn a_large_body_makes_the_round_trip_and_is_accounted() {
    let body: Vec<u8> = (0..=255).cycle().take(RESPONSE_MAX as usize).collect();
    let request = Request {
        body: &body,
        ..REQUEST
    };
    let (response, usage) = mirror(80, false).call(request, soon(PATIENCE)).await;
    assert!(response.unwrap().body == body);
    assert!(
        usage.memory_peak > RESPONSE_MAX && usage.memory_peak <= MEMORY_MAX,
        "{usage:?}"
    );
    assert!(
        !usage.instantiate.is_zero() && !usage.run.is_zero(),
        "{usage:?}"
    );
}

#[tokio::test]
async fn a_call_can_move_between_threads() {
    let guest = guest(&answer(200, &[], b"hello"));
    let call = tokio::spawn(async move { call(&guest).await });
    assert_eq!(call.await.unwrap().unwrap().body, b"hello");
}
