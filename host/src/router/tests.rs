//! Which route takes which request.

use proptest::prelude::*;

use super::*;

/// A route for tests: `METHOD,METHOD host/path`, with `*` for every method and no host for any.
fn route(text: &str) -> Route {
    let (methods, place) = text.split_once(' ').expect(text);
    let (host, path) = place.split_at(place.find('/').expect(text));
    Route {
        path: path
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}")),
        methods: (methods != "*").then(|| methods.split(',').map(str::to_owned).collect()),
        host: (!host.is_empty()).then(|| parse_host(host).expect(text)),
        middleware: Vec::new(),
        guest: "guest".to_owned(),
        body_max: 0,
        line: 0,
    }
}

fn routes(texts: &[&str]) -> Vec<Route> {
    texts.iter().map(|text| route(text)).collect()
}

fn router(texts: &[&str]) -> Router {
    Router::new(&routes(texts)).unwrap_or_else(|conflicts| panic!("{conflicts:?}"))
}

/// What is found, in short: `2 /users/7 id=7`, `404`, `405 GET, HEAD` or `400`.
fn find(router: &Router, method: &str, authority: Option<&str>, path: &str) -> String {
    match router.find(method, authority, path) {
        Found::Route {
            index,
            path,
            captures,
        } => {
            let captures = captures
                .iter()
                .map(|(name, value)| format!(" {name}={value}"));
            format!("{index} {path}{}", captures.collect::<String>())
        }
        Found::NotFound => "404".to_owned(),
        Found::MethodNotAllowed { allow } => format!("405 {allow}"),
        Found::BadPath(_) => "400".to_owned(),
    }
}

#[test]
fn paths_find_the_most_specific_pattern() {
    let router = router(&[
        "* /",
        "* /hello",
        "* /users/{id}",
        "* /users/new",
        "* /users/{id}/posts/{post}",
        "* /static/{*rest}",
        "* /static/logo.png",
        "* /a%2Fb",
    ]);
    let cases = [
        ("/", "0 /"),
        ("/hello", "1 /hello"),
        ("/hello/", "404"),
        ("/Hello", "404"),
        ("/%68ello", "1 /hello"),
        ("/x/../hello", "1 /hello"),
        ("/x/%2e%2E/hello", "1 /hello"),
        ("/../../hello", "1 /hello"),
        ("//hello", "404"),
        ("/users/7", "2 /users/7 id=7"),
        ("/users/new", "3 /users/new"),
        ("/users/", "404"),
        ("/users/a%20b%c3%a9", "2 /users/a%20b%C3%A9 id=a bé"),
        ("/users/a%2fb", "2 /users/a%2Fb id=a/b"),
        ("/users/a/b", "404"),
        ("/users/%252e%252e", "2 /users/%252e%252e id=%2e%2e"),
        ("/users/7/posts/8", "4 /users/7/posts/8 id=7 post=8"),
        ("/users/new/posts/8", "4 /users/new/posts/8 id=new post=8"),
        ("/static/logo.png", "6 /static/logo.png"),
        ("/static/css/a.css", "5 /static/css/a.css rest=css/a.css"),
        ("/static/", "404"),
        ("/static/..", "0 /"),
        ("/static/x%20y", "5 /static/x%20y rest=x y"),
        ("/a%2fb", "7 /a%2Fb"),
        ("/a/b", "404"),
    ];
    for (path, expected) in cases {
        assert_eq!(find(&router, "GET", None, path), expected, "{path}");
    }
}

#[test]
fn unsafe_paths_are_refused() {
    let router = router(&["* /", "* /one/{id}", "* /all/{*rest}"]);
    let cases = [
        ("", BadPath::NotAbsolute),
        ("*", BadPath::NotAbsolute),
        ("hello", BadPath::NotAbsolute),
        ("/%", BadPath::Escape),
        ("/%4", BadPath::Escape),
        ("/%4g", BadPath::Escape),
        ("/%+4", BadPath::Escape),
        ("/a%00b", BadPath::Nul),
        ("/a\0b", BadPath::Nul),
        ("/one/%ff", BadPath::NotUtf8),
        ("/all/%c3%28/x", BadPath::NotUtf8),
        ("/all/..%2f..%2fsecret", BadPath::EscapedSlash),
    ];
    for (path, expected) in cases {
        assert_eq!(
            router.find("GET", None, path),
            Found::BadPath(expected),
            "{path:?}"
        );
    }
}

