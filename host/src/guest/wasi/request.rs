//! A request as `wasi:http` wants it: from our checked head to the types of the crate `http`. Pure.

use super::upload::Upload;
use crate::guest::interface::{FieldRef, Request};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http_body_util::BodyExt;
use std::fmt::Write;
use thiserror::Error;
use wasmtime_wasi_http::WasiBody;

/// Fields that begin like this are the host's own: those of a client are not passed on.
const OWN_FIELDS: &str = "httpd-";
const REQUEST_ID: HeaderName = HeaderName::from_static("httpd-request-id");
const CLIENT: HeaderName = HeaderName::from_static("httpd-client");
/// What a client that names no host gets to be asked for; only HTTP/1.0 allows that.
const AUTHORITY_UNKNOWN: &str = "localhost";

/// What the client sent is fine in HTTP/1.1, and `wasi:http` has no way to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// The host or port.
    #[error("the host cannot be passed on to the handler")]
    Authority,
    /// The path or query.
    #[error("the target cannot be passed on to the handler")]
    Target,
    /// The method.
    #[error("the method cannot be passed on to the handler")]
    Method,
}

/// Makes a request of a head and a body that is on its way, in place of the one in `head`. Beside
/// the client's fields it has `httpd-request-id`, `httpd-client` and `httpd-capture-NAME`, for what
/// `wasi:http` has no place.
///
/// # Errors
/// The part that cannot be passed on.
pub fn streamed_request(
    head: &Request<'_>,
    body: Upload,
) -> Result<http::Request<WasiBody>, Unfit> {
    let mut request = http::Request::new(body.boxed_unsync());
    *request.method_mut() =
        http::Method::from_bytes(head.method.as_bytes()).map_err(|_| Unfit::Method)?;
    *request.uri_mut() = uri(head)?;
    *request.headers_mut() = fields(head);
    insert_own(request.headers_mut(), head);
    Ok(request)
}

fn uri(head: &Request<'_>) -> Result<Uri, Unfit> {
    let authority = head.authority.unwrap_or(AUTHORITY_UNKNOWN);
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(match head.scheme {
        "https" => Scheme::HTTPS,
        _ => Scheme::HTTP,
    });
    parts.authority = Some(Authority::try_from(authority).map_err(|_| Unfit::Authority)?);
    parts.path_and_query = Some(target(head.path, head.query)?);
    Uri::from_parts(parts).map_err(|_| Unfit::Target)
}

fn target(path: &str, query: Option<&str>) -> Result<PathAndQuery, Unfit> {
    let mut target = String::with_capacity(path.len() + query.map_or(0, |query| 1 + query.len()));
    target.push_str(path);
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    PathAndQuery::try_from(target.as_str())
        .or_else(|_| PathAndQuery::try_from(escaped(&target)))
        .map_err(|_| Unfit::Target)
}

/// Escapes what no target should hold (RFC 3986 appendix A) and some clients send all the same.
fn escaped(target: &str) -> String {
    let is_fine = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
    percent_encoded(target, is_fine)
}

fn percent_encoded(text: &str, is_fine: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_fine(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn fields(head: &Request<'_>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(head.fields.len() + 2);
    let of_connection = names_of_connection(head.fields);
    for field in head.fields {
        if field.name.starts_with(OWN_FIELDS) || of_connection.contains(&field.name) {
            continue;
        }
        // The protocol has let through only what is a token and a field value.
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(field.name.as_bytes()),
            HeaderValue::from_bytes(field.value),
        ) {
            map.append(name, value);
        }
    }
    map
}

/// The fields by which the host tells a guest of a wasi lane what `wasi:http` has no place for.
/// They are the same for every guest that has to do with a request.
#[derive(Clone, Debug)]
pub struct OwnFields(HeaderMap);

impl OwnFields {
    /// Those of a request.
    pub fn of(head: &Request<'_>) -> OwnFields {
        let mut map = HeaderMap::with_capacity(head.captures.len() + 2);
        insert_own(&mut map, head);
        OwnFields(map)
    }

    /// Puts them in place of all that are named like them, whoever made those.
    pub fn put_into(&self, fields: &mut HeaderMap) {
        remove_own(fields);
        fields.extend(self.0.clone());
    }
}

fn insert_own(map: &mut HeaderMap, head: &Request<'_>) {
    insert(map, REQUEST_ID, head.id);
    insert(map, CLIENT, head.client);
    for capture in head.captures {
        let is_fine = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
        let value = percent_encoded(capture.value, is_fine);
        let name = format!("httpd-capture-{}", capture.name);
        // Names of captures are those of routes, which may not be names of fields; then there is
        // none.
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            insert(map, name, &value);
        }
    }
}

