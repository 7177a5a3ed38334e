//! What every client relies on: methods, targets, bodies, connections, routes.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::LazyLock;

use crate::support::*;

/// One server for all that needs no settings of its own.
static SERVER: LazyLock<TestServer> = LazyLock::new(|| {
    let routes = [
        route("/greet/{name}", "hello", ""),
        route("/files/{*rest}", "hello", ""),
        route("/read-only", "hello", "methods = [\"GET\"]"),
        route("/submit", "hello", "methods = [\"PUT\", \"POST\"]"),
        route("/", "hello", "host = \"hello.example\""),
        route("/", "echo", "host = \"*.echo.example\""),
    ];
    TestServer::start(&(HELLO.to_owned() + ECHO + &routes.concat()))
});

#[test]
fn hello_is_a_whole_response() {
    let response = SERVER.request(get("/hello")).expect(200);
    assert_eq!(response.text(), "Hello world!");
    assert_eq!(response.field("content-type"), Some("text/plain"));
    assert_eq!(response.field("content-length"), Some("12"));
    assert!(response.field("date").is_some());
    assert_eq!(response.field("connection"), None);
}

#[test]
fn the_query_reaches_the_guest() {
    let response = SERVER.request(get("/hello?a=b&name=Ada%20L.")).expect(200);
    assert_eq!(response.text(), "Hello, Ada L.!");
}

#[test]
fn a_body_of_known_length_comes_back() {
    let body: Vec<u8> = (0..=u8::MAX).cycle().take(300_001).collect();
    let response = SERVER.request(post("/echo", &body)).expect(200);
    assert!(response.body == body, "other bytes came back");
    assert_eq!(response.field("content-length"), Some("300001"));
}

#[test]
fn the_fields_reach_the_guest() {
    let fields = "content-type: text/x-test; a=\"b\"\r\ncontent-length: 2\r\n";
    let response = SERVER.request(head("POST", "/echo", fields) + "{}");
    let response = response.expect(200);
    assert_eq!(response.field("content-type"), Some("text/x-test; a=\"b\""));
}

#[test]
fn a_chunked_body_comes_back_and_the_connection_is_kept() {
    let mut client = SERVER.connect();
    let long = vec![b'x'; 100_000];
    let pieces: [&[u8]; 3] = [b"one ", &long, b" three"];
    for trailers in ["", "x-sum: 1\r\nx-count: 3\r\n"] {
        let response = client.request(chunked("/echo", &pieces, trailers));
        assert!(response.expect(200).body == pieces.concat());
    }
    client.request(get("/hello")).expect(200);
}

#[test]
fn chunk_extensions_are_skipped() {
    let head = head("POST", "/echo", "transfer-encoding: Chunked\r\n");
    let body = "3;name=\"quoted ; value\"\r\nabc\r\n02 ; x\r\nde\r\n0;last\r\n\r\n";
    let response = SERVER.request(head + body).expect(200);
    assert_eq!(response.text(), "abcde");
}

#[test]
fn a_body_may_trickle_in() {
    let mut client = SERVER.connect();
    for byte in post("/echo", "slowly") {
        client.send([byte]);
    }
    assert_eq!(client.response().expect(200).text(), "slowly");
    for byte in chunked("/echo", &[b"bit", b" by bit"], "x-end: 1\r\n") {
        client.send([byte]);
    }
    assert_eq!(client.response().expect(200).text(), "bit by bit");
}

#[test]
fn head_has_the_fields_of_get_and_no_body() {
    let mut client = SERVER.connect();
    let got = client.request(get("/hello")).expect(200);
    client.send(head("HEAD", "/hello", ""));
    let response = client.try_response("HEAD").unwrap().expect(200);
    assert_eq!(response.field("content-length"), Some("12"));
    let without_date = |response: Response| {
        let mut fields = response.fields;
        fields.retain(|(name, _)| name != "date");
        fields
    };
    assert_eq!(without_date(response), without_date(got));
    // A body nobody should have sent would stand where this response is looked for.
    client.request(get("/hello?name=next")).expect(200);
    client.send(head("HEAD", "/nowhere", ""));
    let refused = client.try_response("HEAD").unwrap().expect_refusal(404);
    assert_ne!(refused.field("content-length"), Some("0"));
    client.request(get("/hello")).expect(200);
}

