//! Counts its visitors in the bucket `default`, over restarts and over all instances: the addition
//! is one step in the store, so that no two visitors are given the same number.

use httpd_guest::{Body, Error, Request, Response, handler, keyvalue};

#[handler]
async fn handle(_: Request<Body>) -> Result<Response, Error> {
    let count = keyvalue::open("default")?.increment("visits", 1)?;
    Ok(Response::text(format!("{count}\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::call;

    #[test]
    fn every_visit_counts_once() {
        for expected in ["1\n", "2\n", "3\n"] {
            let response = call(handle, Request::get("/"));
            assert_eq!(response.body_str(), Some(expected));
        }
    }
}
