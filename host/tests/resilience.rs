//! A guest that fails, hangs or is overrun: what its clients get, and that it comes back.

use crate::support::*;

/// A new generation that traps is taken back without anybody's doing.
#[test]
fn a_generation_that_traps_is_taken_back() {
    let live = Live::start("rollback_requests = 5\nbreaker_failures = 0\n", "");
    live.put(component("faults/trap"));
    live.reload_until("is swapped");
    let mut failed = 0;
    while live.0.request(get("/live")).status == 500 {
        failed += 1;
        assert!(failed <= 5, "it still serves");
    }
    assert_eq!(failed, 5);
    let line = live
        .0
        .log
        .wait_for("taken back", |line| line.contains("serves again"));
    assert!(
        line.contains("generation 2") && line.contains("5 of its first 5"),
        "{line}"
    );
    assert_eq!(live.version(), "one");
    // The same bytes are not tried again; others are.
    let line = live.reload_until("serves on");
    assert!(line.contains("failed and was taken back"), "{line}");
    live.put(version("two"));
    live.reload_until("is swapped");
    assert_eq!(live.version(), "two");
}

#[test]
fn with_rollback_off_it_stays() {
    let live = Live::start("rollback = false\nbreaker_failures = 0\n", "");
    live.put(component("faults/trap"));
    live.reload_until("is swapped");
    for _ in 0..30 {
        live.0.request(get("/live")).expect(500);
    }
}

/// What is put back is the last generation that did well, not the first.
#[test]
fn a_proven_generation_is_what_a_later_one_gives_way_to() {
    let live = Live::start("rollback_requests = 4\nrollback_ratio = 0.9\n", "");
    live.put(version("two"));
    live.reload_until("generation 2");
    for _ in 0..4 {
        assert_eq!(live.version(), "two");
    }
    live.put(component("faults/trap"));
    live.reload_until("generation 3");
    for _ in 0..4 {
        live.0.request(get("/live")).expect_refusal(500);
    }
    live.0
        .log
        .wait_for("taken back", |line| line.contains("serves again"));
    assert_eq!(live.version(), "two");
}

/// One that has not proven itself is not what the next one gives way to.
#[test]
fn an_unproven_generation_is_not_put_back() {
    let live = Live::start("rollback_requests = 4\nbreaker_failures = 0\n", "");
    live.put(component("faults/trap"));
    live.reload_until("generation 2");
    live.put(component("faults/bad-status"));
    live.reload_until("generation 3");
    for _ in 0..4 {
        live.0.request(get("/live")).expect_refusal(500);
    }
    assert_eq!(live.version(), "one");
}

/// Fewer failures open the breaker than would end the probation: it ends it all the same.
#[test]
fn a_breaker_that_opens_on_probation_takes_the_generation_back() {
    let live = Live::start("rollback_requests = 10\nbreaker_failures = 3\n", "");
    live.put(component("faults/trap"));
    live.reload_until("generation 2");
    for _ in 0..3 {
        live.0.request(get("/live")).expect_refusal(500);
    }
    assert_eq!(live.version(), "one");
}

/// The configuration changes while the file holds what was taken back.
#[test]
fn what_was_taken_back_comes_in_by_no_other_way() {
    let live = Live::start("rollback_requests = 2\n", "");
    live.put(component("faults/trap"));
    live.reload_until("is swapped");
    for _ in 0..2 {
        live.0.request(get("/live")).expect_refusal(500);
    }
    assert_eq!(live.version(), "one");
    // Another guest's change does not have to wait for this one.
    live.configure(&(Live::config("rollback_requests = 2\n", "") + HELLO));
    live.reload_until("config.toml is taken");
    live.0.request(get("/hello")).expect(200);
    assert_eq!(live.version(), "one");
    // A change of this guest's own keys would load the content anew.
    live.configure(&Live::config("rollback_requests = 3\n", ""));
    let refused = live.reload_until("failed and was taken back");
    assert!(refused.contains("live.wasm"), "{refused}");
    assert_eq!(live.version(), "one");
}

/// New keys and new content at once: the content is on probation all the same.
#[test]
fn content_that_comes_with_new_keys_is_on_probation() {
    let live = Live::start("", "");
    live.put(component("faults/trap"));
    live.configure(&Live::config("rollback_requests = 2\n", ""));
    live.reload_until("config.toml is taken");
    for _ in 0..2 {
        live.0.request(get("/live")).expect_refusal(500);
    }
    assert_eq!(live.version(), "one");
}

/// Who would be refused anyway is told before it has sent its body.
#[test]
fn a_guest_that_is_left_alone_receives_no_body() {
    let keys = "breaker_failures = 1\nbreaker_pause = \"1h\"";
    let server = TestServer::start(&fault("trap", keys));
    server.request(get("/trap")).expect_refusal(500);
    let fields = "content-length: 4\r\nexpect: 100-continue\r\n";
    let refused = server.request(head("POST", "/trap", fields));
    assert_eq!(
        refused.expect_refusal(503).field("retry-after"),
        Some("3600")
    );
}

#[test]
fn a_guest_that_keeps_failing_is_left_alone_and_tried_again() {
    let keys = "breaker_failures = 3\nbreaker_pause = \"1s\"";
    let server = TestServer::start(&(fault("trap", keys) + HELLO));
    let mut client = server.connect();
    for _ in 0..3 {
        client.request(get("/trap")).expect_refusal(500);
    }
    let resting = client.request(get("/trap")).expect_refusal(503);
    assert_eq!(resting.field("retry-after"), Some("1"));
    client.request(get("/hello")).expect(200);
    // It is tried again after the pause, with one request: a 500 among the 503s.
    let start = std::time::Instant::now();
    while client.request(get("/trap")).status == 503 {
        assert!(start.elapsed() < PATIENCE, "it is never tried again");
    }
    client.request(get("/trap")).expect_refusal(503);
}