#[test]
fn methods_choose_among_routes_of_one_path() {
    let router = router(&[
        "GET /one",
        "POST,PUT /one",
        "DELETE /one/{id}",
        "GET /one/two",
        "* /any",
        "get /lower",
        "HEAD /head",
        "GET /head",
    ]);
    let cases = [
        ("GET", "/one", "0 /one"),
        ("HEAD", "/one", "0 /one"),
        ("PUT", "/one", "1 /one"),
        ("DELETE", "/one", "405 GET, HEAD, POST, PUT"),
        ("get", "/one", "405 GET, HEAD, POST, PUT"),
        // The more specific path does not hide a route that takes the method.
        ("DELETE", "/one/two", "2 /one/two id=two"),
        ("GET", "/one/two", "3 /one/two"),
        ("POST", "/one/two", "405 DELETE, GET, HEAD"),
        ("PATCH", "/any", "4 /any"),
        ("GET", "/any", "4 /any"),
        ("get", "/lower", "5 /lower"),
        ("GET", "/lower", "405 get"),
        ("HEAD", "/head", "6 /head"),
        ("GET", "/head", "7 /head"),
        ("PATCH", "/none", "404"),
    ];
    for (method, path, expected) in cases {
        assert_eq!(
            find(&router, method, None, path),
            expected,
            "{method} {path}"
        );
    }
}

#[test]
fn the_most_specific_host_decides_first() {
    let router = router(&[
        "* /x",
        "* example.com/x",
        "* *.example.com/{any}",
        "* a.b.example.com/x",
        "* *.b.example.com/x",
        "GET 127.0.0.1/ip",
        "* [::1]/ip",
        "POST /ip",
    ]);
    let cases = [
        (None, "GET", "/x", "0 /x"),
        (Some(""), "GET", "/x", "0 /x"),
        (Some("other.org"), "GET", "/x", "0 /x"),
        (Some("example.com"), "GET", "/x", "1 /x"),
        (Some("EXAMPLE.com."), "GET", "/x", "1 /x"),
        (Some("Example.COM:8080"), "GET", "/x", "1 /x"),
        (Some("example.com:"), "GET", "/x", "1 /x"),
        (Some("example.com"), "GET", "/y", "404"),
        (Some("www.example.com"), "GET", "/y", "2 /y any=y"),
        (Some("notexample.com"), "GET", "/y", "404"),
        (Some(".example.com"), "GET", "/y", "404"),
        (Some("a.b.example.com"), "GET", "/x", "3 /x"),
        (Some("c.b.example.com:1"), "GET", "/x", "4 /x"),
        (Some("c.b.example.com:1"), "GET", "/y", "2 /y any=y"),
        (Some("127.0.0.1:80"), "GET", "/ip", "5 /ip"),
        (Some("127.0.0.1:80"), "POST", "/ip", "7 /ip"),
        (Some("127.0.0.1:80"), "PUT", "/ip", "405 GET, HEAD, POST"),
        (Some("[::1]:80"), "GET", "/ip", "6 /ip"),
        (Some("[::1]"), "GET", "/ip", "6 /ip"),
        (Some("[::2]"), "GET", "/ip", "405 POST"),
    ];
    for (authority, method, path, expected) in cases {
        let found = find(&router, method, authority, path);
        assert_eq!(found, expected, "{method} {authority:?} {path}");
    }
}

