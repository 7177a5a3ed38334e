//! Compresses with gzip what the handler behind it answers, for clients that can take it, piece by
//! piece as it comes. In `config` or `env` are `min_bytes`, the length from which on that is done
//! where the length is known (1024), and `level`, from 1, fast, to 9, small (6).
//!
//! What is compressed already, or would not get smaller, passes untouched, and so do parts of a
//! whole (`206`), events, and whatever says `no-transform`. What is worth it is in `choice`.

mod choice;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use httpd_guest::{Body, BodyWriter, Error, Next, Request, Response, env, middleware};

/// Fields that are true of the bytes before, and not of those that are sent.
const OF_THE_BYTES: [&str; 6] = [
    "accept-ranges",
    "content-digest",
    "content-length",
    "content-md5",
    "digest",
    "repr-digest",
];

#[middleware]
async fn compress(request: Request<Body>, next: Next) -> Result<Response<Body>, Error> {
    let accepted = choice::accepts_gzip(&request);
    let is_head = request.method() == "HEAD";
    let response = next.handle(request).await?;
    if response.status_code() == 304 && accepted {
        return Ok(with_weak_tag(response));
    }
    if !choice::can_be_compressed(&response) {
        return Ok(response);
    }
    let response = choice::with_vary(response);
    if !accepted || is_head || choice::length(&response).is_some_and(|bytes| bytes < min_bytes()) {
        return Ok(response);
    }
    Ok(compressed(response))
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let value = env::config(name).or_else(|| env::var(name))?;
    let parsed = value.parse().ok();
    if parsed.is_none() {
        httpd_guest::log::warn!("{name} = {value:?} is not understood");
    }
    parsed
}

fn min_bytes() -> u64 {
    setting("min_bytes").unwrap_or(1024)
}

fn level() -> Compression {
    Compression::new(setting::<u32>("level").unwrap_or(6).clamp(1, 9))
}

/// The same response, coded.
fn compressed(response: Response<Body>) -> Response<Body> {
    // Of a body that is made while it is sent, what is there is not to wait for what is not.
    let at_once = choice::length(&response).is_none();
    let mut head = Response::status(response.status_code());
    for (name, value) in response.fields() {
        if !OF_THE_BYTES.contains(&&*name.to_ascii_lowercase()) {
            head = head.with_added_field(name, value);
        }
    }
    let mut body = response.into_body();
    let stream = async move |out: &mut BodyWriter| {
        let mut coder = GzEncoder::new(Vec::new(), level());
        while let Some(piece) = body.next().await? {
            coder.write_all(&piece)?;
            if at_once {
                coder.flush()?;
            }
            out.write(std::mem::take(coder.get_mut())).await?;
        }
        out.write(coder.finish()?).await?;
        for (name, value) in body.trailers() {
            out.add_trailer(name, value);
        }
        Ok(())
    };
    let head = head.with_field("content-encoding", "gzip");
    with_weak_tag(head.with_stream(Body::stream(stream)))
}

/// Says that other bytes may have the same tag (RFC 9110 section 8.8.1): they do, uncompressed.
fn with_weak_tag(response: Response<Body>) -> Response<Body> {
    match response.field("etag").map(<[u8]>::to_vec) {
        Some(tag) if tag.starts_with(b"\"") => {
            response.with_field("etag", [b"W/", &tag[..]].concat())
        }
        _ => response,
    }
}

#[cfg(test)]
mod tests;
