//! Links of a chain that fail, or do not end: who failed is told, and nobody else is blamed.

use std::io::ErrorKind;

use super::{BOTH, chained, does, names, sections};
use crate::support::*;

/// The program with these routes, whose log is looked at.
fn program(more: &str) -> Program {
    let routes = [
        ("/tells", BOTH, "tells"),
        ("/lean", BOTH, "echo"),
        ("/echo", BOTH, "streaming-echo"),
    ];
    Program::start(&(sections(&routes) + more))
}

/// The access line of the one request with this target.
fn access(program: &Program, target: &str) -> String {
    let quoted = format!("target={target}");
    let says = |line: &str| line.contains("access") && line.contains(&quoted);
    program.log.wait_for(target, says)
}

#[test]
fn a_link_that_traps_is_named() {
    let program = program("");
    for (name, target) in [("a", "/tells?1"), ("b", "/tells?2")] {
        let response = program.request(does(target, &format!("{name}=trap")));
        response.expect_refusal(500);
        let line = access(&program, target);
        assert!(line.contains(&format!("link={name} ")), "{line}");
        assert!(
            line.contains("guest=tells") && line.contains("trapped"),
            "{line}"
        );
        let named = format!("guest={name} ");
        let warned = |line: &str| line.contains("WARN") && line.contains(&named);
        let warning = program.log.wait_for("the warning", warned);
        assert!(warning.contains("generation=1"), "{warning}");
    }
    program.request(get("/tells")).expect(200);
}

#[test]
fn so_is_the_guest_behind_them() {
    let trap = fault("trap", "deadline = \"60s\"");
    let lean = chained("/trap-lean", BOTH, "trap");
    let program = program(&(trap + &lean));
    for (target, guest) in [("/tells?trap=1", "tells"), ("/trap-lean", "trap")] {
        program.request(get(target)).expect_refusal(500);
        let line = access(&program, target);
        assert!(line.contains(&format!("link={guest} ")), "{line}");
        assert!(line.contains("trapped"), "{line}");
        // The middleware copies: it is not the one that breaks, and says so.
        program
            .request(does(target, "a=copy b=copy"))
            .expect_refusal(500);
    }
    program.request(get("/tells")).expect(200);
}

#[test]
fn a_failure_may_be_dealt_with() {
    let program = program("");
    let response = program
        .request(does("/tells?trap=1", "b=swallow"))
        .expect(200);
    assert_eq!(response.text(), "swallowed 502\n");
    assert_eq!(names(&response), ["a"]);
    let says = |line: &str| line.contains("has dealt with it") && line.contains("guest=tells");
    program.log.wait_for("what was dealt with", says);
    // One that tries again finds the handler as it is, as often as it likes.
    program
        .request(does("/tells?trap=2", "b=retry"))
        .expect_refusal(500);
    program
        .request(does("/tells?trap=3", "a=retry b=retry"))
        .expect_refusal(500);
    let response = program.request(does("/tells?4", "a=retry")).expect(200);
    assert_eq!(names(&response), ["b"]);
    // A link of its own mind is not taken for one that passes something on.
    let response = program.request(does("/tells?5", "b=error"));
    assert_eq!(response.status, 503);
    let response = program.request(does("/tells?6", "a=drop")).expect(200);
    assert_eq!(response.text(), "a drops it\n");
    program
        .request(does("/tells?7", "a=trap-late"))
        .expect_refusal(500);
    let line = access(&program, "/tells?7");
    assert!(line.contains("link=a "), "{line}");
}

#[test]
fn a_link_may_answer_by_itself() {
    let program = program("");
    let response = program.request(does("/tells?self", "b=answer")).expect(200);
    assert_eq!(response.text(), "b answers\n");
    assert_eq!(names(&response), ["a"]);
    let line = access(&program, "/tells?self");
    assert!(
        line.contains("link=b ") && !line.contains("generation"),
        "{line}"
    );
}

