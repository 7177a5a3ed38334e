//! What `wasi:http` gets to hear of a guest's requests, from an [`Outbound`] that only notes them.

use super::*;
use http_body_util::Full;
use std::sync::Mutex;
use tokio::sync::oneshot;

/// Answers each request with the outcome that is next, and keeps the connection until it is told.
#[derive(Default)]
struct Fake {
    outcomes: Mutex<Vec<Result<oneshot::Receiver<()>, OutboundError>>>,
    seen: Mutex<Vec<(String, OutboundTimeouts)>>,
}

impl Outbound for Fake {
    fn send(&self, request: http::Request<OutboundBody>, timeouts: OutboundTimeouts) -> Sending {
        let uri = request.uri().to_string();
        self.seen.lock().unwrap().push((uri, timeouts));
        let outcome = self.outcomes.lock().unwrap().remove(0);
        Box::pin(async move {
            let ended = outcome?;
            let body = request.into_body().collect().await?.to_bytes();
            let echo = Full::new(body).map_err(|never| match never {});
            Ok(Sent {
                response: http::Response::new(echo.boxed_unsync()),
                connection: Box::pin(async move {
                    let _ = ended.await;
                    Err(OutboundError::Incomplete)
                }),
            })
        })
    }
}

fn request(body: &'static str) -> http::Request<WasiBody> {
    let body = Full::from(body).map_err(|never| match never {});
    http::Request::post("https://example.com/a")
        .body(body.boxed_unsync())
        .unwrap()
}

fn refusals() -> Arc<Refusals> {
    Arc::new(Refusals::new("a".into(), 1))
}

async fn send(hooks: &mut Hooks, options: Option<RequestOptions>) -> Result<ErasedSent> {
    let processed = Box::new(async { Ok(()) });
    Pin::from(hooks.send_request(request("ping"), options, processed)).await
}

#[tokio::test]
async fn without_a_grant_every_request_is_denied_and_told_once() {
    let refusals = refusals();
    let mut hooks = Hooks::new(None, Arc::clone(&refusals), 1);
    for _ in 0..3 {
        let error = send(&mut hooks, None).await.err().unwrap();
        assert!(matches!(error, Error::HttpRequestDenied));
    }
    let told = "requests to other hosts (allow_hosts) https://example.com";
    assert_eq!(refusals.told(), [told]);
}

#[tokio::test]
async fn bodies_and_timeouts_are_handed_on() {
    let (_open, ended) = oneshot::channel();
    let fake = Arc::new(Fake::default());
    fake.outcomes.lock().unwrap().push(Ok(ended));
    let mut hooks = Hooks::new(Some(Arc::clone(&fake) as _), refusals(), 1);
    let second = Some(Duration::from_secs(1));
    let options = RequestOptions {
        connect_timeout: second,
        ..RequestOptions::default()
    };
    let (response, _) = send(&mut hooks, Some(options)).await.ok().unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "ping");
    let expected = OutboundTimeouts {
        connect: second,
        ..OutboundTimeouts::default()
    };
    let seen = fake.seen.lock().unwrap().clone();
    assert_eq!(seen, [("https://example.com/a".to_owned(), expected)]);
}

#[tokio::test]
async fn refusals_are_told_once_and_other_failures_only_to_the_guest() {
    let denied = OutboundError::Denied {
        target: "https://example.com:443".to_owned(),
    };
    let prohibited = OutboundError::AddressDenied {
        target: "https://example.com:443".to_owned(),
    };
    let fake = Arc::new(Fake::default());
    let outcomes = [
        denied.clone(),
        denied,
        prohibited,
        OutboundError::ConnectTimeout,
    ];
    fake.outcomes.lock().unwrap().extend(outcomes.map(Err));
    let refusals = refusals();
    let mut hooks = Hooks::new(Some(fake), Arc::clone(&refusals), 1);
    let mut errors = Vec::new();
    for _ in 0..4 {
        errors.push(send(&mut hooks, None).await.err().unwrap());
    }
    assert!(matches!(
        errors[..],
        [
            Error::HttpRequestDenied,
            Error::HttpRequestDenied,
            Error::DestinationIpProhibited,
            Error::ConnectionTimeout
        ]
    ));
    let told = [
        "addresses not in allow_hosts https://example.com:443",
        "requests to hosts not in allow_hosts https://example.com:443",
    ];
    assert_eq!(refusals.told(), told);
}

#[tokio::test]
async fn a_request_too_many_waits_until_another_is_over() {
    let (close, first) = oneshot::channel();
    let (_open, second) = oneshot::channel();
    let fake = Arc::new(Fake::default());
    fake.outcomes
        .lock()
        .unwrap()
        .extend([Ok(first), Ok(second)]);
    let mut hooks = Hooks::new(Some(Arc::clone(&fake) as _), refusals(), 1);
    let (_, connection) = send(&mut hooks, None).await.ok().unwrap();
    let connection = tokio::spawn(Pin::from(connection));
    let mut waiting = Box::pin(async { send(&mut hooks, None).await });
    let short = Duration::from_millis(50);
    assert!(tokio::time::timeout(short, &mut waiting).await.is_err());
    assert_eq!(fake.seen.lock().unwrap().len(), 1);
    close.send(()).unwrap();
    // That it failed is not told here: the crate would log it, once for each.
    assert!(connection.await.unwrap().is_ok());
    assert!(waiting.await.is_ok());
}
