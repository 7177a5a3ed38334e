//! One suite for all lanes and languages: a guest that greets, and one that sends a body back, or
//! one that does both. What it demands is what `fixtures/README.md` says.

use crate::support::*;

/// A configuration with a host for a component, at which every path is the component's.
pub(crate) fn sections(name: &str, file: &str) -> String {
    let host = format!("host = \"{name}.example\"");
    format!(
        "\n[guests.{name}]\ncomponent = {file:?}\nmemory_max = \"256MiB\"\ndeadline = \"60s\"\n"
    ) + &route("/{*rest}", name, &host)
        + &route("/", name, &host)
}

/// Puts the suite's questions to the guest at a host.
pub(crate) struct Suite<'s> {
    name: &'s str,
    ask: &'s dyn Fn(Vec<u8>) -> Response,
}

impl<'s> Suite<'s> {
    /// For the guest of [`sections`]; `ask` sends a request to whatever serves it.
    pub(crate) fn new(name: &'s str, ask: &'s dyn Fn(Vec<u8>) -> Response) -> Suite<'s> {
        Suite { name, ask }
    }

    /// Any path but that of the echo is greeted.
    pub(crate) fn greets(&self) {
        let name = self.name;
        for target in ["/", "/somewhere?q=1"] {
            let response = self.ask(get(target).as_bytes()).expect(200);
            assert_eq!(response.text(), "Hello world!", "{name}");
            let kind = response.field("content-type").unwrap_or_default();
            assert!(kind.starts_with("text/plain"), "{name}: {kind}");
        }
    }

    /// A body comes back under its type, whatever its length and its framing.
    pub(crate) fn echoes(&self) {
        let name = self.name;
        for length in [0, 5, 100_000] {
            let body: Vec<u8> = (0..=255).cycle().take(length).collect();
            let fields = format!("content-type: text/x-own\r\ncontent-length: {length}\r\n");
            let head = head("POST", "/echo", &fields).into_bytes();
            let response = self.ask(&[head, body.clone()].concat()).expect(200);
            assert!(response.body == body, "{name}: {length} bytes");
            assert_eq!(response.field("content-type"), Some("text/x-own"), "{name}");
        }
        let response = self
            .ask(&chunked("/echo", &[b"one, ", b"two"], ""))
            .expect(200);
        assert_eq!(response.text(), "one, two", "{name}");
        let kind = response.field("content-type");
        assert_eq!(kind, Some("application/octet-stream"), "{name}");
    }

    /// Whatever a guest makes of a body that is none, the client is told what is wrong with it.
    pub(crate) fn hides_nothing(&self) {
        let fields = "transfer-encoding: chunked\r\n";
        let request = head("POST", "/echo", fields) + "5\r\nhello\r\nnot a size\r\n";
        self.ask(request.as_bytes()).expect_refusal(400);
    }

    /// Greets those whose name is in the query, which not every guest does.
    pub(crate) fn greets_by_name(&self) {
        let response = self
            .ask(get("/?a=1&name=Ada%20%C3%84").as_bytes())
            .expect(200);
        assert_eq!(response.text(), "Hello, Ada Ä!", "{}", self.name);
    }

    fn ask(&self, request: &[u8]) -> Response {
        let end = request.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, rest) = request.split_at(end.unwrap());
        let head = str::from_utf8(head).unwrap();
        let head = head.replace(
            "host: test.example",
            &format!("host: {}.example", self.name),
        );
        (self.ask)([head.as_bytes(), rest].concat())
    }
}

fn echoes_and_hides_nothing(suite: &Suite<'_>) {
    suite.echoes();
    suite.hides_nothing();
}

/// A project's own guests do one of both.
#[test]
fn the_projects_own_guests_pass_their_parts() {
    type Part = fn(&Suite<'_>);
    let guests: [(&str, Part); 3] = [
        ("hello", |suite| suite.greets()),
        ("echo", echoes_and_hides_nothing),
        ("streaming-echo", echoes_and_hides_nothing),
    ];
    for (name, part) in guests {
        let server = TestServer::start(&sections(name, &format!("guests/dist/{name}.wasm")));
        part(&Suite::new(name, &|request| server.request(request)));
    }
}