#[test]
fn what_fails_midway_is_cut_off() {
    let broken = fault("trap-after-head", "deadline = \"60s\"");
    let behind = chained("/breaks", BOTH, "trap-after-head");
    let program = program(&(broken + &behind));
    for (target, what, who) in [
        ("/breaks?1", "", "trap-after-head"),
        ("/breaks?2", "a=copy b=copy", "trap-after-head"),
        ("/tells?1", "a=trap-midway", "a"),
        ("/tells?2", "b=trap-midway", "b"),
        ("/tells?3", "a=copy b=trap-midway", "b"),
    ] {
        let mut client = program.connect();
        client.send(does(target, what));
        let response = client.try_response("GET");
        let error = response.expect_err("it looks complete");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{target}");
        let line = access(&program, target);
        assert!(line.contains("cut off"), "{line}");
        assert!(line.contains(&format!("link={who} ")), "{line}");
    }
    program.request(get("/tells")).expect(200);
}

/// The sections of a chain whose deadline is short, which the route's guest says.
fn short(component: &str) -> String {
    let keys = "deadline = \"500ms\"\nbreaker_failures = 0\nrollback = false";
    guest("short", component, keys) + &chained("/short", BOTH, "short")
}

#[test]
fn who_takes_too_long_is_named() {
    for (component, what, who) in [
        ("faults/tells", "a=spin", "a"),
        ("faults/tells", "b=spin", "b"),
        ("faults/tells", "b=hang", "b"),
        ("faults/spin-forever", "", "short"),
        ("faults/spin-forever", "a=copy b=copy", "short"),
    ] {
        let program = program(&short(component));
        program.request(does("/short", what)).expect_refusal(504);
        let line = access(&program, "/short");
        assert!(line.contains(&format!("link={who} ")), "{what}: {line}");
        assert!(line.contains("overran=guest "), "{what}: {line}");
        program.request(get("/tells")).expect(200);
    }
}

#[test]
fn and_so_is_who_takes_too_long_over_a_body() {
    let program = program(&short("faults/hangs-after-head"));
    for what in ["", "a=copy b=copy"] {
        let mut client = program.connect();
        client.send(does("/short", what));
        let heard = String::from_utf8(client.rest().unwrap()).unwrap();
        assert!(
            heard.contains("wait\n") && !heard.ends_with("0\r\n\r\n"),
            "{heard}"
        );
    }
    let says = |line: &str| line.contains("target=/short") && line.contains("link=short ");
    program.log.wait_for("who it was", says);
}

/// A server whose guests and links are each left alone after three failures in a row.
fn impatient() -> TestServer {
    let text = sections(&[("/tells", BOTH, "tells"), ("/lean", BOTH, "echo")]);
    TestServer::start(&text.replace("breaker_failures = 0", "breaker_failures = 3"))
}

#[test]
fn a_guest_that_fails_takes_no_link_with_it() {
    let server = impatient();
    for _ in 0..3 {
        server.request(get("/tells?trap=1")).expect_refusal(500);
    }
    let refused = server.request(get("/tells")).expect_refusal(503);
    assert!(refused.field("retry-after").is_some());
    server.request(post("/lean", "fine")).expect(200);
}

#[test]
fn a_link_that_fails_is_left_alone_on_every_route() {
    let server = impatient();
    // No call that ends well comes before: its end may be told after its response, and would
    // begin the count again.
    for _ in 0..3 {
        server.request(does("/lean", "b=trap")).expect_refusal(500);
    }
    for route in ["/lean", "/tells"] {
        let refused = server.request(post(route, "fine")).expect_refusal(503);
        assert!(refused.field("retry-after").is_some());
    }
}

#[test]
fn who_waits_for_one_that_is_slow_is_not_left_alone() {
    let keys = "deadline = \"300ms\"\nbreaker_failures = 0\nrollback = false";
    let slow = guest("slow", "faults/spin-forever", keys) + &chained("/slow", BOTH, "slow");
    let text = sections(&[("/tells", BOTH, "tells")]);
    let text = text.replace("breaker_failures = 0", "breaker_failures = 2");
    let server = TestServer::start(&(text + &slow));
    for _ in 0..3 {
        server.request(get("/slow")).expect_refusal(504);
    }
    server.request(get("/tells")).expect(200);
}