#[test]
fn options_asterisk_asks_about_the_server() {
    let mut client = SERVER.connect();
    client.request(head("OPTIONS", "*", "")).expect(204);
    client.request(get("/hello")).expect(200);
}

#[test]
fn there_are_no_tunnels() {
    let response = SERVER.request(head("CONNECT", "other.example:443", ""));
    let response = response.expect_refusal(405);
    assert_eq!(response.field("allow"), Some(""));
}

#[test]
fn an_absolute_target_names_the_host() {
    let target = "http://hello.example/?name=absolute";
    let response = SERVER.request(head("GET", target, "")).expect(200);
    assert_eq!(response.text(), "Hello, absolute!");
    let without_path = SERVER.request(head("GET", "http://hello.example", ""));
    assert_eq!(without_path.expect(200).text(), "Hello world!");
    let other = SERVER.request("GET http://other.example/ HTTP/1.1\r\nhost: hello.example\r\n\r\n");
    other.expect_refusal(404);
}

#[test]
fn http_1_0_closes_unless_asked_to_keep() {
    let mut client = SERVER.connect();
    let response = client.request("GET /hello HTTP/1.0\r\n\r\n").expect(200);
    assert!(response.closes());
    client.expect_end();

    let mut client = SERVER.connect();
    let request = "GET /hello HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n";
    for _ in 0..3 {
        let response = client.request(request).expect(200);
        assert_eq!(response.field("connection"), Some("keep-alive"));
    }
    let last = client.request("GET /hello HTTP/1.0\r\n\r\n").expect(200);
    assert!(last.closes());
    client.expect_end();
}

