//! Panics. Shows that the message reaches the host's log and the client gets 500.

use httpd_guest::{Request, Response, handler};

#[handler]
fn handle(request: Request) -> Response {
    panic!("the trap guest always panics, asked for {}", request.path());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "always panics, asked for /x")]
    fn panics() {
        handle(Request::get("/x"));
    }
}
