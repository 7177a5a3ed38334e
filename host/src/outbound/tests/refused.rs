//! What a guest may try and must not get.

use std::sync::atomic::Ordering;

use http::Request;

use super::support::*;
use crate::guest::OutboundError;

/// A server that must not be reached.
async fn internal() -> Server<String> {
    Server::start(answering(
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret",
    ))
    .await
}

#[tokio::test]
async fn nothing_is_reached_without_a_grant() {
    let server = internal().await;
    for entries in [
        &[][..],
        &["https://example.com"],
        &["*"],
        &["*:*"],
        &["localhost:*"],
    ] {
        let client = client(entries);
        exchange(&client, get(&server.url("/"))).await.unwrap_err();
    }
    assert_eq!(server.accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_this_machine_or_to_its_network_is_refused() {
    let server = internal().await;
    let url = format!("http://rebound.example:{}/", server.address.port());
    for address in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "fe80::1",
    ] {
        let names = Names::of(&[("rebound.example", &[address])]);
        let client = client_with(&["*:*"], limits(), names);
        let error = exchange(&client, get(&url)).await.unwrap_err();
        let target = url.trim_end_matches('/').to_owned();
        assert_eq!(error, OutboundError::AddressDenied { target }, "{address}");
    }
    assert_eq!(server.accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn of_several_addresses_only_the_granted_ones_are_tried_and_the_name_is_asked_for_once() {
    let server = internal().await;
    let names = Names::of(&[("two.example", &["169.254.169.254", "::1", "127.0.0.1"])]);
    let asked = names.asked.clone();
    let client = client_with(&["two.example:*", "127.0.0.1:*"], limits(), names);
    let url = format!("http://two.example:{}/", server.address.port());
    let (_, body) = exchange(&client, get(&url)).await.unwrap();
    assert_eq!(body, "secret");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let head = server.result().await;
    let host = format!("host: two.example:{}", server.address.port());
    assert!(head.contains(&host), "{head}");
}

#[tokio::test]
async fn names_that_do_not_resolve_are_told_so() {
    let client = client(&["*"]);
    let error = exchange(&client, get("http://nowhere.example/"))
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Lookup(_)), "{error}");
    let names = Names::of(&[("empty.example", &[])]);
    let client = client_with(&["*"], limits(), names);
    let error = exchange(&client, get("http://empty.example/"))
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Lookup(_)), "{error}");
}

#[tokio::test]
async fn a_request_cannot_smuggle_another_target_or_another_request() {
    let server = internal().await;
    let client = client(&[&server.grant()]);
    let port = server.address.port();
    let uri = format!("http://granted.example@127.0.0.1:{port}/");
    let error = exchange(&client, get(&uri)).await.unwrap_err();
    assert!(matches!(error, OutboundError::InvalidTarget(_)), "{error}");
    for (name, value) in [
        ("transfer-encoding", "chunked"),
        ("content-length", "0"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
    ] {
        let request = Request::post(server.url("/")).header(name, value);
        let request = request
            .header("content-length", "4")
            .body(text("ping"))
            .unwrap();
        let error = exchange(&client, request).await.unwrap_err();
        assert!(
            matches!(error, OutboundError::InvalidField(_)),
            "{name}: {error}"
        );
    }
    let request = Request::connect(server.url("/")).body(text("")).unwrap();
    let error = exchange(&client, request).await.unwrap_err();
    assert!(matches!(error, OutboundError::InvalidTarget(_)), "{error}");
    for field in ["a\r\nx-injected: 1", "a\nb", "a\0"] {
        let request = Request::get(server.url("/"))
            .header("x", field)
            .body(text(""));
        assert!(request.is_err(), "{field:?}");
    }
    for path in ["/a\r\nx: y", "/a b", "/a\0", "//\n"] {
        let uri = http::Uri::builder()
            .scheme("http")
            .authority("a")
            .path_and_query(path);
        assert!(uri.build().is_err(), "{path:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_it_says_reaches_nobody_as_another_request() {
    let server = Server::start(|mut peer| async move {
        let mut received = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut peer.stream, &mut received).await;
        String::from_utf8_lossy(&received).into_owned()
    })
    .await;
    let client = client(&[&server.grant()]);
    let request = Request::post(server.url("/")).header("content-length", "4");
    let request = request
        .body(text("pingGET /admin HTTP/1.1\r\n\r\n"))
        .unwrap();
    let sent = send(&client, request);
    let timeout = std::time::Duration::from_millis(300);
    drop(tokio::time::timeout(timeout, sent).await);
    let received = server.result().await;
    assert!(!received.contains("/admin"), "{received}");
}
