//! Never reads the body it is sent, nor lets go of it, and answers a tenth of a second later, again
//! and again until `?for=` seconds (1) are over. An upload must neither pile up nor be lost.

use std::time::Duration;

use httpd_guest::{Body, Error, Request, Response, handler, time};

#[handler]
async fn handle(request: Request<Body>) -> Result<Response<Body>, Error> {
    let seconds = match request.query_param("for") {
        Some(text) => text.parse().map_err(|error| Error::new(400, error))?,
        None => 1,
    };
    let unread = request.into_body();
    Ok(Response::stream(async move |out| {
        for _ in 0_u64..seconds * 10 {
            time::sleep(Duration::from_millis(100)).await;
            out.write("still not reading\n").await?;
        }
        drop(unread);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::call;

    #[test]
    fn the_answer_comes_without_the_body() {
        let upload = Body::stream(async |_| panic!("somebody reads"));
        let response = call(handle, Request::post("/?for=2").with_stream(upload));
        assert_eq!(response.body().len(), 20 * "still not reading\n".len());
    }
}
