//! Requests that are sent for real, to servers on this machine that a test writes by hand.

mod bodies;
mod refused;
mod support;
mod timeouts;
mod tls;

use support::*;

#[tokio::test]
async fn a_request_arrives_as_the_guest_made_it_with_the_host_that_was_checked() {
    let server = Server::start(|mut peer| async move {
        let head = peer.head().await;
        peer.say(
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close, x-hop\r\n\
                  x-hop: 1\r\nx-kept: 2\r\nset-cookie: a\r\nset-cookie: b\r\n\r\nhello",
        )
        .await;
        head
    })
    .await;
    let client = client(&[&server.grant()]);
    let request = http::Request::post(server.url("/a%20b?c=d"))
        .header("host", "internal.example")
        .header("x-own", "1")
        .body(text("ping"))
        .unwrap();
    let (response, body) = exchange(&client, request).await.unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(body, "hello");
    let names: Vec<_> = response
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    assert_eq!(names, ["content-length", "x-kept", "set-cookie"]);
    assert_eq!(response.headers.get_all("set-cookie").iter().count(), 2);

    let head = server.result().await;
    assert!(head.starts_with("POST /a%20b?c=d HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains(&format!("\r\nhost: {}\r\n", server.address)),
        "{head}"
    );
    assert!(!head.contains("internal.example"), "{head}");
    assert!(head.contains("\r\nx-own: 1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-length: 4\r\n"), "{head}");
}

#[tokio::test]
async fn an_empty_path_is_the_root() {
    for (uri, line) in [("", "GET / HTTP/1.1"), ("?a=b", "GET /?a=b HTTP/1.1")] {
        let server = Server::start(answering("HTTP/1.1 204 No Content\r\n\r\n")).await;
        let client = client(&[&server.grant()]);
        let (response, _) = exchange(&client, get(&server.url(uri))).await.unwrap();
        assert_eq!(response.status, 204);
        let head = server.result().await;
        assert!(head.starts_with(line), "{head}");
    }
}

#[tokio::test]
async fn a_redirect_is_handed_to_the_guest_and_its_next_request_is_checked() {
    let server = Server::start(answering(
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/admin\r\ncontent-length: 0\r\n\r\n",
    ))
    .await;
    let client = client(&[&server.grant()]);
    let (response, _) = exchange(&client, get(&server.url("/"))).await.unwrap();
    assert_eq!(response.status, 302);
    let location = response.headers["location"].to_str().unwrap();
    let error = exchange(&client, get(location)).await.unwrap_err();
    let target = "http://127.0.0.1:1".to_owned();
    assert_eq!(error, crate::guest::OutboundError::Denied { target });
}

#[tokio::test]
async fn a_connection_is_free_again_when_its_response_is_complete_or_dropped() {
    let limits = Limits {
        connections_max: 1,
        ..limits()
    };
    for read in [true, false, true] {
        let server = Server::start(answering(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        ))
        .await;
        let client = client_with(&[&server.grant()], limits.clone(), Names::default());
        for _ in 0..2 {
            if read {
                let (_, body) = exchange(&client, get(&server.url("/"))).await.unwrap();
                assert_eq!(body, "a");
            } else {
                drop(send(&client, get(&server.url("/"))).await.unwrap());
            }
        }
    }
}
