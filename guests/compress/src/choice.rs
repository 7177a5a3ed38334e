//! What is to be compressed, by what the fields of a request and of a response say. Pure.

use httpd_guest::{Body, Request, Response};

/// Types that get smaller, beside those of text. What is not known is left alone: most large
/// types are compressed by themselves.
const TYPES: [&str; 13] = [
    "application/ecmascript",
    "application/javascript",
    "application/json",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-ndjson",
    "application/xml",
    "font/otf",
    "font/ttf",
    "image/bmp",
];
const SUFFIXES: [&str; 3] = ["+json", "+xml", "+yaml"];
/// Its pieces are to arrive when they are sent, and a proxy may look for their ends.
const EVENTS: &str = "text/event-stream";

/// Whether the client takes gzip (RFC 9110 section 12.5.3). One that says nothing is not asked.
pub(crate) fn accepts_gzip(request: &Request<Body>) -> bool {
    let values = request.field_values("accept-encoding");
    let texts: Vec<_> = values
        .filter_map(|value| std::str::from_utf8(value).ok())
        .collect();
    let (mut gzip, mut any) = (None, None);
    for coding in texts.iter().flat_map(|text| text.split(',')) {
        let (name, weight) = weighted(coding);
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            gzip = Some(weight);
        } else if name == "*" {
            any = Some(weight);
        }
    }
    gzip.or(any).is_some_and(|weight| weight > 0.0)
}

fn weighted(coding: &str) -> (&str, f32) {
    let mut parts = coding.split(';');
    let name = parts.next().unwrap_or_default().trim();
    let mut weights = parts.filter_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    // A weight that is none is no wish for it.
    let weight = weights
        .next_back()
        .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
    (name, weight)
}

/// Whether a response is whole, not coded yet, and of a type that gets smaller.
pub(crate) fn can_be_compressed(response: &Response<Body>) -> bool {
    let status = response.status_code();
    let text = |name| text(response, name);
    let coding = text("content-encoding").unwrap_or("identity");
    let forbids = |value: &str| {
        let mut directives = value.split(',');
        directives.any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
    };
    status >= 200
        && !matches!(status, 204 | 206 | 304)
        && response.field("content-range").is_none()
        && coding.eq_ignore_ascii_case("identity")
        && !text("cache-control").is_some_and(forbids)
        && text("content-type").is_some_and(gets_smaller)
}

fn gets_smaller(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    if essence == EVENTS {
        return false;
    }
    essence.starts_with("text/")
        || TYPES.contains(&&*essence)
        || SUFFIXES.iter().any(|suffix| essence.ends_with(suffix))
}

/// Says that another client may get other bytes (RFC 9110 section 12.5.5).
pub(crate) fn with_vary(response: Response<Body>) -> Response<Body> {
    let names = |name: &str, value: &[u8]| {
        let text = String::from_utf8_lossy(value).into_owned();
        let mut fields = text.split(',').map(str::trim);
        name.eq_ignore_ascii_case("vary")
            && fields.any(|field| field == "*" || field.eq_ignore_ascii_case("accept-encoding"))
    };
    let is_there = response.fields().any(|(name, value)| names(name, value));
    if is_there {
        return response;
    }
    response.with_added_field("vary", "accept-encoding")
}

/// How long the body is, where that is known.
pub(crate) fn length(response: &Response<Body>) -> Option<u64> {
    text(response, "content-length")?.parse().ok()
}

fn text<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    std::str::from_utf8(response.field(name)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_what_it_takes() {
        let accepts = |values: &[&str]| {
            let mut request = Request::get("/");
            for value in values {
                request = request.with_added_field("accept-encoding", value);
            }
            accepts_gzip(&request.into())
        };
        for good in [
            &["gzip"][..],
            &["br, GZip;q=0.1"],
            &["br", "x-gzip"],
            &["*"],
            &["*;q=0.5, br;q=0"],
        ] {
            assert!(accepts(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[""],
            &["br"],
            &["gzip;q=0"],
            &["*;q=0"],
            &["*, gzip;q=0.000"],
            &["gzip;q=high"],
            &["gzipped"],
        ] {
            assert!(!accepts(bad), "{bad:?}");
        }
    }

    #[test]
    fn what_is_worth_it_is_compressed() {
        let response = |fields: &[(&str, &str)]| {
            let mut response = Response::status(200);
            for (name, value) in fields {
                response = response.with_added_field(name, value);
            }
            can_be_compressed(&response.into())
        };
        for good in [
            "text/html; charset=utf-8",
            "Application/JSON",
            "image/svg+xml",
            "application/wasm",
        ] {
            assert!(response(&[("content-type", good)]), "{good}");
        }
        for bad in ["image/png", "text/event-stream", "application/zip", ""] {
            assert!(!response(&[("content-type", bad)]), "{bad}");
        }
        for (name, value) in [
            ("content-encoding", "br"),
            ("content-range", "bytes 0-1/2"),
            ("cache-control", "public, no-transform"),
        ] {
            let fields = [("content-type", "text/plain"), (name, value)];
            assert!(!response(&fields), "{name}");
        }
        assert!(!response(&[]), "without a type");
    }
}
