//! The handler: one function from a request to its response.

use httpd_guest::{Request, Response, handler};

#[handler]
fn handle(request: Request) -> Response {
    if request.path().ends_with("/echo") {
        echo(request)
    } else {
        hello(&request)
    }
}

fn hello(request: &Request) -> Response {
    match request.query_param("name") {
        Some(name) => Response::text(format!("Hello, {name}!")),
        None => Response::text("Hello world!"),
    }
}

/// Sends the body back, under the type it came with.
fn echo(request: Request) -> Response {
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
    fn greets_by_name() {
        assert_eq!(handle(Request::get("/?name=Ada")).body(), b"Hello, Ada!");
        assert_eq!(handle(Request::get("/")).body(), b"Hello world!");
    }

    #[test]
    fn the_body_and_its_type_come_back() {
        let request = Request::post("/echo").with_field("Content-Type", "image/png");
        let response = handle(request.with_body(b"\0\xff"));
        assert_eq!(response.body(), b"\0\xff");
        assert_eq!(response.field("content-type"), Some(&b"image/png"[..]));
    }
}
