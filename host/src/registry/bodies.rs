//! Whether a guest can take bodies as large as its routes allow: one that takes them whole needs
//! room for them in memory, one that streams them does not. That shows only when it is loaded.

use std::fmt;

use super::error::RegistryError;
use crate::config::{Config, ShowSize};
use crate::guest::Kind;

/// A route that allows a body which never fits into memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oversized {
    /// The key that says so, as the configuration has it.
    pub key: String,
    /// The route's path.
    pub path: String,
    /// The line of its section.
    pub line: usize,
    /// The bytes that it allows.
    pub body_max: u64,
}

/// Looks at the routes of a guest of this kind. A body that can never be held in memory would be
/// answered "come back later" for ever.
///
/// # Errors
/// The guest takes whole bodies, and routes allow larger ones than `limits.buffered_max`.
pub(super) fn check(config: &Config, guest: &str, kind: Kind) -> Result<(), RegistryError> {
    if kind.is_streamed() {
        return Ok(());
    }
    let limits = &config.limits;
    let routes = config.routes.iter().enumerate();
    let its = routes.filter(|(_, route)| route.guest == guest);
    let oversized = its.filter(|(_, route)| route.body_max > limits.buffered_max);
    let routes: Vec<_> = oversized
        .map(|(index, route)| Oversized {
            key: if route.body_max == limits.body_max {
                "limits.body_max".to_owned()
            } else {
                format!("routes[{index}].body_max")
            },
            path: route.path.to_string(),
            line: route.line,
            body_max: route.body_max,
        })
        .collect();
    if routes.is_empty() {
        return Ok(());
    }
    Err(RegistryError::Bodies {
        guest: guest.to_owned(),
        kind,
        buffered_max: limits.buffered_max,
        routes,
    })
}

impl fmt::Display for Oversized {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            path,
            line,
            body_max,
        } = self;
        let body_max = ShowSize(*body_max);
        write!(
            formatter,
            "{key} is {body_max} for the route {path} on line {line}"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(limits: &str, route: &str) -> Config {
        let text = format!(
            "[limits]\n{limits}\n[guests.a]\ncomponent = \"a.wasm\"\n[guests.b]\ncomponent = \
             \"a.wasm\"\n[[routes]]\npath = \"/a\"\nguest = \"a\"\n{route}\n[[routes]]\npath = \
             \"/b\"\nguest = \"b\"\nbody_max = \"1000GiB\"\n"
        );
        Config::parse(&text, Path::new("config.toml")).unwrap()
    }

    fn problem(limits: &str, route: &str) -> Option<String> {
        let checked = check(&config(limits, route), "a", Kind::Lean);
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn whole_bodies_have_to_fit_into_memory() {
        assert_eq!(problem("", "body_max = \"1GiB\""), None);
        let error = problem("", "body_max = \"2GiB\"").unwrap();
        for part in [
            "guest `a`",
            "routes[0].body_max is 2GiB for the route /a on line 7",
            "limits.buffered_max (1GiB)",
        ] {
            assert!(error.contains(part), "no {part} in {error}");
        }
        assert!(!error.contains("/b"), "{error}");
    }

    #[test]
    fn a_bound_of_all_routes_is_named_as_such() {
        let error = problem("buffered_max = \"1MiB\"", "").unwrap();
        assert!(error.contains("limits.body_max is 10MiB"), "{error}");
    }

    #[test]
    fn streamed_bodies_may_have_any_length() {
        for kind in [Kind::Wasi02, Kind::Wasi03] {
            check(&config("buffered_max = \"1MiB\"", ""), "b", kind).unwrap();
        }
    }
}
