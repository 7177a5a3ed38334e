//! A first guest: greets, by name when the query has one.

use httpd_guest::{Request, Response, handler};

#[handler]
fn handle(request: Request) -> Response {
    match request.query_param("name") {
        Some(name) => Response::text(format!("Hello, {name}!")),
        None => Response::bytes("Hello world!").with_field("content-type", "text/plain"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets_by_name() {
        let response = handle(Request::get("/hello?name=Ada"));
        assert_eq!(response.body_str(), Some("Hello, Ada!"));
    }

    #[test]
    fn greets_the_world_in_twelve_bytes_of_plain_text() {
        let response = handle(Request::get("/hello"));
        assert_eq!(response.body(), b"Hello world!");
        assert_eq!(response.field("content-type"), Some(&b"text/plain"[..]));
    }

    #[test]
    fn a_name_stays_text() {
        let response = handle(Request::get("/hello?name=%3Cscript%3E%0d%0a"));
        assert_eq!(response.body_str(), Some("Hello, <script>\r\n!"));
        assert!(
            response
                .field("content-type")
                .unwrap()
                .starts_with(b"text/plain")
        );
    }
}
