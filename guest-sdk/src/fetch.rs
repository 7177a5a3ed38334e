//! Requests that a guest sends. Which hosts it may reach is the host's configuration
//! (`allow_hosts`); nothing of that is decided here.

use crate::wasi::wasi::http::types::ErrorCode;
use crate::{Body, Error, Request, Response};

/// Sends a request to the host and port of its URL and waits for the head of the response, whose
/// body is then on its way. A server that takes long counts against this request's deadline.
///
/// ```
/// use httpd_guest::{Body, Error, Request, Response, fetch, handler, testing};
///
/// #[handler]
/// async fn handle(_: Request<Body>) -> Result<Response, Error> {
///     let mut answer = fetch(Request::get("https://api.example.com/temperature")).await?;
///     let celsius = answer.body_mut().text(100).await?;
///     Ok(Response::text(format!("It is {celsius} degrees")))
/// }
/// # fn main() {
/// testing::answer_fetches(|request| {
///     assert_eq!(request.authority(), Some("api.example.com"));
///     Response::text("21")
/// });
/// let response = testing::call(handle, Request::get("/"));
/// assert_eq!(response.body_str(), Some("It is 21 degrees"));
/// # }
/// ```
///
/// A body that came in can be sent on as it is with [`Request::with_stream`]; no byte of it then
/// passes through the guest.
///
/// # Errors
/// 502 when the request was not allowed or not answered, 504 when that took too long, 500 when it
/// is no valid request.
pub async fn fetch(request: impl Into<Request<Body>>) -> Result<Response<Body>, Error> {
    send(request.into()).await
}

#[cfg(target_family = "wasm")]
async fn send(request: Request<Body>) -> Result<Response<Body>, Error> {
    let request = crate::exchange::into_request(request)?;
    match crate::wasi::wasi::http::client::send(request).await {
        Ok(response) => Ok(crate::exchange::lift::response(response)),
        Err(code) => Err(error(502, &code)),
    }
}

#[cfg(not(target_family = "wasm"))]
use crate::testing::send;

/// An error of this status, unless the code says better whose fault it is.
#[cfg_attr(
    not(target_family = "wasm"),
    allow(dead_code, reason = "only hosts have such codes")
)]
pub(crate) fn error(status: u16, code: &ErrorCode) -> Error {
    let status = match (status, code) {
        (400, ErrorCode::HttpRequestBodySize(_)) => 413,
        (400, ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout) => 408,
        (
            502,
            ErrorCode::DnsTimeout
            | ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout,
        ) => 504,
        (status, _) => status,
    };
    Error::new(status, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_whose_fault_it_is() {
        let status = |status, code| error(status, &code).status();
        assert_eq!(status(502, ErrorCode::ConnectionRefused), 502);
        assert_eq!(status(502, ErrorCode::ConnectionTimeout), 504);
        assert_eq!(status(400, ErrorCode::ConnectionTerminated), 400);
        assert_eq!(status(400, ErrorCode::HttpRequestBodySize(Some(9))), 413);
    }
}
