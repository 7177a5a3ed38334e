//! The fields of requests and responses on their way between a guest and others: what speaks of one
//! connection only does not pass (RFC 9110 section 7.6.1), and what frames the message is ours.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::target::Target;
use crate::guest::OutboundError;

/// Fields about the connection. A guest that sets one of them wants to change how its request is
/// framed or where it is understood to end, or does not know that it would.
const OF_THE_CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    header::TRAILER,
];

/// Checks the fields of a request and sets the host that was checked in place of any other.
///
/// # Errors
/// [`OutboundError::InvalidField`] with the name of a field that may not be there.
pub(super) fn prepare(fields: &mut HeaderMap, target: &Target) -> Result<(), OutboundError> {
    let refused = |name: &HeaderName| Err(OutboundError::InvalidField(name.clone()));
    if let Some(name) = OF_THE_CONNECTION
        .iter()
        .find(|name| fields.contains_key(*name))
    {
        return refused(name);
    }
    let te = fields.get_all(header::TE);
    if te
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"trailers"))
    {
        return refused(&header::TE);
    }
    // The first one would win here and another elsewhere.
    for name in [header::CONTENT_LENGTH, header::HOST] {
        if fields.get_all(&name).iter().count() > 1 {
            return refused(&name);
        }
    }
    if let Some(length) = fields.get(header::CONTENT_LENGTH)
        && !is_number(length)
    {
        return refused(&header::CONTENT_LENGTH);
    }
    let host = HeaderValue::try_from(target.authority());
    let host = host.map_err(|_| OutboundError::InvalidField(header::HOST))?;
    fields.insert(header::HOST, host);
    Ok(())
}

/// Takes the fields about the connection out of a response, with those that `connection` names.
pub(super) fn clean(fields: &mut HeaderMap) {
    let listed: Vec<HeaderName> = fields
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in listed.iter().chain(&OF_THE_CONNECTION) {
        fields.remove(name);
    }
}

fn is_number(value: &HeaderValue) -> bool {
    let digits = value.as_bytes();
    (1..=19).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(fields: &[(&str, &str)]) -> Result<HeaderMap, OutboundError> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        let target = Target::of(&"http://example.com:81/".parse().unwrap()).unwrap();
        prepare(&mut map, &target)?;
        Ok(map)
    }

    #[test]
    fn fields_of_the_connection_are_refused() {
        for (name, value) in [
            ("connection", "close"),
            ("Connection", "x-forwarded-for"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
            ("trailer", "x"),
            ("te", "gzip"),
            ("content-length", "+5"),
            ("content-length", "5, 5"),
            ("content-length", "0x5"),
        ] {
            let error = prepared(&[(name, value)]).expect_err(name);
            assert!(matches!(error, OutboundError::InvalidField(_)), "{name}");
        }
        prepared(&[("content-length", "5"), ("content-length", "5")]).expect_err("two lengths");
        prepared(&[("host", "a"), ("host", "b")]).expect_err("two hosts");
    }

    #[test]
    fn the_host_is_the_one_that_was_checked() {
        let fields = prepared(&[("host", "internal.example"), ("te", "trailers")]).unwrap();
        assert_eq!(fields["host"], "example.com:81");
        assert_eq!(fields.get_all("host").iter().count(), 1);
        assert_eq!(fields["te"], "trailers");
    }

    #[test]
    fn no_field_can_hold_the_end_of_a_line() {
        for value in ["a\r\nx: y", "a\nb", "a\rb", "a\0b", "\u{7f}"] {
            assert!(
                HeaderValue::from_bytes(value.as_bytes()).is_err(),
                "{value:?}"
            );
        }
        for name in ["a b", "a:b", "a\r\nb", "", "ä"] {
            assert!(HeaderName::from_bytes(name.as_bytes()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_response_loses_what_its_connection_names() {
        let mut map = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("keep-alive", "timeout=5"),
            ("content-type", "text/plain"),
        ] {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        clean(&mut map);
        assert_eq!(map.keys().collect::<Vec<_>>(), ["content-type"]);
    }
}