/// Takes away the fields that are the host's own to set.
pub(super) fn remove_own(fields: &mut HeaderMap) {
    let is_own = |name: &&HeaderName| name.as_str().starts_with(OWN_FIELDS);
    let own: Vec<_> = fields.keys().filter(is_own).cloned().collect();
    for name in own {
        fields.remove(name);
    }
}

/// Fields that the client names as ones about its connection alone (RFC 9110 section 7.6.1). The
/// guest does not get to see `connection`, and so could not tell.
fn names_of_connection<'a>(fields: &[FieldRef<'a>]) -> Vec<&'a str> {
    let connections = fields.iter().filter(|field| field.name == "connection");
    let texts = connections.filter_map(|field| std::str::from_utf8(field.value).ok());
    let named = texts.flat_map(|text| text.split(','));
    named
        .flat_map(|name| {
            let name = name.trim();
            let same = |field: &&FieldRef<'a>| field.name.eq_ignore_ascii_case(name);
            fields.iter().find(same).map(|field| field.name)
        })
        .collect()
}

fn insert(map: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        map.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::upload::upload;
    use super::*;
    use crate::guest::interface::Capture;

    const HEAD: Request<'_> = Request {
        id: "1-2",
        client: "127.0.0.1:1",
        method: "GET",
        scheme: "http",
        authority: Some("example.com:8080"),
        path: "/a%2Fb",
        query: Some("q=1"),
        fields: &[
            FieldRef {
                name: "accept",
                value: b"a/b",
            },
            FieldRef {
                name: "httpd-capture-id",
                value: b"forged",
            },
            FieldRef {
                name: "accept",
                value: b"c/d",
            },
        ],
        captures: &[Capture {
            name: "id",
            value: "ä/1 %",
        }],
        body: b"",
    };

    fn request(head: &Request<'_>) -> Result<http::Request<WasiBody>, Unfit> {
        streamed_request(head, upload(None).1)
    }

    #[test]
    fn all_of_it_is_passed_on() {
        let request = request(&HEAD).unwrap();
        assert_eq!(request.method(), "GET");
        assert_eq!(request.uri(), "http://example.com:8080/a%2Fb?q=1");
        let accept: Vec<_> = request.headers().get_all("accept").iter().collect();
        assert_eq!(accept, ["a/b", "c/d"]);
        assert_eq!(request.headers()["httpd-request-id"], "1-2");
        assert_eq!(request.headers()["httpd-client"], "127.0.0.1:1");
    }

    #[test]
    fn captures_are_the_hosts_and_not_the_clients() {
        let request = request(&HEAD).unwrap();
        let all: Vec<_> = request
            .headers()
            .get_all("httpd-capture-id")
            .iter()
            .collect();
        assert_eq!(all, ["%C3%A4/1%20%25"]);
    }

    #[test]
    fn own_fields_take_the_place_of_all_that_are_named_like_them() {
        let mut fields = HeaderMap::new();
        fields.append("httpd-client", HeaderValue::from_static("forged"));
        fields.append("httpd-capture-other", HeaderValue::from_static("forged"));
        fields.append("accept", HeaderValue::from_static("a/b"));
        OwnFields::of(&HEAD).put_into(&mut fields);
        assert_eq!(fields.get_all("httpd-client").iter().count(), 1);
        assert_eq!(fields["httpd-client"], "127.0.0.1:1");
        assert_eq!(fields["accept"], "a/b");
        assert_eq!(fields.len(), 4);
    }

    #[test]
    fn fields_of_the_connection_stay_behind() {
        let field = |name, value| FieldRef { name, value };
        let fields = [
            field("connection", &b"close, X-Hop"[..]),
            field("x-hop", b"1"),
            field("x-end", b"2"),
        ];
        let head = Request {
            fields: &fields,
            ..HEAD
        };
        let request = request(&head).unwrap();
        assert!(!request.headers().contains_key("x-hop"));
        assert_eq!(request.headers()["x-end"], "2");
    }

    #[test]
    fn what_a_uri_cannot_hold_is_escaped() {
        for (path, query) in [("/<a>", None), ("/`", Some("<`>"))] {
            let head = Request {
                path,
                query,
                ..HEAD
            };
            let request = request(&head).unwrap();
            let target = request.uri().to_string();
            assert!(target.contains('%') && !target.contains('<'), "{target}");
        }
    }

    #[test]
    fn a_request_for_no_host_and_one_for_an_odd_one() {
        let none = Request {
            authority: None,
            ..HEAD
        };
        let uri = request(&none).unwrap().uri().to_string();
        assert!(uri.starts_with("http://localhost/"));
        let odd = Request {
            authority: Some("a b"),
            ..HEAD
        };
        assert_eq!(request(&odd).unwrap_err(), Unfit::Authority);
    }
}
