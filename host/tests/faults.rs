//! A guest can hurt only its own request: every way to misbehave gets the right status, and the
//! next request is served, on the same connection and on a new one, by the same guest and by
//! others.

use crate::support::*;

/// Deadlines of guests that are expected to end by themselves.
const PATIENT: &str = "deadline = \"15s\"";
/// Each guest has one place, so that a call that never gave its own back would be noticed.
const ALONE: &str = "concurrency_max = 1\n";

/// The fault guest `name` and a well-behaved one, with room for two instances altogether.
fn server(name: &str, keys: &str) -> TestServer {
    let sandbox = "[sandbox]\ninstances_max = 2\n";
    let fault = fault(name, &(ALONE.to_owned() + keys));
    TestServer::start(&(sandbox.to_owned() + &fault + HELLO))
}

/// Asks the fault guest in each of these ways and gets this status, again and again, with other
/// requests before and after.
#[track_caller]
fn is_contained(name: &str, keys: &str, queries: &[&str], status: u16) {
    let server = server(name, keys);
    let mut kept = server.connect();
    for query in queries {
        let target = format!("/{name}{query}");
        for _ in 0..2 {
            let refused = kept.request(get(&target)).expect_refusal(status);
            assert!(!refused.closes(), "{target} cost the connection");
            assert_eq!(refused.text().lines().count(), 2, "{}", refused.text());
            kept.request(get("/hello")).expect(200);
        }
        server.request(get(&target)).expect_refusal(status);
        server.request(get("/hello")).expect(200);
    }
}

#[test]
fn trap() {
    is_contained("trap", PATIENT, &[""], 500);
}

#[test]
fn spin_forever() {
    is_contained("spin-forever", "deadline = \"200ms\"", &[""], 504);
}

#[test]
fn memory_hog() {
    is_contained("memory-hog", PATIENT, &[""], 500);
}

#[test]
fn stack_overflow() {
    is_contained("stack-overflow", PATIENT, &[""], 500);
    let server = server("stack-overflow", PATIENT);
    server.request(get("/stack-overflow?depth=2")).expect(200);
}

#[test]
fn huge_response() {
    is_contained("huge-response", PATIENT, &[""], 500);
}

#[test]
fn crlf_field() {
    is_contained("crlf-field", PATIENT, &["", "?in=name"], 500);
}

#[test]
fn bad_status() {
    let queries = [
        "",
        "?status=0",
        "?status=100",
        "?status=101",
        "?status=199",
        "?status=600",
    ];
    is_contained("bad-status", PATIENT, &queries, 500);
    let server = server("bad-status", PATIENT);
    server.request(get("/bad-status?status=599")).expect(599);
}

#[test]
fn many_fields() {
    is_contained("many-fields", PATIENT, &[""], 500);
}

#[test]
fn framing_field() {
    let queries = [
        "",
        "?name=Transfer-Encoding&value=identity",
        "?name=content-length&value=99",
        "?name=content-length&value=-1",
        "?name=connection&value=close",
        "?name=keep-alive&value=x",
        "?name=upgrade&value=websocket",
        "?name=trailer&value=x",
    ];
    is_contained("framing-field", PATIENT, &queries, 500);
    let server = server("framing-field", PATIENT);
    let harmless = server.request(get("/framing-field?name=content-length&value=4"));
    assert_eq!(harmless.expect(200).text(), "body");
}

#[test]
fn slow() {
    is_contained(
        "slow",
        "deadline = \"200ms\"",
        &["?iterations=1000000000000"],
        504,
    );
    let server = server("slow", PATIENT);
    server.request(get("/slow?iterations=1000")).expect(200);
}

#[test]
fn statuses_without_body_have_none() {
    let server = server("bad-status", PATIENT);
    let mut client = server.connect();
    for status in [204, 205, 304] {
        let target = format!("/bad-status?status={status}");
        let response = client.request(get(&target)).expect(status);
        assert!(response.body.is_empty());
    }
    client.request(get("/hello")).expect(200);
}

