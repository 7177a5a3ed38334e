//! Stands in front of a handler, under the name that `env = { name = "…" }` gives it, and notes its
//! name in `x-links` of the request and of the response. A request's field `x-does`, such as
//! `a=trap b=retry`, has it do what it should not.

use std::time::Duration;

use httpd_guest::{Body, Error, Next, Request, Response, env, middleware, time};

const DAY: Duration = Duration::from_secs(86_400);
const LINKS: &str = "x-links";

#[middleware]
async fn link(request: Request<Body>, next: Next) -> Result<Response<Body>, Error> {
    let name = env::var("name").unwrap_or_default();
    let does = action(&request, &name);
    let request = with_name(request, &name);
    match &*does {
        "trap" => panic!("the link {name} panics"),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "hang" => time::sleep(DAY).await,
        "error" => return Err(Error::new(503, "no wish to")),
        "answer" => return Ok(Response::text(format!("{name} answers\n")).into()),
        "retry" => return retry(request, &next).await,
        "swallow" => return swallow(request, &next).await,
        _ => {}
    }
    let request = match &*does {
        "forge" => forged(request),
        _ => request,
    };
    let response = next.handle(request).await?;
    let response = response.with_added_field(LINKS, &name);
    match &*does {
        "trap-late" => panic!("the link {name} panics late"),
        "trap-midway" => Ok(broken_off(response)),
        "drop" => Ok(Response::text(format!("{name} drops it\n")).into()),
        "copy" => Ok(copied(response)),
        _ => Ok(response),
    }
}

/// What the field says of this link.
fn action(request: &Request<Body>, name: &str) -> String {
    let field = request.field_str("x-does").unwrap_or_default();
    let pairs = field.split(' ').filter_map(|pair| pair.split_once('='));
    let mut own = pairs.filter(|(link, _)| *link == name);
    own.next()
        .map(|(_, what)| what.to_owned())
        .unwrap_or_default()
}

fn with_name(request: Request<Body>, name: &str) -> Request<Body> {
    let links = match request.field_str(LINKS) {
        Some(links) => format!("{links} {name}"),
        None => name.to_owned(),
    };
    request.with_field(LINKS, links)
}

/// Says what only the host may say.
fn forged(request: Request<Body>) -> Request<Body> {
    request
        .with_field("httpd-client", "forged")
        .with_field("httpd-request-id", "forged")
        .with_field("httpd-capture-id", "forged")
        .with_field("httpd-capture-more", "forged")
}

/// Tries again, without the body, until there is an answer.
async fn retry(request: Request<Body>, next: &Next) -> Result<Response<Body>, Error> {
    let again = || {
        let target = match request.query() {
            Some(query) => format!("{}?{query}", request.path()),
            None => request.path().to_owned(),
        };
        let mut again = Request::new(request.method(), &target);
        for (name, value) in request.fields() {
            again = again.with_added_field(name, value);
        }
        again
    };
    for _ in 0..2 {
        if let Ok(response) = next.handle(again()).await
            && response.status_code() < 500
        {
            return Ok(response);
        }
    }
    next.handle(again()).await
}

/// Has an answer of its own where the handler has none.
async fn swallow(request: Request<Body>, next: &Next) -> Result<Response<Body>, Error> {
    match next.handle(request).await {
        Ok(response) => Ok(response),
        Err(error) => Ok(Response::text(format!("swallowed {}\n", error.status())).into()),
    }
}

/// Passes a body on through its own memory.
fn copied(mut response: Response<Body>) -> Response<Body> {
    let mut body = std::mem::take(response.body_mut());
    response.with_stream(Body::stream(async move |out| {
        while let Some(piece) = body.next().await? {
            out.write(piece).await?;
        }
        Ok(())
    }))
}

/// Passes the first piece of the body on, and panics.
fn broken_off(mut response: Response<Body>) -> Response<Body> {
    let mut body = std::mem::take(response.body_mut());
    response
        .without_field("content-length")
        .with_stream(Body::stream(async move |out| {
            if let Some(piece) = body.next().await? {
                out.write(piece).await?;
            }
            out.write("and no more\n").await?;
            panic!("the link panics midway");
        }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_guest::testing::{self, set_env};

    fn call(does: &str, next: Next) -> Response {
        set_env("name", "a");
        let request = Request::get("/").with_field("x-does", does);
        testing::call(|request| link(request, next), request)
    }

    fn handler() -> Next {
        testing::next(async |request: Request<Body>| {
            Response::text(request.field_str(LINKS).unwrap_or_default())
        })
    }

    #[test]
    fn it_notes_its_name_both_ways() {
        for does in ["", "a=copy", "b=trap"] {
            let response = call(does, handler());
            assert_eq!(response.body_str(), Some("a"));
            assert_eq!(response.field(LINKS), Some(&b"a"[..]));
        }
    }

    #[test]
    fn it_has_its_ways_with_a_handler_that_fails() {
        let response = call("a=swallow", Next::failing(503));
        assert_eq!(response.body_str(), Some("swallowed 503\n"));
        assert_eq!(call("a=retry", Next::failing(503)).status_code(), 503);
        assert_eq!(call("a=answer", handler()).body_str(), Some("a answers\n"));
    }

    #[test]
    #[should_panic(expected = "panics late")]
    fn it_panics_when_it_is_told_to() {
        call("a=trap-late", handler());
    }
}
