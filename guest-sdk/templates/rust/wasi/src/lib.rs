//! The handler: one function from a request to its response. Bodies are streams.

use httpd_guest::{Body, Request, Response, handler};

#[handler]
async fn handle(request: Request<Body>) -> Response<Body> {
    if request.path().ends_with("/echo") {
        echo(request)
    } else {
        hello(&request)
    }
}

fn hello(request: &Request<Body>) -> Response<Body> {
    let greeting = match request.query_param("name") {
        Some(name) => format!("Hello, {name}!"),
        None => "Hello world!".to_owned(),
    };
    Response::text(greeting).into()
}

/// Sends the body back while it arrives, under the type it came with, trailers too.
fn echo(request: Request<Body>) -> Response<Body> {
    let content_type = request
        .field("content-type")
        .unwrap_or(b"application/octet-stream");
    Response::new()
        .with_field("content-type", content_type)
        .with_stream(request.into_body())
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::call;

    #[test]
    fn greets_by_name() {
        let greeting = |target| call(handle, Request::get(target));
        assert_eq!(greeting("/?name=Ada").body(), b"Hello, Ada!");
        assert_eq!(greeting("/").body(), b"Hello world!");
    }

    #[test]
    fn the_body_and_its_type_come_back() {
        let request = Request::post("/echo").with_field("Content-Type", "image/png");
        let response = call(handle, request.with_body(b"\0\xff"));
        assert_eq!(response.body(), b"\0\xff");
        assert_eq!(response.field("content-type"), Some(&b"image/png"[..]));
    }
}
