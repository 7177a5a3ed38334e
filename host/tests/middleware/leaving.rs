//! Clients that leave a chain, and places that are taken: nothing of a chain stays behind, and
//! requests that hold one place and wait for another do not wait for ever.

use std::thread;

use super::{BOTH, chained, does, sections};
use crate::support::*;

/// One place for each guest.
const ONE: &str = "deadline = \"1h\"\nconcurrency_max = 1\nqueue_max = 9\nqueue_time = \"60s\"";

/// A chain of guests that have one place each, which hangs at its end.
fn narrow() -> String {
    let mut text = "[sandbox]\ninstances_max = 8\n".to_owned();
    for name in ["a", "b"] {
        let keys = format!("env = {{ name = \"{name}\" }}\n{ONE}");
        text += &guest(name, "faults/link", &keys);
    }
    text += &guest("hangs", "faults/hangs-after-head", ONE);
    text += &guest("tells", "faults/tells", ONE);
    text + &chained("/hangs", BOTH, "hangs") + &chained("/tells", BOTH, "tells")
}

#[test]
fn a_client_that_leaves_ends_the_whole_chain() {
    let server = TestServer::start(&narrow());
    for what in ["", "a=copy b=copy", "b=copy", ""] {
        let mut client = server.connect();
        client.send(does("/hangs", what));
        let mut heard = String::new();
        while !heard.contains("wait\n") {
            heard += &String::from_utf8(client.some().unwrap()).unwrap();
        }
        // A FIN alone would only say that it sends nothing more.
        client.reset();
    }
    server.request(get("/tells")).expect(200);
}

#[test]
fn so_does_one_that_leaves_before_there_is_an_answer() {
    let server = TestServer::start(&narrow());
    for what in ["a=hang", "b=hang", "a=spin", "b=spin"] {
        let mut client = server.connect();
        client.send(does("/tells", what));
        client.reset();
        server.request(get("/tells")).expect(200);
    }
}

#[test]
fn a_link_that_loses_interest_frees_the_one_behind_it() {
    let server = TestServer::start(&narrow());
    for _ in 0..3 {
        let response = server.request(does("/hangs", "a=drop")).expect(200);
        assert_eq!(response.text(), "a drops it\n");
    }
}

#[test]
fn uploads_that_break_off_leave_nothing_behind() {
    let one = "concurrency_max = 1\nqueue_time = \"15s\"\ndeadline = \"60s\"";
    let narrow = sections(&[("/", BOTH, "streaming-echo"), ("/lean", BOTH, "echo")]);
    let server = TestServer::start(&narrow.replace("deadline = \"60s\"", one));
    let clients: Vec<_> = (0..16)
        .map(|number| {
            let mut client = server.connect();
            let target = if number % 4 < 2 { "/" } else { "/lean" };
            thread::spawn(move || {
                client.send(head("POST", target, "content-length: 1000\r\n") + "begun");
                if number % 2 == 0 {
                    client.reset();
                }
            })
        })
        .collect();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    for target in ["/", "/lean"] {
        let response = server.request(post(target, "whole")).expect(200);
        assert_eq!(response.text(), "whole");
    }
}

#[test]
fn a_crowd_gets_through_with_one_place_each() {
    // Every instance that there may be is one that some guest has for itself.
    let server = TestServer::start(&narrow());
    let crowd: Vec<_> = (0..8)
        .map(|_| {
            let mut client = server.connect();
            thread::spawn(move || client.request(get("/tells")))
        })
        .collect();
    for client in crowd {
        client.join().unwrap().expect(200);
    }
}

#[test]
fn who_finds_no_place_behind_a_link_is_told_so() {
    let text = narrow().replace("queue_max = 9", "queue_max = 0");
    let text = text.replace("concurrency_max = 1\n", "concurrency_max = 9\n");
    let taken = "concurrency_max = 1\nqueue_max = 0\ndeadline = \"1h\"";
    let text = text + &guest("one", "faults/hangs-after-head", taken);
    let server = TestServer::start(
        &(text.replace("instances_max = 8", "instances_max = 40") + &chained("/one", BOTH, "one")),
    );
    let mut holder = server.connect();
    holder.send(get("/one"));
    let mut heard = String::new();
    while !heard.contains("wait\n") {
        heard += &String::from_utf8(holder.some().unwrap()).unwrap();
    }
    let refused = server.request(get("/one")).expect_refusal(503);
    assert!(refused.field("retry-after").is_some());
    let response = server.request(does("/one", "a=swallow")).expect(200);
    assert_eq!(response.text(), "swallowed 503\n");
}