#[test]
fn a_path_in_normal_form_is_not_copied() {
    let router = router(&["* /hello", "* /.well-known/x"]);
    for path in ["/hello", "/.well-known/x"] {
        match router.find("GET", None, path) {
            Found::Route {
                path: Cow::Borrowed(found),
                captures,
                ..
            } => {
                assert_eq!(found.as_ptr(), path.as_ptr());
                assert_eq!(captures.capacity(), 0, "nothing was allocated");
            }
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn routes_that_take_the_same_requests_conflict() {
    // The routes, and the pairs in conflict with the method they are told for.
    type Pair = (usize, usize, Option<&'static str>);
    let cases: [(&[&str], &[Pair]); 12] = [
        (&["* /a", "* /a"], &[(0, 1, None)]),
        (&["* /a", "* /%61"], &[(0, 1, None)]),
        (&["GET /a", "* /a"], &[(0, 1, Some("GET"))]),
        (&["GET /a", "POST,GET /a"], &[(0, 1, Some("GET"))]),
        (&["GET /a", "POST /a", "HEAD /a"], &[]),
        (&["* /{x}", "* /{y}"], &[(0, 1, None)]),
        (&["* /{x}/b", "* /{y}/c"], &[]),
        (&["* /{x}", "* /{*y}"], &[(0, 1, None)]),
        (&["* h.org/a", "* H.ORG./a"], &[(0, 1, None)]),
        (&["* h.org/a", "* *.org/a", "* /a"], &[]),
        (
            &["* /a", "* /b", "* /b", "* /c", "* /a"],
            &[(0, 4, None), (1, 2, None)],
        ),
        (&["GET /{x}/b", "GET /{*y}"], &[(0, 1, Some("GET"))]),
    ];
    for (texts, expected) in cases {
        let found = Router::new(&routes(texts)).err().unwrap_or_default();
        let found: Vec<_> = found
            .iter()
            .map(|c| (c.first, c.second, c.method.as_deref()))
            .collect();
        assert_eq!(found, expected, "{texts:?}");
    }
}

#[test]
fn hosts_are_checked() {
    for good in [
        "example.com",
        "*.example.com",
        "a_b-1.x",
        "127.0.0.1",
        "[::1]",
        "xn--e1afmkfd",
    ] {
        assert_eq!(parse_host(good).as_deref(), Ok(good));
    }
    let too_long = "a".repeat(64);
    let bad = [
        "", ".", "*", "*.", "a..b", "a/b", "a b", "é.com", "[::1", "[x]", &too_long,
    ];
    for bad in bad {
        assert!(parse_host(bad).is_err(), "{bad:?}");
    }
    assert_eq!(parse_host("a:80"), Err(BadHost::Port));
    assert_eq!(parse_host("a.*.b"), Err(BadHost::Wildcard));
}

/// Whether a pattern takes a normalised path, said as plainly as can be: the tree's measure.
fn takes(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(rest), Some(first)) if rest.starts_with("{*") => {
                return !first.is_empty() || given.next().is_some();
            }
            (Some(name), Some(segment)) if name.starts_with('{') && !segment.is_empty() => {}
            (Some(literal), Some(segment)) if literal == segment => {}
            _ => return false,
        }
    }
}

/// Patterns over an alphabet so small that they meet each other and the paths below.
fn patterns() -> impl Strategy<Value = Vec<String>> {
    let segment = prop_oneof![2 => "[ab]{0,2}", 1 => Just("{}".to_owned())];
    let pattern = (
        prop::collection::vec(segment, 1..4),
        prop::bool::weighted(0.2),
    );
    let pattern = pattern.prop_map(|(segments, rest)| {
        let named = segments
            .iter()
            .enumerate()
            .map(|(i, s)| s.replace("{}", &format!("{{x{i}}}")));
        let named: Vec<String> = named.chain(rest.then(|| "{*rest}".to_owned())).collect();
        format!("/{}", named.join("/"))
    });
    prop::collection::vec(pattern, 1..6)
}

proptest! {
    #[test]
    fn the_tree_agrees_with_a_look_at_each_pattern(
        patterns in patterns(),
        paths in prop::collection::vec("(/[ab]{0,2}){1,4}", 20),
    ) {
        let texts: Vec<String> = patterns.iter().map(|pattern| format!("* {pattern}")).collect();
        let routes: Vec<Route> = texts.iter().map(|text| route(text)).collect();
        // What the tree has no place for is a conflict, which is another test's matter.
        let Ok(router) = Router::new(&routes) else { return Ok(()) };
        for path in &paths {
            let takers: Vec<usize> =
                (0..patterns.len()).filter(|i| takes(&patterns[*i], path)).collect();
            match router.find("GET", None, path) {
                Found::Route { index, .. } => prop_assert!(takers.contains(&index)),
                _ => prop_assert_eq!(takers, Vec::<usize>::new(), "{:?} {}", patterns, path),
            }
        }
    }

    #[test]
    fn a_conflict_names_two_routes_that_conflict_and_no_route_in_vain(patterns in patterns()) {
        let routes: Vec<Route> = patterns.iter().map(|text| route(&format!("* {text}"))).collect();
        let conflicts = Router::new(&routes).err().unwrap_or_default();
        for RouteConflict { first, second, .. } in &conflicts {
            prop_assert!(first < second, "{:?}", patterns);
            let pair = [routes[*first].clone(), routes[*second].clone()];
            prop_assert!(Router::new(&pair).is_err(), "{:?}", patterns);
        }
        let in_place = |i: &usize| conflicts.iter().all(|conflict| conflict.second != *i);
        let accepted = (0..routes.len()).filter(in_place).map(|i| routes[i].clone());
        prop_assert!(Router::new(&accepted.collect::<Vec<_>>()).is_ok(), "{:?}", patterns);
    }
}
