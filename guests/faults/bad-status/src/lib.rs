//! Answers with a status that no final response has: 99, or what `?status=` says. The SDK would
//! refuse this, so the record is made by hand.

use httpd_guest::raw::Response;
use httpd_guest::{Request, handler};

#[handler]
fn handle(request: Request) -> Response {
    let status = request
        .query_param("status")
        .and_then(|status| status.parse().ok());
    Response {
        status: status.unwrap_or(99),
        fields: Vec::new(),
        body: b"body".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_the_one_asked_for() {
        assert_eq!(handle(Request::get("/")).status, 99);
        assert_eq!(handle(Request::get("/?status=700")).status, 700);
    }
}
