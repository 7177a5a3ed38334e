//! Sends a head and some of its body, and then waits for a day: nothing of it runs meanwhile, so
//! that only the host's clock can end it.

use std::time::Duration;

use httpd_guest::{Body, Request, Response, handler, time};

const DAY: Duration = Duration::from_secs(86_400);

#[handler]
async fn handle(_: Request<Body>) -> Response<Body> {
    Response::stream(async |out| {
        out.write("wait\n").await?;
        time::sleep(DAY).await;
        out.write("for it\n").await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::call;

    #[test]
    fn it_takes_a_day() {
        let response = call(handle, Request::get("/"));
        assert_eq!(response.body_str(), Some("wait\nfor it\n"));
        assert_eq!(time::monotonic(), DAY);
    }
}