#[test]
fn who_finds_the_guest_busy_waits_in_turn_and_not_for_ever() {
    let keys = "concurrency_max = 1\nqueue_max = 1\nqueue_time = \"200ms\"\ndeadline = \"2s\"";
    let program = Program::start(&fault("spin-forever", keys));
    let mut clients = [program.connect(), program.connect()];
    clients
        .iter_mut()
        .for_each(|client| client.send(get("/spin-forever")));
    let mut responses = clients.each_mut().map(|client| client.response());
    responses.sort_by_key(|response| response.status);
    let [waited, ran] = responses;
    assert!(waited.expect_refusal(503).field("retry-after").is_some());
    ran.expect_refusal(504);
    let overran = |phase| move |line: &str| line.contains(&format!("overran={phase}"));
    let waited = program.log.wait_for("the queue", overran("queue"));
    let ran = program.log.wait_for("the guest", overran("guest"));
    assert!(
        waited.contains("status=503") && ran.contains("status=504"),
        "{waited}\n{ran}"
    );
}

#[test]
fn a_place_that_becomes_free_goes_to_who_waits() {
    let keys = "concurrency_max = 1\nqueue_max = 8\nqueue_time = \"20s\"\ndeadline = \"20s\"";
    let server = TestServer::start(&fault("slow", keys));
    let mut clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
    clients
        .iter_mut()
        .for_each(|client| client.send(get("/slow")));
    for client in &mut clients {
        client.response().expect(200);
    }
}

/// Of two clients one has the only place when the other is refused. It hangs up, twice in a row.
#[test]
fn a_client_that_hangs_up_stops_its_guest() {
    let keys = "concurrency_max = 1\nqueue_max = 1\nqueue_time = \"300ms\"\ndeadline = \"1h\"";
    let program = Program::start(&fault("spin-forever", keys));
    for round in 0..2 {
        let names = ["a", "b"].map(|name| format!("/spin-forever?{name}{round}"));
        let clients = names.each_ref().map(|name| {
            let mut client = program.connect();
            client.send(get(name));
            client
        });
        let of_round = |line: &str| names.iter().any(|name| line.contains(name.as_str()));
        let refused = program.log.wait_for("a refusal", |line| {
            of_round(line) && line.contains("status=503")
        });
        drop(clients);
        let left = program.log.wait_for("a hang-up", |line| {
            of_round(line) && line.contains("the client left while it waited")
        });
        assert_ne!(
            names.iter().position(|n| refused.contains(n)),
            names.iter().position(|n| left.contains(n))
        );
    }
}

#[test]
fn a_client_that_only_ends_its_side_gets_its_answer() {
    let server = TestServer::start(&fault("slow", "deadline = \"20s\""));
    let mut client = server.connect();
    client.send(get("/slow"));
    client.half_close();
    client.final_response().expect(200);
    client.expect_end();
}

#[test]
fn the_phase_that_overran_is_named() {
    let spins_at_its_start = "(func $spin (loop $again (br $again))) (start $spin) \
        (func (export \"handle\") (param i32) (result i32) (unreachable))";
    let times = "[timeouts]\nhead = \"300ms\"\nbody = \"300ms\"\nwrite = \"300ms\"\n";
    let folder = Live::folder("deadline = \"1s\"", &(times.to_owned() + ECHO));
    std::fs::write(
        folder.path().join("live.wasm"),
        component_of(spins_at_its_start),
    )
    .unwrap();
    let live = Live::start_in(folder);
    let overran = |phase: &str, status: u16| {
        let line = live
            .0
            .log
            .wait_for(phase, |line| line.contains(&format!("overran={phase}")));
        assert!(line.contains(&format!("status={status} ")), "{line}");
    };
    let mut slow = live.0.connect();
    slow.send("GET /echo HTT");
    slow.response().expect_refusal(408);
    overran("head", 408);
    let mut slow = live.0.connect();
    slow.send(head("POST", "/echo", "content-length: 4\r\n") + "bo");
    slow.response().expect_refusal(408);
    overran("body", 408);
    live.0.request(get("/live")).expect_refusal(504);
    overran("instantiate", 504);
    // The rest of the answer finds no room between the two, whatever the kernel holds.
    let bytes = zeros(10_000_000);
    let mut deaf = live.0.connect();
    deaf.send(post("/echo", bytes));
    overran("write", 200);
}

#[test]
fn a_greedy_guest_leaves_the_others_their_part_of_the_instances() {
    let keys = "concurrency_max = 100\nqueue_max = 0\ndeadline = \"1h\"\nbreaker_failures = 0";
    let sandbox = "[sandbox]\ninstances_max = 8\n";
    let program = Program::start(&(sandbox.to_owned() + HELLO + &fault("spin-forever", keys)));
    let mut spinning: Vec<_> = (0..7).map(|_| program.connect()).collect();
    spinning
        .iter_mut()
        .for_each(|client| client.send(get("/spin-forever")));
    // Six is all it can have: half of them are common, and a quarter its own.
    let refused = |line: &str| line.contains("sandbox.instances_max is reached");
    program.log.wait_for("a refusal", refused);
    for _ in 0..10 {
        program.request(get("/hello")).expect(200);
    }
    assert_eq!(program.log.count(refused), 1);
}
