//! `routes.middleware`: the guests in front of a route's own, and what keeps chains of them from
//! waiting for each other.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use super::reader::Section;
use super::report::Report;
use super::routes::guest;
use super::values::{Value, expected};
use super::{Guest, Route};

/// A request holds an instance in each of them.
const MIDDLEWARE_MAX: usize = 8;

/// The names in front of a route's guest.
pub(super) fn middleware(
    section: &mut Section<'_>,
    guests: &BTreeMap<String, Guest>,
    last: Option<&str>,
) -> Vec<String> {
    section.get("middleware", Vec::new(), |value| {
        let names = names(value, guests)?;
        let mut seen = BTreeSet::from_iter(last);
        for name in &names {
            if !seen.insert(name.as_str()) {
                return Err(format!(
                    "{name:?} is in the route twice: it would wait for its own places; give the \
                     same component a second name under [guests]"
                ));
            }
        }
        Ok(names)
    })
}

fn names(value: &Value<'_>, guests: &BTreeMap<String, Guest>) -> Result<Vec<String>, String> {
    let DeValue::Array(array) = value.get_ref() else {
        return Err(expected("a list of guests such as [\"auth\"]", value));
    };
    if array.len() > MIDDLEWARE_MAX {
        return Err(format!("must name at most {MIDDLEWARE_MAX} guests"));
    }
    array.iter().map(|name| guest(name, guests)).collect()
}

/// Notes what would let requests wait for each other in a circle: each holds an instance of every
/// guest that it has come to, and waits for one of the next.
pub(super) fn check(
    report: &Report<'_>,
    routes: &[(usize, &Route)],
    guests: usize,
    instances_max: u32,
) {
    let mut order = Order::default();
    let chains = routes
        .iter()
        .filter(|(_, route)| !route.middleware.is_empty());
    for (place, (index, route)) in chains.enumerate() {
        let problem = |message| {
            let key = format!("routes[{index}].middleware");
            report.problem(Some(route.line), Some(key), message);
        };
        let needed = 2 * guests as u64;
        if place == 0 && u64::from(instances_max) < needed {
            problem(format!(
                "needs sandbox.instances_max to be at least {needed}, twice the number of guests: \
                 each then has an instance that no other can take, and chains end"
            ));
        }
        if let Some((first, second)) = order.add(&route.middleware) {
            problem(format!(
                "names {first:?} before {second:?}, and other routes the other way round: requests \
                 could hold one and wait for the other; use one order, or give the same component \
                 a second name under [guests]"
            ));
        }
    }
}

/// Which guests come right after which, over all routes. There is never a circle in it.
#[derive(Default)]
struct Order<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> Order<'a> {
    /// Adds a chain, up to a pair of names that others have in the other order; that is returned.
    fn add(&mut self, chain: &'a [String]) -> Option<(&'a str, &'a str)> {
        for pair in chain.windows(2) {
            let [first, second] = pair else { continue };
            if self.comes_before(second, first) {
                return Some((first, second));
            }
            self.0.entry(first).or_default().insert(second);
        }
        None
    }

    fn comes_before(&self, first: &str, second: &str) -> bool {
        let (mut ahead, mut seen) = (vec![first], BTreeSet::new());
        while let Some(name) = ahead.pop() {
            if name == second {
                return true;
            }
            if seen.insert(name) {
                ahead.extend(self.0.get(name).into_iter().flatten());
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use crate::config::problem_tests::problem;
    use crate::config::tests::valid;

    const GUESTS: &str = "
        guests.a.component = 'a.wasm'
        guests.b.component = 'b.wasm'
        guests.c.component = 'c.wasm'
        guests.h.component = 'h.wasm'
    ";

    /// A configuration with these chains in front of `h`.
    fn chains(lists: &[&str]) -> String {
        let route = |(number, list)| {
            format!("[[routes]]\npath = '/{number}'\nguest = 'h'\nmiddleware = {list}\n")
        };
        let routes = lists.iter().enumerate().map(route);
        format!("{GUESTS}\n{}", routes.collect::<String>())
    }

    #[test]
    fn the_guests_in_front_are_read_in_order() {
        let config = valid(&chains(&["['b', 'a']", "[]", "['b', 'c']"]));
        assert_eq!(config.routes[0].middleware, ["b", "a"]);
        assert!(config.routes[1].middleware.is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_list_is_told_at_its_line() {
        for (list, advice) in [
            ("'a'", "expected a list of guests"),
            ("['a', 1]", "expected the name of a guest"),
            ("['a', 'bb']", "there is no guest \"bb\""),
            ("['a', 'a']", "\"a\" is in the route twice"),
            ("['a', 'h']", "\"h\" is in the route twice"),
            (
                "['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a']",
                "at most 8 guests",
            ),
        ] {
            let message = problem(&chains(&[list]));
            assert!(
                message.starts_with("config.toml:10: routes[0].middleware: "),
                "{message}"
            );
            assert!(message.contains(advice), "{message}");
        }
    }

    #[test]
    fn two_chains_may_not_wait_for_each_other() {
        valid(&chains(&["['a', 'b', 'c']", "['a', 'c']", "['b', 'c']"]));
        let message = problem(&chains(&["['a', 'b']", "['b', 'a']"]));
        assert!(
            message.starts_with("config.toml:11: routes[1].middleware: names \"b\" before \"a\""),
            "{message}"
        );
        let message = problem(&chains(&["['a', 'b']", "['b', 'c']", "['c', 'a']"]));
        assert!(message.contains("\"c\" before \"a\""), "{message}");
    }

    #[test]
    fn each_guest_has_an_instance_of_its_own() {
        let few = |count| format!("sandbox.instances_max = {count}\n{}", chains(&["['a']"]));
        valid(&few(8));
        let message = problem(&few(7));
        assert!(message.contains("at least 8"), "{message}");
    }
}
