//! Passes requests on to the server named by `upstream`, in `config` or `env`, such as
//! `http://127.0.0.1:9000/base`, and its answers back. Bodies go through as they are, both ways.

use httpd_guest::{Body, Error, Request, Response, env, fetch, handler};

/// Fields that are about one connection and not about the message (RFC 9110 section 7.6.1), and
/// `host`, which is the next server's own.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[handler]
async fn handle(request: Request<Body>) -> Result<Response<Body>, Error> {
    let upstream = env::config("upstream")
        .or_else(|| env::var("upstream"))
        .ok_or_else(|| Error::new(500, "nobody has said which server is upstream"))?;
    let answer = fetch(outbound(&upstream, request)).await?;
    let mut response = Response::status(answer.status_code());
    let named = named_fields(answer.field("connection"));
    for (name, value) in answer.fields().filter(|(name, _)| passes(name, &named)) {
        response = response.with_added_field(name, value);
    }
    Ok(response.with_stream(answer.into_body()))
}

/// The same request to the other server.
fn outbound(upstream: &str, request: Request<Body>) -> Request<Body> {
    let mut url = format!("{}{}", upstream.trim_end_matches('/'), request.path());
    if let Some(query) = request.query() {
        url.push('?');
        url.push_str(query);
    }
    let mut outbound = Request::new(request.method(), &url);
    let named = named_fields(request.field("connection"));
    for (name, value) in request.fields().filter(|(name, _)| passes(name, &named)) {
        outbound = outbound.with_added_field(name, value);
    }
    // Without the port: that is how everyone reads this field.
    let client = request.client();
    let address = client
        .rsplit_once(':')
        .map_or(client, |(address, _)| address)
        .to_owned();
    outbound
        .with_added_field("x-forwarded-for", address)
        .with_stream(request.into_body())
}

/// The fields that a `connection` field says are about one connection, too.
fn named_fields(connection: Option<&[u8]>) -> Vec<String> {
    String::from_utf8_lossy(connection.unwrap_or_default())
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

fn passes(name: &str, named: &[String]) -> bool {
    let name = name.to_ascii_lowercase();
    !HOP_BY_HOP.contains(&&*name) && !named.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::{answer_fetches, call, set_env};

    #[test]
    fn a_request_goes_on_and_its_answer_comes_back() {
        set_env("upstream", "http://127.0.0.1:9000/base/");
        answer_fetches(|request: Request<Body>| {
            assert_eq!(request.method(), "POST");
            assert_eq!(request.authority(), Some("127.0.0.1:9000"));
            assert_eq!((request.path(), request.query()), ("/base/a", Some("b=c")));
            assert_eq!(request.field("x-kept"), Some(&b"yes"[..]));
            assert_eq!(request.field("x-named"), None);
            assert_eq!(request.field("host"), None);
            assert_eq!(request.field_str("x-forwarded-for"), Some("127.0.0.1"));
            Response::status(201)
                .with_field("x-answer", "yes")
                .with_stream(request.into_body())
        });
        let request = Request::post("/a?b=c")
            .with_field("host", "example.com")
            .with_field("x-kept", "yes")
            .with_field("connection", "close, X-Named")
            .with_field("x-named", "no")
            .with_body("carried");
        let response = call(handle, request);
        assert_eq!(response.status_code(), 201);
        assert_eq!(response.field("x-answer"), Some(&b"yes"[..]));
        assert_eq!(response.body(), b"carried");
    }

    #[test]
    fn without_an_upstream_there_is_no_answer() {
        assert_eq!(call(handle, Request::get("/")).status_code(), 500);
    }
}
