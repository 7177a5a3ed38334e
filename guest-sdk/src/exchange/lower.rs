//! From this crate's messages to WASI's. A body that came in goes on as it is; any other is
//! written by a task that lives as long as the exchange.

use wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamWriter, spawn_local};

use crate::body::Lowered;
use crate::wasi::wasi::http::types::{ErrorCode, Method, Scheme, Trailers};
use crate::wasi::{wit_future, wit_stream};
use crate::{Body, Error, Request, Response, raw, wasi};

type Ended = Result<Option<Trailers>, ErrorCode>;
type Contents = (Option<StreamReader<u8>>, FutureReader<Ended>);

/// A response for the host. One that cannot be said in WASI's terms becomes a logged 500.
pub(crate) fn into_response(response: Response<Body>) -> Result<wasi::Response, ErrorCode> {
    let (status, mut fields, body) = response.into_parts();
    if !matches!(status, 204 | 304) {
        add_length(&mut fields, &body);
    }
    let fields = into_fields(fields)?;
    let (stream, ending) = contents(body);
    let (response, _) = wasi::Response::new(fields, stream, ending);
    response
        .set_status_code(status)
        .map_err(|()| failure(format!("{status} is no status")))?;
    Ok(response)
}

/// A request for the host to send.
pub(crate) fn into_request(request: Request<Body>) -> Result<wasi::Request, Error> {
    let (mut head, body) = request.into_parts();
    // The authority says it, and WASI forbids to say it twice.
    head.fields.retain(|field| field.name != "host");
    if body.length() != Some(0) {
        add_length(&mut head.fields, &body);
    }
    let fields = into_fields(head.fields).map_err(|code| crate::fetch::error(500, &code))?;
    let (stream, ending) = contents(body);
    let (request, _) = wasi::Request::new(fields, stream, ending, None);
    let target = match head.query {
        Some(query) => format!("{}?{query}", head.path),
        None => head.path,
    };
    let named = request
        .set_method(&method(head.method))
        .and_then(|()| request.set_scheme(Some(&scheme(head.scheme))))
        .and_then(|()| request.set_authority(head.authority.as_deref()))
        .and_then(|()| request.set_path_with_query(Some(&target)));
    match named {
        Ok(()) => Ok(request),
        Err(()) => Err(Error::new(500, "the request's method or URL is not valid")),
    }
}

/// With its length known, a body needs no chunks. An author who gave one meant it: the answer to
/// HEAD has the length of a body that is not there.
fn add_length(fields: &mut Vec<raw::Field>, body: &Body) {
    const LENGTH: &str = "content-length";
    let is_length = |field: &raw::Field| field.name.eq_ignore_ascii_case(LENGTH);
    let has_trailers = body.trailers().next().is_some();
    if let Some(length) = body.length()
        && !has_trailers
        && !fields.iter().any(is_length)
    {
        let (name, value) = (LENGTH.to_owned(), length.to_string().into_bytes());
        fields.push(raw::Field { name, value });
    }
}

fn into_fields(fields: Vec<raw::Field>) -> Result<wasi::Fields, ErrorCode> {
    let entries: Vec<_> = fields
        .into_iter()
        .map(|field| (field.name, field.value))
        .collect();
    wasi::Fields::from_list(&entries)
        .map_err(|error| failure(format!("the host refused the fields: {error:?}")))
}

fn contents(body: Body) -> Contents {
    match body.lower() {
        Lowered::Empty => (None, wit_future::new(|| Ok(None)).1),
        Lowered::Passed(incoming) => match incoming.into_parts() {
            Some((stream, ending)) => (Some(stream), ending),
            None => (None, wit_future::new(|| Ok(None)).1),
        },
        Lowered::Pumped(body) => {
            let (out, stream) = wit_stream::new();
            let (end, ending) = wit_future::new(|| Err(ErrorCode::InternalError(None)));
            spawn_local(pump(body, out, end));
            (Some(stream), ending)
        }
    }
}

/// Moves a body to the host, piece by piece. Its end, good or bad, is said last.
async fn pump(mut body: Body, mut out: StreamWriter<u8>, end: FutureWriter<Ended>) {
    let ended = loop {
        match body.next().await {
            Ok(Some(piece)) => {
                if !out.write_all(piece).await.is_empty() {
                    log::debug!("the other side reads the body no more");
                    body.abandon().await;
                    return;
                }
            }
            Ok(None) => break trailers(body.take_trailers()),
            Err(error) => break Err(failure(format!("the body broke off: {error:#}"))),
        }
    };
    drop(out);
    // Where nobody asks how it ended there is nobody to tell.
    let _ = end.write(ended).await;
}

fn trailers(fields: Vec<raw::Field>) -> Ended {
    if fields.is_empty() {
        return Ok(None);
    }
    into_fields(fields).map(Some)
}

fn failure(message: String) -> ErrorCode {
    log::error!("{message}");
    ErrorCode::InternalError(Some(message))
}

fn method(name: String) -> Method {
    match &*name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        _ => Method::Other(name),
    }
}

fn scheme(name: String) -> Scheme {
    match &*name {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => Scheme::Other(name),
    }
}
