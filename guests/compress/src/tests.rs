//! Responses on their way through.

use std::io::Read as _;

use flate2::read::GzDecoder;
use httpd_guest::testing::{self, set_config};

use super::*;

/// What becomes of a response to a request of this method that takes this coding.
fn pass(method: &str, accept: &str, response: fn() -> Response<Body>) -> Response {
    let request = Request::new(method, "/").with_field("accept-encoding", accept);
    let next = testing::next(async move |_: Request<Body>| response());
    testing::call(|request| compress(request, next), request)
}

fn page() -> Response<Body> {
    let text = "all work and no play\n".repeat(500);
    let length = text.len().to_string();
    Response::text(text)
        .with_field("content-length", length)
        .with_field("etag", "\"v1\"")
        .with_field("accept-ranges", "bytes")
        .with_field("vary", "cookie")
        .into()
}

fn decoded(response: &Response) -> String {
    let mut text = String::new();
    GzDecoder::new(response.body())
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[test]
fn a_page_gets_smaller_and_says_so() {
    let response = pass("GET", "gzip", page);
    assert!(response.body().len() < 500);
    assert_eq!(decoded(&response), "all work and no play\n".repeat(500));
    assert_eq!(response.field("content-encoding"), Some(&b"gzip"[..]));
    assert_eq!(response.field("etag"), Some(&b"W/\"v1\""[..]));
    assert_eq!(response.field("content-length"), None);
    assert_eq!(response.field("accept-ranges"), None);
    let vary: Vec<_> = response
        .fields()
        .filter(|(name, _)| *name == "vary")
        .collect();
    assert_eq!(vary.len(), 2, "{vary:?}");
}

#[test]
fn who_does_not_take_it_gets_it_as_it_is() {
    for (method, accept) in [("GET", "br"), ("HEAD", "gzip")] {
        let response = pass(method, accept, page);
        assert_eq!(response.field("content-encoding"), None);
        assert_eq!(response.field("etag"), Some(&b"\"v1\""[..]));
        let vary = |(name, value): (&str, &[u8])| name == "vary" && value == b"accept-encoding";
        assert!(response.fields().any(vary), "a cache has to know");
    }
}

#[test]
fn what_is_small_or_no_text_passes_untouched() {
    let small = pass("GET", "gzip", || {
        let small = Response::text("small").with_field("content-length", "5");
        small.into()
    });
    assert_eq!(small.body(), b"small");
    let image = pass("GET", "gzip", || {
        let image = Response::bytes([7; 5000]).with_field("content-type", "image/png");
        image.into()
    });
    assert_eq!(image.body(), [7; 5000]);
    assert_eq!(image.field("vary"), None);
    set_config("min_bytes", "1");
    let small = pass("GET", "gzip", || {
        let small = Response::text("small").with_field("content-length", "5");
        small.into()
    });
    assert_eq!(decoded(&small), "small");
}

#[test]
fn a_tag_that_was_made_weak_stays_so() {
    let response = pass("GET", "gzip", || {
        Response::status(304).with_field("etag", "\"v1\"").into()
    });
    assert_eq!(response.status_code(), 304);
    assert_eq!(response.field("etag"), Some(&b"W/\"v1\""[..]));
}

#[test]
fn what_is_made_while_it_is_sent_does_not_wait() {
    let pieces = testing::block_on(async {
        let next = testing::next(async |_: Request<Body>| {
            Response::stream(async |out| {
                out.write("first").await?;
                out.write("second").await?;
                out.add_trailer("x-sum", "2");
                Ok(())
            })
            .with_field("content-type", "text/plain")
        });
        let request = Request::get("/").with_field("accept-encoding", "gzip");
        let response = compress(request.into(), next).await.unwrap();
        let (mut body, mut pieces) = (response.into_body(), Vec::new());
        while let Some(piece) = body.next().await.unwrap() {
            pieces.push(piece);
        }
        let trailers: Vec<_> = body.trailers().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(trailers, ["x-sum"]);
        pieces
    });
    let mut first = GzDecoder::new(&pieces[0][..]);
    let mut text = [0; 5];
    first.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"first");
    let mut all = String::new();
    let bytes = pieces.concat();
    GzDecoder::new(&bytes[..]).read_to_string(&mut all).unwrap();
    assert_eq!(all, "firstsecond");
}

#[test]
fn a_handler_that_gives_no_response_is_not_hidden() {
    testing::block_on(async {
        let request = Request::get("/").with_field("accept-encoding", "gzip");
        let error = compress(request.into(), Next::failing(503)).await;
        assert_eq!(error.unwrap_err().status(), 503);
    });
}

#[test]
fn what_breaks_off_stays_broken() {
    testing::block_on(async {
        let next = testing::next(async |_: Request<Body>| {
            Response::stream(async |out| {
                out.write("first").await?;
                Err(Error::new(500, "no more"))
            })
            .with_field("content-type", "text/plain")
        });
        let request = Request::get("/").with_field("accept-encoding", "gzip");
        let mut body = compress(request.into(), next).await.unwrap().into_body();
        assert!(body.next().await.unwrap().is_some());
        assert!(body.next().await.is_err());
    });
}
