//! Announces a length that its body does not have: 100 bytes for 5, or what `?length=` says, such
//! as 3.

use httpd_guest::{Body, Request, Response, handler};

#[handler]
async fn handle(request: Request<Body>) -> Response<Body> {
    let length = request.query_param("length").unwrap_or("100".into());
    Response::stream(async |out| {
        out.write("bo").await?;
        out.write("dy\n").await?;
        Ok(())
    })
    .with_field("content-length", length.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::call;

    #[test]
    fn the_length_is_another() {
        let response = call(handle, Request::get("/"));
        assert_eq!(response.field("content-length"), Some(&b"100"[..]));
        assert_eq!(response.body().len(), 5);
    }
}
