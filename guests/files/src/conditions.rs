//! Conditions of requests (RFC 9110 section 13): whether a client's copy is still good, and whether
//! a range continues it. Pure.

use std::time::SystemTime;

use httpd_guest::{Body, Request};

/// What tells one version of a file from another.
pub(crate) struct Validators {
    /// With its quotes; strong.
    pub(crate) etag: String,
    /// In whole seconds, as it is sent.
    pub(crate) modified: Option<SystemTime>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// 304: the client has it.
    NotModified,
    /// 412: it is not what the client thinks.
    Failed,
}

/// In the order of RFC 9110 section 13.2.2, for GET and HEAD.
pub(crate) fn evaluate(request: &Request<Body>, validators: &Validators) -> Verdict {
    if let Some(tags) = list(request, "if-match") {
        if !names(&tags, &validators.etag, false) {
            return Verdict::Failed;
        }
    } else if let Some(date) = date(request, "if-unmodified-since")
        && validators.modified.is_some_and(|modified| modified > date)
    {
        return Verdict::Failed;
    }
    if let Some(tags) = list(request, "if-none-match") {
        if names(&tags, &validators.etag, true) {
            return Verdict::NotModified;
        }
    } else if let Some(date) = date(request, "if-modified-since")
        && validators.modified.is_some_and(|modified| modified <= date)
    {
        return Verdict::NotModified;
    }
    Verdict::Passed
}

/// Whether `range` counts: for GET alone, and when `if-range` names this very version.
pub(crate) fn range_applies(request: &Request<Body>, validators: &Validators) -> bool {
    let is_this = match request.field_str("if-range") {
        None => true,
        Some(tag) if tag.contains('"') => tag == validators.etag,
        Some(date) => httpdate::parse_http_date(date).ok().is_some_and(|date| {
            // A date is only exact if the file was left alone for a while afterwards; nobody says
            // when that is, so a client that wants to be sure uses the tag.
            validators.modified == Some(date)
        }),
    };
    request.method() == "GET" && is_this
}

fn list(request: &Request<Body>, name: &str) -> Option<Vec<String>> {
    let values: Vec<_> = request
        .field_values(name)
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect();
    (!values.is_empty()).then_some(values)
}

/// Whether `*` or this tag is among them. Our tags have no comma, so that a split is good enough.
fn names(values: &[String], etag: &str, weakly: bool) -> bool {
    let mut tags = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    tags.any(|tag| {
        let weak = tag.strip_prefix("W/").filter(|_| weakly);
        tag == "*" || weak.unwrap_or(tag) == etag
    })
}

/// A date that cannot be read is ignored.
fn date(request: &Request<Body>, name: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(request.field_str(name)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    const BEFORE: &str = "Sun, 09 Sep 2001 01:46:39 GMT";
    const THEN: &str = "Sun, 09 Sep 2001 01:46:40 GMT";
    const LATER: &str = "Sun, 09 Sep 2001 01:46:41 GMT";

    fn validators() -> Validators {
        Validators {
            etag: "\"a\"".to_owned(),
            modified: Some(UNIX_EPOCH + Duration::from_secs(1_000_000_000)),
        }
    }

    fn verdict(fields: &[(&str, &str)]) -> Verdict {
        let request = fields
            .iter()
            .fold(Request::get("/"), |request, (name, value)| {
                request.with_added_field(name, value)
            });
        evaluate(&request.into(), &validators())
    }

    #[test]
    fn a_copy_that_is_still_good_is_not_sent_again() {
        for fields in [
            &[("if-none-match", "\"a\"")][..],
            &[("if-none-match", "\"b\", W/\"a\"")],
            &[("if-none-match", "\"b\""), ("if-none-match", "*")],
            &[("if-modified-since", THEN)],
            &[("if-modified-since", LATER)],
        ] {
            assert_eq!(verdict(fields), Verdict::NotModified, "{fields:?}");
        }
    }

    #[test]
    fn a_copy_that_is_not_is_sent_again() {
        for fields in [
            &[][..],
            &[("if-none-match", "\"b\"")],
            &[("if-modified-since", BEFORE)],
            &[("if-modified-since", "yesterday")],
            // A tag counts alone: the date is for those who know no tags.
            &[("if-none-match", "\"b\""), ("if-modified-since", LATER)],
            &[("if-match", "\"a\"")],
            &[("if-match", "*")],
            &[("if-unmodified-since", THEN)],
        ] {
            assert_eq!(verdict(fields), Verdict::Passed, "{fields:?}");
        }
    }

    #[test]
    fn a_condition_that_does_not_hold_fails() {
        for fields in [
            &[("if-match", "\"b\"")][..],
            &[("if-match", "W/\"a\"")],
            &[("if-unmodified-since", BEFORE)],
        ] {
            assert_eq!(verdict(fields), Verdict::Failed, "{fields:?}");
        }
    }

    #[test]
    fn a_range_continues_only_the_same_version() {
        let applies = |method: &str, value: Option<&str>| {
            let request = Request::new(method, "/");
            let request = match value {
                Some(value) => request.with_field("if-range", value),
                None => request,
            };
            range_applies(&request.into(), &validators())
        };
        assert!(applies("GET", None) && !applies("HEAD", None));
        assert!(applies("GET", Some("\"a\"")) && applies("GET", Some(THEN)));
        for other in ["\"b\"", "W/\"a\"", BEFORE, LATER, "a"] {
            assert!(!applies("GET", Some(other)), "{other}");
        }
    }
}
