//! Panics in the middle of its body. The client has the head and some of the body by then, and must
//! be able to tell that it is not all.

use httpd_guest::{Body, Request, Response, handler};

#[handler]
async fn handle(_: Request<Body>) -> Response<Body> {
    Response::stream(async |out| {
        out.write("half of it\n").await?;
        out.write("and a bit more\n").await?;
        panic!("the guest trap-after-head always panics");
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::block_on;

    #[test]
    #[should_panic(expected = "always panics")]
    fn panics_after_a_piece() {
        block_on(async {
            let mut body = handle(Request::get("/").into()).await.into_body();
            assert_eq!(body.next().await.unwrap().unwrap(), b"half of it\n");
            let _ = body.next().await;
            let _ = body.next().await;
        });
    }
}
