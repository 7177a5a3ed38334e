//! Answers with 100,000 fields, each of them fine.

use httpd_guest::raw::{Field, Response};
use httpd_guest::{Request, handler};

const FIELDS: u32 = 100_000;

#[handler]
fn handle(_: Request) -> Response {
    let field = |n| Field {
        name: format!("x-{n}"),
        value: b"value".to_vec(),
    };
    Response {
        status: 200,
        fields: (0..FIELDS).map(field).collect(),
        body: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_many() {
        let response = handle(Request::get("/"));
        assert_eq!(response.fields.len(), 100_000);
        assert_eq!(response.fields[99_999].name, "x-99999");
    }
}
