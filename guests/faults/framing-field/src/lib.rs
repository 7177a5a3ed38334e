//! Sets a field that is the host's: `transfer-encoding: chunked`, or what `?name=` and `?value=`
//! say, such as a `content-length` that is not the body's four bytes. The SDK would refuse some of
//! these, so the record is made by hand.

use httpd_guest::raw::{Field, Response};
use httpd_guest::{Request, handler};

#[handler]
fn handle(request: Request) -> Response {
    let name = request
        .query_param("name")
        .unwrap_or("transfer-encoding".into());
    let value = request.query_param("value").unwrap_or("chunked".into());
    let field = Field {
        name: name.into_owned(),
        value: value.as_bytes().to_vec(),
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
    fn the_field_is_the_one_asked_for() {
        let fields = |target| handle(Request::get(target)).fields;
        assert_eq!(fields("/")[0].name, "transfer-encoding");
        let length = &fields("/?name=content-length&value=99")[0];
        assert_eq!(
            (&*length.name, &*length.value),
            ("content-length", &b"99"[..])
        );
    }
}
