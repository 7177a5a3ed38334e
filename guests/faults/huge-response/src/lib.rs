//! Answers with 40 MiB: more than a sane limit, less than the memory a guest usually has.

use httpd_guest::{Request, Response, handler};

const BODY_BYTES: usize = 40 << 20;

#[handler]
fn handle(_: Request) -> Response {
    Response::bytes(vec![b'x'; BODY_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_huge() {
        assert_eq!(handle(Request::get("/")).body().len(), 41_943_040);
    }
}