#[test]
fn log_flood() {
    let program = Program::start(
        &("[log]\nguest_lines_max = 7\nguest_line_max = 100\n".to_owned()
            + &fault("log-flood", PATIENT)
            + HELLO),
    );
    let mut client = program.connect();
    client.request(get("/log-flood")).expect(200);
    client.request(get("/hello")).expect(200);
    program.log.wait_for("the rest", |line| {
        line.contains("lines over the limit, not shown: 99994")
    });
    program
        .log
        .wait_for("access", |line| line.contains("/hello"));
    let lines = program.log.all();
    let of_guest = |line: &&String| line.contains("guest: ");
    assert_eq!(lines.iter().filter(of_guest).count(), 8, "{lines:#?}");
    assert!(lines.iter().all(|line| line.len() < 500), "{lines:#?}");
    // A line break in a guest's line begins no line of the log.
    assert!(
        lines
            .iter()
            .any(|line| line.contains("line 0\\r\\nand a second line in it"))
    );
    assert!(!lines.iter().any(|line| line.starts_with("and a second")));
}

#[test]
fn what_failed_is_in_the_log_and_not_in_the_response() {
    let program = Program::start(&fault("trap", PATIENT));
    let response = program.request(get("/trap")).expect_refusal(500);
    assert!(!response.text().contains("trap"), "{}", response.text());
    let id = response.field("x-request-id").unwrap();
    let told = program.log.wait_for("the trap", |line| {
        line.contains(id) && line.contains("WARN") && line.contains("trapped")
    });
    assert!(told.contains("unreachable"), "{told}");
    let panic = "the trap guest always panics, asked for /trap";
    program
        .log
        .wait_for("the panic's message", |line| line.contains(panic));
}

#[test]
fn others_are_served_while_every_place_of_a_guest_spins() {
    const PLACES: usize = 4;
    let keys = format!("concurrency_max = {PLACES}\ndeadline = \"4s\"");
    let server = TestServer::start(&(fault("spin-forever", &keys) + HELLO));
    let mut spinning: Vec<Client> = (0..PLACES).map(|_| server.connect()).collect();
    for client in &mut spinning {
        client.send(get("/spin-forever"));
    }
    let mut kept = server.connect();
    for _ in 0..5 {
        kept.request(get("/hello")).expect(200);
        server.request(get("/hello")).expect(200);
    }
    for client in &mut spinning {
        assert!(
            client.has_nothing(),
            "the guest was over before the others were served"
        );
    }
    for client in &mut spinning {
        client.response().expect_refusal(504);
        client.request(get("/hello")).expect(200);
    }
}

#[test]
fn an_upload_that_breaks_off_takes_no_place() {
    let server = server("trap", PATIENT);
    for _ in 0..3 {
        let mut client = server.connect();
        client.send(head("POST", "/trap", "content-length: 100000\r\n") + "begun");
        client.half_close();
        assert!(client.response().expect_refusal(400).closes());
        client.expect_end();
        let mut vanishing = server.connect();
        vanishing.send(head("POST", "/hello", "transfer-encoding: chunked\r\n") + "5\r\nbeg");
    }
    server.request(get("/hello")).expect(200);
    server
        .request(post("/trap", zeros(100_000)))
        .expect_refusal(500);
}

#[test]
fn a_fault_after_a_whole_upload_keeps_the_connection() {
    let server = server("trap", PATIENT);
    let mut client = server.connect();
    for _ in 0..2 {
        client
            .request(post("/trap", zeros(1 << 20)))
            .expect_refusal(500);
        client
            .request(chunked("/trap", &[&zeros(1 << 20)], ""))
            .expect_refusal(500);
    }
    client.send(
        [
            &post("/trap", "x")[..],
            get("/trap").as_bytes(),
            get("/hello").as_bytes(),
        ]
        .concat(),
    );
    client.response().expect_refusal(500);
    client.response().expect_refusal(500);
    client.response().expect(200);
}

#[test]
fn a_reused_instance_is_dropped_after_a_fault() {
    let keys = "instances = { reuse = 1000 }\ndeadline = \"15s\"";
    let server = server("stack-overflow", keys);
    let mut client = server.connect();
    for _ in 0..3 {
        client.request(get("/stack-overflow?depth=3")).expect(200);
        client.request(get("/stack-overflow")).expect_refusal(500);
    }
    client.request(get("/hello")).expect(200);
}
