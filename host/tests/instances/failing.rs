//! What becomes of the others in an instance when one request fails, overruns or is left; and of
//! the requests after them.

use std::thread;
use std::time::{Duration, Instant};

use super::{Staying, count, numbers, server, to};
use crate::support::*;

#[test]
fn a_trap_ends_all_of_its_instance_and_nothing_else() {
    let server = server(2, "{ reuse = 100, concurrent = 4 }", "");
    // One of the two instances is the other guest's part.
    for _ in 0..3 {
        let mut all: Vec<_> = (0..3).map(|_| Staying::begin(&server, "hang")).collect();
        all.push(Staying::begin(&server, "trap"));
        assert_eq!(all[3].numbers(), (4, 4));
        all.into_iter().for_each(Staying::expect_broken);
        assert_eq!(count(&server), (1, 1), "one that nobody used before");
        server.request(get("/hello")).expect(200);
        // The next round begins with an instance of its own, too.
        Staying::begin(&server, "trap").expect_broken();
    }
}

#[test]
fn requests_without_a_response_hear_that_their_instance_failed() {
    let server = server(1, "{ reuse = 1_000_000, concurrent = 8 }", "");
    let _staying = Staying::begin(&server, "hang");
    // It waits, and has no response yet.
    let mut waits = server.connect();
    waits.send(to("late"));
    while count(&server).1 < 3 {}
    Staying::begin(&server, "trap").expect_broken();
    waits.response().expect_refusal(500);
    assert_eq!(count(&server).0, 1);
}

#[test]
fn an_error_of_one_request_is_no_matter_of_the_others() {
    let server = server(1, "{ reuse = 100, concurrent = 3 }", "");
    let waits = Staying::begin(&server, "wait");
    for _ in 0..3 {
        server.request(to("error")).expect(418);
    }
    assert_eq!(numbers(server.request(to("release")).text()), (5, 2));
    waits.expect_whole();
}

#[test]
fn a_guest_that_spins_is_in_nobodys_way_until_it_is_stopped() {
    let server = server(
        3,
        "{ reuse = 1_000_000, concurrent = 3 }",
        "deadline = \"5s\"",
    );
    let mut spins = Staying::begin(&server, "spin");
    while count(&server).1 > 1 {}
    server.request(get("/hello")).expect(200);
    assert!(spins.client.has_nothing());
    spins.expect_broken();
    server.request(to("spin-late")).expect_refusal(504);
    assert_eq!(count(&server).1, 1);
}

#[test]
fn a_guest_that_spins_takes_those_along_that_share_its_instance() {
    let server = server(
        1,
        "{ reuse = 1_000_000, concurrent = 3 }",
        "deadline = \"3s\"",
    );
    let (mut late, mut spins) = (server.connect(), server.connect());
    late.send(to("late"));
    while count(&server).1 < 2 {}
    spins.send(to("spin-late"));
    let response = late.response();
    // Its own deadline comes a moment before the other one's.
    assert!(matches!(response.status, 500 | 504), "{response:?}");
    spins.response().expect_refusal(504);
    assert_eq!(count(&server), (1, 1));
}

#[test]
fn one_that_waits_past_its_deadline_leaves_the_others_alone() {
    let keys = "deadline = \"4s\"";
    let server = server(3, "{ reuse = 1_000_000, concurrent = 8 }", keys);
    let begun = Instant::now();
    let mut late = server.connect();
    late.send(to("late"));
    while count(&server).1 < 2 {}
    // Long enough that the other one's deadline comes in the midst of it, and not its own.
    while begun.elapsed() < Duration::from_secs(2) {
        count(&server);
    }
    let shares = loop {
        let staying = Staying::begin(&server, "sleep&for=3000");
        if staying.numbers().1 > 1 {
            break staying;
        }
        staying.client.reset();
    };
    late.response().expect_refusal(504);
    // The guest has that request still: nobody else gets into its instance.
    assert_eq!(count(&server).1, 1);
    shares.expect_whole();
}

#[test]
fn a_client_that_leaves_takes_nobody_along() {
    let keys = "concurrency_max = 4";
    let server = server(64, "{ reuse = 100, concurrent = 4 }", keys);
    let stays = Staying::begin(&server, "sleep&for=3000");
    let leave: Vec<_> = (0..3).map(|_| Staying::begin(&server, "hang")).collect();
    leave.into_iter().for_each(|staying| staying.client.reset());
    // Their places are free again.
    for _ in 0..3 {
        Staying::begin(&server, "hang").client.reset();
    }
    stays.expect_whole();
    count(&server);
}

#[test]
fn a_mixed_crowd_leaves_nothing_behind() {
    let keys = "concurrency_max = 16\nqueue_max = 100";
    let server = server(64, "{ reuse = 20, concurrent = 4 }", keys);
    let clients: Vec<_> = (0..16)
        .map(|number| {
            let address = server.address();
            thread::spawn(move || {
                for round in 0..20 {
                    let mut client = Client::connect(address);
                    match (number * 7 + round) % 10 {
                        0 => client.send(to("trap")),
                        1 => {
                            client.send(to("hang"));
                            let _ = client.some();
                            client.reset();
                            continue;
                        }
                        2 => {
                            client.send(to("hang"));
                            client.reset();
                            continue;
                        }
                        3 => client.send(to("work&for=2")),
                        _ => client.send(get("/shared")),
                    }
                    // It may have been in an instance that trapped.
                    let _ = client.try_response("GET");
                }
            })
        })
        .collect();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    // As many as there are places: none was lost.
    let _all: Vec<_> = (0..16).map(|_| Staying::begin(&server, "hang")).collect();
}
