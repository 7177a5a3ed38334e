//! Sends a request's body back while it arrives, under the type it came with, trailers too. The
//! body goes on as it is: the guest never sees a byte of it, so its size is no matter.

use httpd_guest::{Body, Request, Response, handler};

#[handler]
async fn handle(request: Request<Body>) -> Response<Body> {
    let content_type = request
        .field("content-type")
        .unwrap_or(b"application/octet-stream");
    Response::new()
        .with_field("content-type", content_type)
        .with_stream(request.into_body())
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::{block_on, call};

    #[test]
    fn the_body_and_its_type_come_back() {
        let request = Request::post("/").with_field("Content-Type", "image/png");
        let response = call(handle, request.with_body(b"\0\xff"));
        assert_eq!(response.body(), b"\0\xff");
        assert_eq!(response.field("content-type"), Some(&b"image/png"[..]));
    }

    #[test]
    fn pieces_and_trailers_come_back_one_by_one() {
        let upload = Body::stream(async |out| {
            out.write("one").await?;
            out.write("two").await?;
            out.add_trailer("x-sum", "6");
            Ok(())
        });
        block_on(async {
            let mut body = handle(Request::post("/").with_stream(upload))
                .await
                .into_body();
            assert_eq!(body.next().await.unwrap().unwrap(), b"one");
            assert_eq!(body.next().await.unwrap().unwrap(), b"two");
            assert_eq!(body.next().await.unwrap(), None);
            assert_eq!(body.trailers().next(), Some(("x-sum", &b"6"[..])));
        });
    }
}
