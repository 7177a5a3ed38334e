//! From WASI's messages to this crate's. What the host says about a request beside HTTP comes in
//! fields of its own, which it takes out of what clients send; a handler does not see them.

use crate::body::incoming::Incoming;
use crate::wasi::wasi::http::types::{Method, Scheme};
use crate::{Body, Request, Response, raw, wasi};

/// What all fields of the host's own begin with.
const OWN: &str = "httpd-";
/// The request's id.
const ID: &str = "httpd-request-id";
/// The peer's address and port.
const CLIENT: &str = "httpd-client";
/// Followed by a capture's name; the value is percent-encoded.
const CAPTURE: &str = "httpd-capture-";

pub(crate) fn request(request: wasi::Request) -> Request<Body> {
    let (own, fields): (Vec<_>, Vec<_>) = fields(&request.get_headers())
        .into_iter()
        .partition(|field| field.name.starts_with(OWN));
    let target = request.get_path_with_query().unwrap_or_else(|| "/".into());
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target, None),
    };
    let head = raw::Request {
        id: find(&own, ID).unwrap_or_default().to_owned(),
        client: find(&own, CLIENT).unwrap_or_default().to_owned(),
        method: method(request.get_method()),
        scheme: scheme(request.get_scheme()),
        authority: request.get_authority(),
        path,
        query,
        captures: own.iter().filter_map(capture).collect(),
        body: Vec::new(),
        fields,
    };
    let length = length(&head.fields);
    let body = Body::from_incoming(Incoming::of_request(request, length));
    Request::from_parts(head, body)
}

pub(crate) fn response(response: wasi::Response) -> Response<Body> {
    let status = response.get_status_code();
    let fields = fields(&response.get_headers());
    let length = length(&fields);
    let body = Body::from_incoming(Incoming::of_response(response, length));
    Response::from_parts(status, fields, body)
}

fn fields(fields: &wasi::Fields) -> Vec<raw::Field> {
    let all = fields.copy_all().into_iter();
    all.map(|(name, value)| raw::Field { name, value })
        .collect()
}

fn find<'a>(fields: &'a [raw::Field], name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|field| field.name == name)?;
    std::str::from_utf8(&found.value).ok()
}

fn capture(field: &raw::Field) -> Option<raw::Capture> {
    let name = field.name.strip_prefix(CAPTURE)?.to_owned();
    let decoded = percent_encoding::percent_decode(&field.value).decode_utf8();
    let value = decoded.ok()?.into_owned();
    Some(raw::Capture { name, value })
}

/// The host has checked it; in an answer to HEAD it is the length of what does not come.
fn length(fields: &[raw::Field]) -> Option<u64> {
    find(fields, "content-length")?.parse().ok()
}

fn method(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => return name,
    };
    name.to_owned()
}

fn scheme(scheme: Option<Scheme>) -> String {
    match scheme {
        Some(Scheme::Https) => "https".to_owned(),
        Some(Scheme::Other(name)) => name,
        Some(Scheme::Http) | None => "http".to_owned(),
    }
}