#[test]
fn a_connection_serves_many_requests() {
    let mut client = SERVER.connect();
    for number in 0..50 {
        let response = client.request(get(&format!("/hello?name={number}")));
        assert_eq!(response.expect(200).text(), format!("Hello, {number}!"));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut client = SERVER.connect();
    let mut requests = Vec::new();
    for number in 0..10 {
        requests.extend_from_slice(get(&format!("/hello?name={number}")).as_bytes());
        requests.extend_from_slice(&post("/echo", format!("body {number}")));
    }
    client.send(requests);
    for number in 0..10 {
        let greeting = client.response().expect(200);
        assert_eq!(greeting.text(), format!("Hello, {number}!"));
        assert_eq!(
            client.response().expect(200).text(),
            format!("body {number}")
        );
    }
}

#[test]
fn responses_wait_for_nothing_that_has_yet_to_come() {
    let mut client = SERVER.connect();
    let upload = head("POST", "/echo", "content-length: 4\r\n");
    let begun = [
        ("GET /he".to_owned(), "llo HTTP/1.1\r\nhost: a\r\n\r\n"),
        (upload, "body"),
    ];
    for (part, rest) in begun {
        client.send(get("/hello?name=1") + &get("/hello?name=2") + &part);
        for greeting in ["Hello, 1!", "Hello, 2!"] {
            assert_eq!(client.response().expect(200).text(), greeting);
        }
        client.request(rest).expect(200);
    }
    client.send(get("/hello") + &get("/nowhere") + "\r\n");
    client.response().expect(200);
    client.response().expect_refusal(404);
}

#[test]
fn a_response_does_not_wait_for_a_slow_one_behind_it() {
    let spins = fault("spin-forever", "deadline = \"1h\"");
    let server = TestServer::start(&(HELLO.to_owned() + &spins));
    let mut client = server.connect();
    client.send(get("/hello") + &get("/hello") + &get("/spin-forever"));
    client.response().expect(200);
    client.response().expect(200);
}

#[test]
fn nothing_is_answered_after_connection_close() {
    let mut client = SERVER.connect();
    client.send(head("GET", "/hello", "connection: x-other, Close\r\n") + &get("/hello"));
    assert!(client.response().expect(200).closes());
    client.expect_end();
}

#[test]
fn empty_lines_before_a_request_are_skipped() {
    let mut client = SERVER.connect();
    for _ in 0..2 {
        client
            .request(format!("\r\n\r\n{}", get("/hello")))
            .expect(200);
    }
}

#[test]
fn a_half_closed_client_gets_all_its_responses() {
    let mut client = SERVER.connect();
    client.send([get("/hello").into_bytes(), post("/echo", zeros(500_000))].concat());
    client.half_close();
    client.final_response().expect(200);
    let echoed = client.final_response().expect(200);
    assert_eq!(echoed.body.len(), 500_000);
    client.expect_end();
}

#[test]
fn a_client_that_says_nothing_is_told_nothing() {
    let mut client = SERVER.connect();
    client.half_close();
    client.expect_end();
}

#[test]
fn routes_capture_segments_and_rests() {
    for path in ["/greet/ada", "/greet/a%20b", "/files/a", "/files/a/b/c"] {
        SERVER.request(get(path)).expect(200);
    }
    for path in [
        "/greet",
        "/greet/",
        "/greet/a/b",
        "/file",
        "/hello/",
        "/Hello",
    ] {
        SERVER.request(get(path)).expect_refusal(404);
    }
}

#[test]
fn the_host_chooses_among_routes() {
    let ask = |host: &str| SERVER.request(format!("POST / HTTP/1.1\r\nhost: {host}\r\n\r\n"));
    for host in ["hello.example", "HELLO.example:8080", "hello.example."] {
        assert_eq!(ask(host).expect(200).text(), "Hello world!");
    }
    for host in ["a.echo.example", "a.b.echo.example:80"] {
        assert_eq!(ask(host).expect(200).text(), "");
    }
    for host in [
        "echo.example",
        "example",
        "xhello.example",
        "127.0.0.1",
        "[::1]:80",
    ] {
        ask(host).expect_refusal(404);
    }
}

#[test]
fn a_method_that_is_not_offered_learns_which_are() {
    let mut client = SERVER.connect();
    let response = client.request(post("/read-only", "")).expect_refusal(405);
    assert_eq!(response.field("allow"), Some("GET, HEAD"));
    let response = client.request(get("/submit")).expect_refusal(405);
    assert_eq!(response.field("allow"), Some("POST, PUT"));
    client.request(get("/read-only")).expect(200);
    client.request(post("/submit", "x")).expect(200);
    client.send(head("HEAD", "/read-only", ""));
    client.try_response("HEAD").unwrap().expect(200);
}

#[test]
fn every_refusal_has_an_id_of_its_own() {
    let mut client = SERVER.connect();
    let mut id = || {
        let response = client.request(get("/nowhere")).expect_refusal(404);
        response.field("x-request-id").unwrap().to_owned()
    };
    let (first, second) = (id(), id());
    assert_ne!(first, second);
    let prefix = |id: &str| id.split_once('-').unwrap().0.to_owned();
    assert_eq!(prefix(&first), prefix(&second));
}

#[test]
fn all_listeners_serve() {
    let listen = "[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\", \"127.0.0.2:0\"]\n";
    let server = TestServer::start(&(listen.to_owned() + HELLO));
    assert_eq!(server.addresses.len(), 3);
    for address in &server.addresses {
        Client::connect(*address).request(get("/hello")).expect(200);
    }
}

#[test]
fn ipv6_serves_beside_ipv4() {
    let probe = TcpListener::bind("[::1]:0");
    if probe
        .as_ref()
        .is_err_and(|e| e.kind() == ErrorKind::AddrNotAvailable)
    {
        println!("not tested: this machine has no IPv6");
        return;
    }
    let listen = "[server]\nlisten = [\"[::]:0\", \"[::1]:0\", \"127.0.0.1:0\"]\n";
    let server = TestServer::start(&(listen.to_owned() + HELLO));
    assert!(server.addresses[0].is_ipv6() && server.addresses[1].is_ipv6());
    let any = ("::1", server.addresses[0].port());
    let any = Client::over(std::net::TcpStream::connect(any).unwrap());
    let others = server.addresses[1..].iter().copied().map(Client::connect);
    for mut client in std::iter::once(any).chain(others) {
        client.request(get("/hello")).expect(200);
    }
}
