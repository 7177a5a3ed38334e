//! Whether guests are what routes use them for: a middleware in front of a handler, or that
//! handler. A guest that is not is refused before it serves.

use super::error::RegistryError;
use crate::config::Route;
use crate::guest::Guest;

/// What is wrong with the guests of these routes. `guest` knows those that would serve; what it
/// does not know is not looked at.
pub(super) fn check<'a>(
    routes: impl IntoIterator<Item = &'a Route>,
    guest: impl Fn(&str) -> Option<Role>,
) -> Vec<RegistryError> {
    let mut errors = Vec::new();
    for route in routes {
        let middleware = route.middleware.iter().map(|name| (name, true));
        for (name, in_front) in middleware.chain([(&route.guest, false)]) {
            let reason = guest(name).and_then(|role| role.misfit(in_front));
            errors.extend(reason.map(|reason| RegistryError::Role {
                guest: name.clone(),
                route: route.path.to_string(),
                reason,
            }));
        }
    }
    errors
}

/// What a guest can be, by what it exports and imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    export: &'static str,
    is_middleware: bool,
}

impl Role {
    pub(super) fn of(guest: &Guest) -> Self {
        Self {
            export: guest.kind().export(),
            is_middleware: guest.is_middleware(),
        }
    }

    /// Why it cannot stand in front of another, or cannot stand at the end.
    fn misfit(self, in_front: bool) -> Option<String> {
        let export = self.export;
        match (in_front, self.is_middleware) {
            (true, false) => Some(format!(
                "is named in `middleware`, exports {export} and imports no wasi:http/handler@0.3, \
                 so nothing behind it would be called"
            )),
            (false, true) => Some(
                "imports wasi:http/handler, and there is no handler behind a route's guest: name \
                 it in `middleware`, and as `guest` the one that it hands requests on to"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const MIDDLEWARE: Role = Role {
        export: "wasi:http/handler@0.3",
        is_middleware: true,
    };
    const HANDLER: Role = Role {
        export: "`handle` of httpd:guest",
        is_middleware: false,
    };

    fn errors(role_of_a: Role, role_of_b: Role) -> Vec<String> {
        let text = "
            guests.a.component = 'a.wasm'
            guests.b.component = 'b.wasm'
            [[routes]]
            path = '/x'
            middleware = ['a']
            guest = 'b'";
        let config = Config::parse(text, "config.toml".as_ref()).unwrap();
        let role = |name: &str| Some(if name == "a" { role_of_a } else { role_of_b });
        let errors = check(&config.routes, role);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_guest_has_to_be_what_its_route_takes_it_for() {
        assert!(errors(MIDDLEWARE, HANDLER).is_empty());
        let both = errors(HANDLER, MIDDLEWARE);
        assert_eq!(both.len(), 2);
        assert!(
            both[0].starts_with("routes: /x: guest `a` is named in `middleware`"),
            "{}",
            both[0]
        );
        assert!(both[0].contains("`handle` of httpd:guest"), "{}", both[0]);
        assert!(
            both[1].starts_with("routes: /x: guest `b` imports"),
            "{}",
            both[1]
        );
    }

    #[test]
    fn a_guest_that_is_not_known_is_not_looked_at() {
        let config = Config::welcome();
        assert!(check(&config.routes, |_| None).is_empty());
    }
}
