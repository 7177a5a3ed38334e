//! Streamed guests that fail, stall, or ask for too much; and clients that leave them.

use std::io::ErrorKind;
use std::thread;
use std::time::Instant;

use crate::support::*;

/// A client's view of a response that breaks off: its status, what came of the body, and that the
/// end was orderly and not one of a whole message.
fn broken(server: &TestServer, target: &str) -> String {
    let mut client = server.connect();
    client.send(get(target));
    let heard = client.rest().expect("no orderly end");
    let heard = String::from_utf8_lossy(&heard).into_owned();
    assert!(heard.starts_with("HTTP/1.1 200 "), "{target}: {heard}");
    assert!(
        !heard.ends_with("0\r\n\r\n"),
        "{target} looks complete: {heard}"
    );
    heard
}

fn server(name: &str, keys: &str) -> TestServer {
    let fault = fault(
        name,
        &format!("breaker_failures = 0\nrollback = false\n{keys}"),
    );
    TestServer::start(&(fault + HELLO))
}

#[test]
fn a_trap_in_the_body_cuts_it_short() {
    let server = server("trap-after-head", "");
    for _ in 0..20 {
        broken(&server, "/trap-after-head");
    }
    server.request(get("/hello")).expect(200);
}

#[test]
fn a_guest_that_waits_past_its_deadline_is_cut_short() {
    let server = server("hangs-after-head", "deadline = \"300ms\"");
    let heard = broken(&server, "/hangs-after-head");
    assert!(heard.contains("wait\n"), "{heard}");
    server.request(get("/hello")).expect(200);
}

#[test]
fn a_body_of_another_length_than_announced_is_cut_short() {
    let server = server("wrong-length", "");
    for length in [3, 100] {
        let mut client = server.connect();
        client.send(get(&format!("/wrong-length?length={length}")));
        match client.try_response("GET") {
            // Three bytes are all that was announced, and all that there may be.
            Ok(response) => {
                assert!(length == 3 && response.body == b"bod" || response.status == 500);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof),
        }
    }
    server.request(get("/hello")).expect(200);
}

#[test]
fn a_guest_that_never_reads_costs_no_response() {
    let server = server("never-reads", "deadline = \"20s\"");
    let mut client = server.connect();
    let sending = client.send_aside(post("/never-reads?for=1", zeros(2_000_000)));
    client.response().expect(200);
    // What the host does not read within its bounds, the client may not get rid of.
    let _ = sending.join().unwrap();
}

#[test]
fn fields_and_trailers_have_their_limits() {
    let fields = server("too-many-fields", "deadline = \"60s\"");
    fields.request(get("/too-many-fields")).expect_refusal(500);
    let trailers = server("huge-trailer", "deadline = \"60s\"");
    let mut client = trailers.connect();
    client.send(head("GET", "/huge-trailer", "connection: close\r\n"));
    // Refused to the guest, or cut short: never a trailer over the limit.
    let heard = client.rest().expect("no orderly end");
    assert!(heard.len() < 256 << 10, "{} bytes", heard.len());
    trailers.request(get("/hello")).expect(200);
}

#[test]
fn what_the_host_holds_for_a_guest_is_bounded() {
    let server = server("resource-hog", "deadline = \"60s\"");
    for of in ["fields", "values", "streams", "futures", "timers"] {
        let start = Instant::now();
        let response = server.request(get(&format!("/resource-hog?of={of}")));
        // At the limit it is refused, and traps; without one it would go on to its deadline.
        assert_eq!(response.status, 500, "{of}: {response:?}");
        assert!(start.elapsed() < PATIENCE);
        server.request(get("/hello")).expect(200);
    }
}

#[test]
fn work_after_the_answer_ends_with_the_deadline() {
    // There is one instance, so that the next request waits until the work is over.
    let sandbox = "[sandbox]\ninstances_max = 1\n".to_owned();
    let works_on = fault("works-on", "deadline = \"2s\"\nbreaker_failures = 0");
    let patient = "deadline = \"60s\"\nqueue_time = \"60s\"";
    let hello = guest("hello", "hello", patient) + &route("/hello", "hello", "");
    let server = TestServer::start(&(sandbox + &works_on + &hello));
    for work in ["ever", "600", "0"] {
        let response = server.request(get(&format!("/works-on?for={work}")));
        assert_eq!(response.expect(200).text(), "answered\n");
        server.request(get("/hello")).expect(200);
    }
}

#[test]
fn what_it_prints_is_bounded() {
    let log = "[log]\nguest_lines_max = 7\nguest_line_max = 100\n".to_owned();
    let program = Program::start(&(log + &fault("stdout-flood", "deadline = \"60s\"")));
    program.request(get("/stdout-flood")).expect(200);
    let counted = |line: &str| line.contains("lines over the limit, not shown");
    program.log.wait_for("what was left out", counted);
    let of_guest = |line: &str| line.contains("guest: ");
    assert_eq!(program.log.count(of_guest), 8);
    assert!(program.log.all().iter().all(|line| line.len() < 500));
}

#[test]
fn a_client_that_leaves_ends_its_guest() {
    let keys = "deadline = \"1h\"\nconcurrency_max = 1\nqueue_max = 1\nqueue_time = \"60s\"";
    let server = server("hangs-after-head", keys);
    for round in 0..3 {
        let mut client = server.connect();
        client.send(get("/hangs-after-head"));
        let mut heard = String::new();
        while !heard.contains("wait\n") {
            heard += &String::from_utf8(client.some().unwrap()).unwrap();
        }
        assert!(heard.starts_with("HTTP/1.1 200 "), "round {round}: {heard}");
        // A FIN alone would only say that it sends nothing more.
        client.reset();
    }
}

#[test]
fn uploads_that_break_off_leave_nothing_behind() {
    let keys = "concurrency_max = 2\nqueue_time = \"15s\"";
    let echo = guest("streaming-echo", "streaming-echo", keys) + &route("/", "streaming-echo", "");
    let server = TestServer::start(&echo);
    let clients: Vec<_> = (0..20)
        .map(|number| {
            let mut client = server.connect();
            thread::spawn(move || {
                client.send(head("POST", "/", "content-length: 1000\r\n") + "begun");
                if number % 2 == 0 {
                    client.reset();
                }
            })
        })
        .collect();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    let response = server.request(post("/", "whole")).expect(200);
    assert_eq!(response.text(), "whole");
}
