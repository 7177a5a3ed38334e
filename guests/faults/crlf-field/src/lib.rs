//! Ends a field line early to add another: response splitting. `?in=name` does it in the name. The
//! SDK would refuse this, so the record is made by hand.

use httpd_guest::raw::{Field, Response};
use httpd_guest::{Request, handler};

const INJECTED: &str = "x\r\nx-injected: yes\r\n\r\n<h1>injected</h1>";

#[handler]
fn handle(request: Request) -> Response {
    let (name, value) = match request.query_param("in").as_deref() {
        Some("name") => (INJECTED, "value"),
        _ => ("x-name", INJECTED),
    };
    let field = Field {
        name: name.into(),
        value: value.into(),
    };
    Response {
        status: 200,
        fields: vec![field],
        body: b"body".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_break_is_where_it_was_asked_for() {
        assert!(handle(Request::get("/")).fields[0].value.contains(&b'\n'));
        assert!(
            handle(Request::get("/?in=name")).fields[0]
                .name
                .contains('\n')
        );
    }
}
