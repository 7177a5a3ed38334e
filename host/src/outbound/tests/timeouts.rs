//! Others that are too slow, and how long a guest waits for them.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use tokio::net::TcpListener;

use super::support::*;
use crate::guest::{Outbound as _, OutboundError, OutboundTimeouts};

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_server_that_says_nothing() {
    let held = Held::default();
    let server = Server::start(holding("", &held)).await;
    let limits = Limits {
        first_byte_timeout: SHORT,
        ..limits()
    };
    let client = client_with(&[&server.grant()], limits, Names::default());
    let started = Instant::now();
    let error = exchange(&client, get(&server.url("/"))).await.unwrap_err();
    assert_eq!(error, OutboundError::FirstByteTimeout);
    assert!(started.elapsed() >= SHORT);

    // A guest may not be more patient than the host.
    let patient = OutboundTimeouts {
        first_byte: Some(Duration::from_secs(60)),
        ..OutboundTimeouts::default()
    };
    let sent = client.send(get(&server.url("/")), patient);
    assert_eq!(sent.await.err(), Some(OutboundError::FirstByteTimeout));
}

#[tokio::test]
async fn a_guest_may_be_less_patient_than_the_host() {
    let held = Held::default();
    let server = Server::start(holding(
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
        &held,
    ))
    .await;
    let client = client(&[&server.grant()]);
    let hasty = OutboundTimeouts {
        between_bytes: Some(SHORT),
        ..OutboundTimeouts::default()
    };
    let sent = client.send(get(&server.url("/")), hasty).await.unwrap();
    let connection = tokio::spawn(sent.connection);
    let mut body = sent.response.into_body();
    // A guest that reads late is no reason to blame the server.
    tokio::time::sleep(SHORT * 3).await;
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "abc");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error, OutboundError::BetweenBytesTimeout);
    connection.abort();
}

#[tokio::test]
async fn a_tls_handshake_that_never_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let limits = Limits {
        connect_timeout: SHORT,
        ..limits()
    };
    let client = client_with(&[&url], limits, Names::default());
    let error = exchange(&client, get(&url)).await.unwrap_err();
    assert_eq!(error, OutboundError::ConnectTimeout);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(&[&url]);
    let error = exchange(&client, get(&url)).await.unwrap_err();
    assert!(matches!(error, OutboundError::Connect(_)), "{error}");
}

#[tokio::test]
async fn more_connections_than_there_may_be() {
    let held = Held::default();
    let server = Server::start(holding(
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
        &held,
    ))
    .await;
    let limits = Limits {
        connections_max: 1,
        connect_timeout: SHORT,
        ..limits()
    };
    let client = client_with(&[&server.grant()], limits, Names::default());
    let first = send(&client, get(&server.url("/"))).await.unwrap();
    let error = exchange(&client, get(&server.url("/"))).await.unwrap_err();
    assert_eq!(error, OutboundError::TooMany);
    drop(first);
    send(&client, get(&server.url("/"))).await.unwrap();
}
