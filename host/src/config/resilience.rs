//! The keys of a guest that say what happens when it fails: its probe, its rollback, its breaker.
//! Nothing here decides that a guest has failed.

use std::time::Duration;

use super::reader::Section;
use super::sections::TIMEOUT;
use super::values::{Value, expect_str};
use crate::router::normalise;

/// When a new generation of a guest gives way to the one before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// Which part of its first requests must fail for that; above 0, and 1 is all of them.
    pub ratio: f64,
    /// How many requests it answers before it is judged; at least 1.
    pub requests: u32,
    /// From the swap, how long it can be judged at all.
    pub window: Duration,
}

/// When a guest that keeps failing is left alone for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaker {
    /// How many failures in a row that takes; at least 1.
    pub failures: u32,
    /// How long it then answers 503 at once, until a request tries it again.
    pub pause: Duration,
}

impl Default for Rollback {
    fn default() -> Rollback {
        Rollback {
            ratio: 0.5,
            requests: 10,
            window: Duration::from_secs(30),
        }
    }
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker {
            failures: 100,
            pause: Duration::from_secs(5),
        }
    }
}

/// None when it is off. The other keys are checked all the same: it may be on again tomorrow.
pub(super) fn rollback(section: &mut Section<'_>) -> Option<Rollback> {
    let default = Rollback::default();
    let enabled = section.flag("rollback", true);
    let rollback = Rollback {
        ratio: section.fraction("rollback_ratio", default.ratio, 0.01..=1.0),
        requests: section.number("rollback_requests", default.requests, 1..=1_000_000),
        window: section.duration("rollback_window", default.window, TIMEOUT),
    };
    enabled.then_some(rollback)
}

/// None when it is off, that is when it takes no failures.
pub(super) fn breaker(section: &mut Section<'_>) -> Option<Breaker> {
    let default = Breaker::default();
    let breaker = Breaker {
        failures: section.number("breaker_failures", default.failures, 0..=1_000_000),
        pause: section.duration("breaker_pause", default.pause, TIMEOUT),
    };
    (breaker.failures > 0).then_some(breaker)
}

/// The target that a new generation is asked for, its path normalised as a client's would be.
pub(super) fn probe(section: &mut Section<'_>) -> Option<String> {
    section.optional("probe", |value: &Value<'_>| {
        let text = expect_str(value, "a path such as \"/health\"")?;
        origin_form(text)
            .map_err(|why| format!("{text:?} is not a path such as \"/health\": {why}"))
    })
}

/// Path and perhaps query, as a request's target has them (RFC 9112 section 3.2.1).
fn origin_form(text: &str) -> Result<String, String> {
    if text.contains('#') {
        return Err("a fragment (#) is never sent".to_owned());
    }
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let path = normalise(path).map_err(|error| error.to_string())?;
    let Some(query) = query else {
        return Ok(path.into_owned());
    };
    if !query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its query holds what must be escaped with % and two digits".to_owned());
    }
    Ok(format!("{path}?{query}"))
}

#[cfg(test)]
mod tests;
