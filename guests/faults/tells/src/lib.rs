//! Tells what it knows of a request, a line for each thing, so that a test can compare it with what
//! was sent. With `?status=` it answers that status, and `?trap=` makes it panic.

use httpd_guest::{Body, Error, Request, Response, handler};

#[handler]
async fn handle(request: Request<Body>) -> Result<Response, Error> {
    assert!(request.query_param("trap").is_none(), "told to panic");
    let status = match request.query_param("status") {
        Some(status) => status.parse().map_err(|error| Error::new(400, error))?,
        None => 200,
    };
    let mut told = format!(
        "{} {}\nid {}\nclient {}\ncapture {}\nmore {}\n",
        request.method(),
        request.path(),
        request.id(),
        request.client(),
        request.capture("id").unwrap_or_default(),
        request.capture("more").unwrap_or_default(),
    );
    for (name, value) in request.fields() {
        told += &format!("{name}: {}\n", String::from_utf8_lossy(value));
    }
    Ok(Response::text(told).with_status(status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::call;

    #[test]
    fn all_of_it_is_told() {
        let request = Request::get("/a?status=404")
            .with_field("x-b", "c")
            .with_capture("id", "7");
        let response = call(handle, request);
        assert_eq!(response.status_code(), 404);
        let told = "GET /a\nid test\nclient 127.0.0.1:49152\ncapture 7\nmore \nx-b: c\n";
        assert_eq!(response.body_str(), Some(told));
    }
}
