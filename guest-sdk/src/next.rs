//! The handler behind a middleware. Who that is says the host's configuration, or a test.

use crate::{Body, Error, Request, Response};

/// What stands behind a [`middleware`](macro@crate::middleware): the next one of its route, or the
/// route's handler.
///
/// ```
/// use httpd_guest::{Body, Error, Next, Request, Response, middleware, testing};
///
/// #[middleware]
/// async fn greet(request: Request<Body>, next: Next) -> Result<Response<Body>, Error> {
///     let response = next.handle(request.with_field("x-from", "greet")).await?;
///     Ok(response.with_field("x-greeting", "hello"))
/// }
/// # fn main() {
/// let next = testing::next(async |request: Request<Body>| {
///     Response::text(request.field_str("x-from").unwrap_or("nobody"))
/// });
/// let response = testing::call(|request| greet(request, next), Request::get("/"));
/// assert_eq!(response.body_str(), Some("greet"));
/// assert_eq!(response.field("x-greeting"), Some(&b"hello"[..]));
/// # }
/// ```
pub struct Next {
    #[cfg(not(target_family = "wasm"))]
    handler: crate::testing::Handler,
}

impl Next {
    /// Hands a request on and waits for the head of the response, whose body is then on its way.
    /// Whatever is changed of the request, or of the response, is seen by nobody else before. The
    /// request's id, client and captures are the host's to tell: those of a request that is made
    /// anew are the same.
    ///
    /// It may be called again, when the handler has failed: then the body must be made anew. One
    /// call waits until the response of the one before was read to its end, or dropped.
    ///
    /// # Errors
    /// The handler gave no response. The host knows why and has logged it; an error that a
    /// middleware returns as it is, most often with `?`, is answered as if nothing stood in front
    /// of the handler. Its own status is 502, 503 or 504, for middleware that has more to say.
    pub async fn handle(&self, request: impl Into<Request<Body>>) -> Result<Response<Body>, Error> {
        self.send(request.into()).await
    }

    #[cfg(target_family = "wasm")]
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let request = crate::exchange::into_request(request)?;
        match crate::wasi::wasi::http::handler::handle(request).await {
            Ok(response) => Ok(crate::exchange::lift::response(response)),
            Err(code) => Err(failed(code)),
        }
    }

    #[cfg(not(target_family = "wasm"))]
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        (self.handler)(request).await
    }

    /// The one that the host has for this component.
    #[cfg(target_family = "wasm")]
    pub(crate) fn of_host() -> Self {
        Self {}
    }

    /// One of a test's own.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn of_test(handler: crate::testing::Handler) -> Self {
        Self { handler }
    }
}

/// The error of a handler that gave this code in place of a response.
#[cfg_attr(
    not(target_family = "wasm"),
    allow(dead_code, reason = "only hosts have such codes")
)]
fn failed(code: crate::wasi::ErrorCode) -> Error {
    use crate::wasi::ErrorCode;

    let error = match &code {
        ErrorCode::DestinationUnavailable => Error::new(503, &code),
        ErrorCode::HttpRequestBodySize(_) => Error::new(413, "the request's body is too long"),
        _ => crate::fetch::error(502, &code),
    };
    error.with_code(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::ErrorCode;

    #[test]
    fn a_failure_has_a_status_and_keeps_its_code() {
        let status = |code| failed(code).status();
        assert_eq!(status(ErrorCode::DestinationUnavailable), 503);
        assert_eq!(status(ErrorCode::HttpResponseTimeout), 504);
        assert_eq!(status(ErrorCode::InternalError(None)), 502);
        assert_eq!(status(ErrorCode::HttpRequestBodySize(Some(9))), 413);
        let error = failed(ErrorCode::HttpResponseTimeout);
        assert!(matches!(error.code(), Some(ErrorCode::HttpResponseTimeout)));
    }
}
