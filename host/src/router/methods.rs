//! The routes of one host: a tree of paths per method, so that a path which another method has
//! more specifically never hides a route that takes the request's. Hosts are not known here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;
use smol_str::SmolStr;

use super::RouteConflict;
use super::path::{BadPath, decode_capture};
use crate::config::Route;

/// The trees of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Methods {
    /// For each method that a route names: the routes that name it or take every method.
    named: Vec<(String, Tree)>,
    /// For all other methods: the routes that take every method.
    other: Tree,
}

/// A route that takes a request, found by the path.
pub(super) struct Match<'r, 'p> {
    /// The route's place among all routes.
    pub(super) index: usize,
    rest: bool,
    /// None where the path is the pattern.
    params: Option<matchit::Params<'r, 'p>>,
}

/// The paths of one method.
#[derive(Clone, Debug, Default)]
struct Tree {
    patterns: matchit::Router<Leaf>,
    /// Those without captures by themselves: what is found here the tree would find, too, for
    /// nothing is more specific, and a path of a thousand is found by looking at two places.
    whole: HashMap<SmolStr, usize, RandomState>,
}

/// A route to be put into trees, with its place among all routes.
type Entry<'r> = (usize, &'r Route);

#[derive(Clone, Copy, Debug)]
struct Leaf {
    index: usize,
    /// Whether the last capture takes all that is left of the path.
    rest: bool,
}

impl Methods {
    /// The trees over the routes of one host, and the routes that found their place taken.
    pub(super) fn new(routes: &[Entry<'_>]) -> (Methods, Vec<RouteConflict>) {
        let mut conflicts = Conflicts::default();
        let takes_all = routes
            .iter()
            .copied()
            .filter(|(_, route)| route.methods.is_none());
        let other = tree(takes_all, None, &mut conflicts);
        let mut named = Vec::new();
        for method in method_names(routes) {
            let routes = takers(routes, method);
            named.push((
                method.to_owned(),
                tree(routes, Some(method), &mut conflicts),
            ));
        }
        (Methods { named, other }, conflicts.into_values().collect())
    }

    /// The route that takes this method at this normalised path.
    pub(super) fn at<'r, 'p>(&'r self, method: &str, path: &'p str) -> Option<Match<'r, 'p>> {
        let named = self.named.iter().find(|(name, _)| name == method);
        named.map_or(&self.other, |(_, tree)| tree).at(path)
    }

    /// The methods that routes name and that would be taken at this path.
    pub(super) fn methods_at(&self, path: &str) -> impl Iterator<Item = &str> {
        let named = self
            .named
            .iter()
            .filter(move |(_, tree)| tree.at(path).is_some());
        named.map(|(name, _)| name.as_str())
    }
}

impl Tree {
    fn at<'r, 'p>(&'r self, path: &'p str) -> Option<Match<'r, 'p>> {
        if let Some(index) = self.whole.get(path) {
            return Some(Match {
                index: *index,
                rest: false,
                params: None,
            });
        }
        let found = self.patterns.at(path).ok()?;
        let Leaf { index, rest } = *found.value;
        Some(Match {
            index,
            rest,
            params: Some(found.params),
        })
    }

    /// Whether there was a place for the route.
    fn insert(&mut self, (index, route): Entry<'_>) -> bool {
        let leaf = Leaf {
            index,
            rest: route.path.ends_in_rest(),
        };
        let is_free = self.patterns.insert(route.path.as_str(), leaf).is_ok();
        if is_free && !route.path.captures() {
            self.whole.insert(SmolStr::new(route.path.as_str()), index);
        }
        is_free
    }
}

impl<'r> Match<'r, '_> {
    /// The captures by name, decoded, in the pattern's order.
    pub(super) fn decode_captures(&self) -> Result<Vec<(&'r str, String)>, BadPath> {
        let Some(params) = &self.params else {
            return Ok(Vec::new());
        };
        let last = params.len().wrapping_sub(1);
        let captures = params.iter().enumerate();
        captures
            .map(|(i, (name, part))| Ok((name, decode_capture(part, self.rest && i == last)?)))
            .collect()
    }
}

/// Conflicts by the two routes, so that a pair with several common methods is told once.
type Conflicts = BTreeMap<(usize, usize), RouteConflict>;

/// Every method that has a tree of its own. `GET` brings `HEAD` along (RFC 9110 section 9.3.2).
fn method_names<'r>(routes: &[Entry<'r>]) -> BTreeSet<&'r str> {
    let named = routes
        .iter()
        .flat_map(|(_, route)| route.methods.iter().flatten());
    let mut names: BTreeSet<&str> = named.map(String::as_str).collect();
    if names.contains("GET") {
        names.insert("HEAD");
    }
    names
}

/// The routes for a method's tree. A route that names `HEAD` comes before one that only implies
/// it by `GET`, and takes its place where the paths are the same.
fn takers<'r>(routes: &[Entry<'r>], method: &str) -> Vec<Entry<'r>> {
    let names = |route: &Route, method: &str| match &route.methods {
        Some(methods) => methods.iter().any(|name| name == method),
        None => true,
    };
    let mut takers: Vec<Entry<'_>> = Vec::new();
    takers.extend(routes.iter().filter(|(_, route)| names(route, method)));
    if method == "HEAD" {
        let explicit: BTreeSet<String> = takers.iter().map(|(_, r)| r.path.shape()).collect();
        let implied = |route: &Route| !names(route, "HEAD") && names(route, "GET");
        let free = |route: &Route| !explicit.contains(&route.path.shape());
        takers.extend(
            routes
                .iter()
                .filter(|(_, route)| implied(route) && free(route)),
        );
    }
    takers
}

/// The tree over these routes; one that finds its place taken is left out and noted.
fn tree<'r>(
    routes: impl IntoIterator<Item = Entry<'r>>,
    method: Option<&str>,
    conflicts: &mut Conflicts,
) -> Tree {
    let mut accepted: Vec<Entry<'_>> = Vec::new();
    let mut tree = Tree::default();
    for entry in routes {
        if tree.insert(entry) {
            accepted.push(entry);
            continue;
        }
        let other = partner(&accepted, entry);
        let (first, second) = (other.min(entry.0), other.max(entry.0));
        let method = method.map(str::to_owned);
        let conflict = RouteConflict {
            first,
            second,
            method,
        };
        conflicts.entry((first, second)).or_insert(conflict);
    }
    tree
}

/// The accepted route that leaves no place for another one: the two do not fit in one tree.
fn partner(accepted: &[Entry<'_>], entry: Entry<'_>) -> usize {
    let refuses = |other: &&Entry<'_>| {
        let mut pair = Tree::default();
        !(pair.insert(**other) && pair.insert(entry))
    };
    accepted
        .iter()
        .find(refuses)
        .map_or(entry.0, |(index, _)| *index)
}
