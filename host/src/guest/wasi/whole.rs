//! What passes between a guest that streams and one behind it that takes whole requests: the body
//! is collected, and head and answer change their form. Pure, but for the wait for the body.

use super::next::NextRequest;
use super::request::remove_own;
use super::upload::UploadFailure;
use crate::guest::interface::{Capture, Field, FieldRef, Request};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;

/// A request whose body is here.
#[derive(Debug)]
pub struct Whole {
    head: http::request::Parts,
    body: Vec<u8>,
}

/// Why a body was not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWhole {
    /// It is longer than it may be.
    TooLarge,
    /// There is no memory for it.
    NoRoom,
    /// It broke off.
    Failed(UploadFailure),
}

impl Whole {
    /// Waits for the body, of which `max` bytes are taken at most. Each piece is asked room for
    /// with `grow` before it is kept. Trailers are let go.
    ///
    /// # Errors
    /// Why there is no whole body.
    pub async fn collect(
        request: NextRequest,
        max: u64,
        mut grow: impl FnMut(usize) -> bool,
    ) -> Result<Whole, NotWhole> {
        let (mut head, mut stream) = request.into_parts();
        remove_own(&mut head.headers);
        let mut body = Vec::new();
        while let Some(frame) = stream.frame().await {
            let frame = frame.map_err(|error| NotWhole::Failed((&error).into()))?;
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            if body.len() as u64 + piece.len() as u64 > max {
                return Err(NotWhole::TooLarge);
            }
            if !grow(piece.len()) {
                return Err(NotWhole::NoRoom);
            }
            body.extend_from_slice(&piece);
        }
        Ok(Whole { head, body })
    }

    /// Whether it is a HEAD, whose response has no body.
    pub fn is_head(&self) -> bool {
        self.head.method == http::Method::HEAD
    }

    /// The field lines, as [`Whole::request`] wants them.
    pub fn fields(&self) -> Vec<FieldRef<'_>> {
        let fields = self.head.headers.iter().map(|(name, value)| FieldRef {
            name: name.as_str(),
            value: value.as_bytes(),
        });
        fields.collect()
    }

    /// The request, with what the host knows of it besides.
    pub fn request<'a>(
        &'a self,
        id: &'a str,
        client: &'a str,
        fields: &'a [FieldRef<'a>],
        captures: &'a [Capture<'a>],
    ) -> Request<'a> {
        let uri = &self.head.uri;
        Request {
            id,
            client,
            method: self.head.method.as_str(),
            scheme: uri.scheme_str().unwrap_or("http"),
            authority: uri.authority().map(http::uri::Authority::as_str),
            path: uri.path(),
            query: uri.query(),
            fields,
            captures,
            body: &self.body,
        }
    }
}

/// The head of a checked response as the guest in front of it gets to see it.
pub fn response_head(
    status: u16,
    fields: &[Field],
    content_length: Option<u64>,
) -> http::Response<()> {
    let mut response = http::Response::new(());
    // What is no status or no field was refused before.
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let map: &mut HeaderMap = response.headers_mut();
    for field in fields {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(field.name.as_bytes()),
            HeaderValue::from_bytes(&field.value),
        ) {
            map.append(name, value);
        }
    }
    if let Some(length) = content_length {
        map.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;

    fn request(body: &'static str) -> NextRequest {
        let body = Full::new(Bytes::from_static(body.as_bytes()));
        let request = http::Request::post("http://a.example:8080/b%20c?d=e");
        let request = request.header("accept", "x/y").header("httpd-client", "me");
        request
            .body(body.map_err(|never| match never {}).boxed_unsync())
            .unwrap()
    }

    #[tokio::test]
    async fn a_request_is_collected_and_told_as_the_lean_lane_wants_it() {
        let whole = Whole::collect(request("body"), 4, |_| true).await.unwrap();
        let fields = whole.fields();
        let request = whole.request("1-2", "127.0.0.1:1", &fields, &[]);
        assert_eq!((request.method, request.scheme), ("POST", "http"));
        assert_eq!(request.authority, Some("a.example:8080"));
        assert_eq!((request.path, request.query), ("/b%20c", Some("d=e")));
        assert_eq!(request.body, b"body");
        let names: Vec<_> = request.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, ["accept"], "fields of the host's own are not its");
    }

    #[tokio::test]
    async fn a_body_has_its_bounds() {
        let refused = |request, max, room: bool| async move {
            let collected = Whole::collect(request, max, |_| room).await;
            collected.unwrap_err()
        };
        assert_eq!(refused(request("body"), 3, true).await, NotWhole::TooLarge);
        assert_eq!(refused(request("body"), 4, false).await, NotWhole::NoRoom);
    }

    #[test]
    fn a_response_has_the_length_that_was_taken_out_of_it() {
        let field = Field {
            name: "X-A".to_owned(),
            value: b"b".to_vec(),
        };
        let response = response_head(404, &[field], Some(7));
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["x-a"], "b");
        assert_eq!(response.headers()[CONTENT_LENGTH], "7");
    }
}
