//! The built-in guest: it fits the world and says something useful.

use super::support::*;
use crate::guest::{GuestSettings, Priority, Reach, Request, WELCOME};

fn page_settings() -> GuestSettings {
    GuestSettings {
        instances: reuse(1000),
        ..SETTINGS
    }
}

#[tokio::test]
async fn it_answers_a_whole_page() {
    let welcome = sandbox(1)
        .load(
            "welcome",
            SETTINGS,
            Reach::default(),
            WELCOME.as_bytes(),
            Priority::Start,
        )
        .unwrap();
    let response = call(&welcome).await.unwrap();
    assert_eq!(response.status, 200);
    let content_type = &response.fields[0];
    assert_eq!(content_type.name, "content-type");
    assert_eq!(content_type.value, b"text/html; charset=utf-8");
    let page = String::from_utf8(response.body).unwrap();
    assert!(
        page.starts_with("<!doctype html>\n") && page.ends_with("</html>\n"),
        "{page}"
    );
    for word in [
        "httpd-guest",
        "#[httpd_guest::handler]",
        "wasm-component-ld",
        "--config",
    ] {
        assert!(page.contains(word), "the page does not tell about {word}");
    }
}

/// Its allocator has to hold any request, once and again.
#[tokio::test]
async fn it_takes_large_requests_and_many_of_them() {
    let welcome = sandbox(1)
        .load(
            "welcome",
            page_settings(),
            Reach::default(),
            WELCOME.as_bytes(),
            Priority::Start,
        )
        .unwrap();
    let body = vec![b'x'; 3 << 20];
    let request = Request {
        body: &body,
        ..request()
    };
    let mut peaks = Vec::new();
    for _ in 0..10 {
        let (response, usage) = welcome.call(request, soon(PATIENCE)).await;
        assert_eq!(response.unwrap().status, 200);
        peaks.push(usage.memory_peak);
    }
    assert!(
        peaks.iter().all(|peak| *peak == peaks[0]),
        "its heap leaks: {peaks:?}"
    );
}
