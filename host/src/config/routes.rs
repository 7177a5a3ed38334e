//! `[[routes]]`: which guest answers which requests. Whether two routes overlap is the router's
//! to say; this file asks it and names the lines.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::reader::Section;
use super::sections::BODY;
use super::suggest::nearest;
use super::values::{Value, expect_str, expected};
use super::{Guest, Limits, Route, Sandbox, chains};
use crate::router::{Pattern, RouteConflict, Router, parse_host};

/// All routes, in the order of the file. Those with a problem are left out; the problem is noted.
pub(super) fn read(
    sections: Vec<Section<'_>>,
    guests: &BTreeMap<String, Guest>,
    limits: &Limits,
    sandbox: &Sandbox,
) -> Vec<Route> {
    let Some(report) = sections.first().map(Section::report) else {
        return Vec::new();
    };
    let routes: Vec<(usize, Route)> = sections
        .into_iter()
        .enumerate()
        .filter_map(|(index, section)| Some((index, route(section, guests, limits)?)))
        .collect();
    let (indexes, routes): (Vec<usize>, Vec<Route>) = routes.into_iter().unzip();
    for conflict in Router::new(&routes).err().unwrap_or_default() {
        let (line, message) = describe(&conflict, &routes);
        let key = format!("routes[{}].path", indexes[conflict.second]);
        report.problem(Some(line), Some(key), message);
    }
    let numbered: Vec<_> = indexes.into_iter().zip(&routes).collect();
    chains::check(report, &numbered, guests.len(), sandbox.instances_max);
    routes
}

fn route(
    mut section: Section<'_>,
    guests: &BTreeMap<String, Guest>,
    limits: &Limits,
) -> Option<Route> {
    let path = section.required("path", "\"/hello\"", |value| {
        let text = expect_str(value, "a path such as \"/users/{id}\"")?;
        text.parse::<Pattern>().map_err(|error| error.to_string())
    });
    let guest = section.required("guest", "\"hello\"", |value| guest(value, guests));
    let middleware = chains::middleware(&mut section, guests, guest.as_deref());
    let methods = section.optional("methods", methods);
    let host = section.optional("host", |value| {
        let text = expect_str(value, "a host such as \"example.com\"")?;
        parse_host(text).map_err(|error| error.to_string())
    });
    let body_max = section.size("body_max", limits.body_max, BODY);
    let line = section.line();
    section.finish();
    Some(Route {
        path: path?,
        methods,
        host,
        middleware,
        guest: guest?,
        body_max,
        line,
    })
}

/// The name of a guest that is there.
pub(super) fn guest(value: &Value<'_>, guests: &BTreeMap<String, Guest>) -> Result<String, String> {
    let name = expect_str(value, "the name of a guest")?;
    if guests.contains_key(name) {
        return Ok(name.to_owned());
    }
    let near = nearest(name, guests.keys().map(String::as_str));
    let advice = match near {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("add a section [guests.{name}]"),
    };
    Err(format!("there is no guest {name:?}; {advice}"))
}

fn methods(value: &Value<'_>) -> Result<Vec<String>, String> {
    let wanted = "a list of methods such as [\"GET\", \"POST\"]";
    let DeValue::Array(array) = value.get_ref() else {
        return Err(expected(wanted, value));
    };
    let mut methods: Vec<String> = Vec::new();
    for item in array {
        let method = expect_str(item, "a method such as \"GET\"")?;
        if method.is_empty() || !method.bytes().all(is_token_byte) {
            return Err(format!("{method:?} is not a method (RFC 9110 section 9.1)"));
        }
        if methods.iter().any(|other| other == method) {
            return Err(format!("{method:?} is named twice"));
        }
        methods.push(method.to_owned());
    }
    if methods.is_empty() {
        return Err("must name a method; leave the key out to take all of them".to_owned());
    }
    Ok(methods)
}

/// RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The line of the later of two routes, and what to say there.
fn describe(conflict: &RouteConflict, routes: &[Route]) -> (usize, String) {
    let (first, second) = (&routes[conflict.first], &routes[conflict.second]);
    let message = format!(
        "{} overlaps {} of the route on line {}: for the same host both take {}, \
         and no rule says which comes first; change a path, host or methods, or remove one",
        second.path,
        first.path,
        first.line,
        conflict.method.as_deref().unwrap_or("any method"),
    );
    (second.line, message)
}
