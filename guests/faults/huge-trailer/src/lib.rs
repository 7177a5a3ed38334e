//! Ends its body with 10,000 trailers of a kibibyte each: more than any head may have.

use httpd_guest::{Body, Request, Response, handler};

const TRAILERS: u32 = 10_000;
const VALUE_BYTES: usize = 1 << 10;

#[handler]
async fn handle(_: Request<Body>) -> Response<Body> {
    Response::stream(async |out| {
        out.write("body\n").await?;
        for number in 0..TRAILERS {
            out.add_trailer(&format!("x-{number}"), vec![b'x'; VALUE_BYTES]);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::block_on;

    #[test]
    fn the_trailers_are_many() {
        block_on(async {
            let mut body = handle(Request::get("/").into()).await.into_body();
            while body.next().await.unwrap().is_some() {}
            assert_eq!(body.trailers().count(), 10_000);
        });
    }
}
