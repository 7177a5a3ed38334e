//! Sends a request's body back, under the type it came with.

use httpd_guest::{Request, Response, handler};

#[handler]
fn handle(request: Request) -> Response {
    let content_type = request
        .field("content-type")
        .unwrap_or(b"application/octet-stream");
    Response::new()
        .with_field("content-type", content_type)
        .with_body(request.into_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_and_its_type_come_back() {
        let request = Request::post("/echo").with_field("Content-Type", "image/png");
        let response = handle(request.with_body(b"\0\xff"));
        assert_eq!(response.status_code(), 200);
        assert_eq!(response.body(), b"\0\xff");
        assert_eq!(response.field("content-type"), Some(&b"image/png"[..]));
    }

    #[test]
    fn a_body_without_a_type_is_bytes() {
        let response = handle(Request::get("/echo"));
        assert_eq!(
            response.field("content-type"),
            Some(&b"application/octet-stream"[..])
        );
        assert!(response.body().is_empty());
    }
}
