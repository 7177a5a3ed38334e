//! How long an instance lives, and who shares it: state that requests see of each other tells which
//! of them had the same one.

mod failing;
mod living;
mod memory;

use std::thread;
use std::time::Duration;

use crate::support::*;

/// The guest that tells what it shares, with these instances and other keys. There are `at_once` of
/// all guests: a request goes to another one as well when the only one with room is computing.
fn server(at_once: u32, instances: &str, keys: &str) -> TestServer {
    let sandbox = format!("[sandbox]\ninstances_max = {at_once}\n");
    let deadline = if keys.contains("deadline") {
        ""
    } else {
        "deadline = \"60s\"\n"
    };
    let keys = format!(
        "instances = {instances}\nbreaker_failures = 0\nrollback = false\n\
         queue_time = \"15s\"\n{deadline}{keys}"
    );
    TestServer::start(&(sandbox + &fault("shared", &keys) + HELLO))
}

/// `do=` in a request for that guest.
fn to(what: &str) -> String {
    get(&format!("/shared?do={what}"))
}

/// The number that a request had in its instance, and how many were there with it.
#[track_caller]
fn numbers(text: &str) -> (u32, u32) {
    let line = text.lines().find(|line| line.starts_with("number "));
    let line = line.unwrap_or_else(|| panic!("no numbers: {text}"));
    let words: Vec<_> = line.split(' ').collect();
    (words[1].parse().unwrap(), words[3].parse().unwrap())
}

/// A request that is answered at once.
#[track_caller]
fn count(server: &TestServer) -> (u32, u32) {
    numbers(server.request(get("/shared")).expect(200).text())
}

/// A request that its guest has, and will not be done with soon.
struct Staying {
    client: Client,
    heard: String,
}

impl Staying {
    #[track_caller]
    fn begin(server: &TestServer, what: &str) -> Staying {
        let mut client = server.connect();
        client.send(to(what));
        let mut heard = String::new();
        while !heard.contains("number ") || !heard.ends_with("\r\n") {
            let some = client
                .some()
                .unwrap_or_else(|error| panic!("{error}: {heard}"));
            heard += &String::from_utf8(some).unwrap();
            assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
        }
        Staying { client, heard }
    }

    fn numbers(&self) -> (u32, u32) {
        numbers(&self.heard)
    }

    /// All that comes until it ends, or the connection does.
    #[track_caller]
    fn rest(mut self) -> String {
        while !self.heard.ends_with("0\r\n\r\n") {
            let some = self.client.some().expect("a reset");
            if some.is_empty() {
                break;
            }
            self.heard += &String::from_utf8(some).unwrap();
        }
        self.heard
    }

    #[track_caller]
    fn expect_whole(self) {
        let heard = self.rest();
        assert!(heard.ends_with("\r\n0\r\n\r\n"), "{heard}");
        assert_eq!(heard.matches("number ").count(), 2, "{heard}");
    }

    /// What comes is not all, and looks like it.
    #[track_caller]
    fn expect_broken(self) {
        let heard = self.rest();
        assert!(!heard.ends_with("0\r\n\r\n"), "it looks complete: {heard}");
    }
}

#[test]
fn fresh_instances_know_nothing() {
    let server = server(4, "\"fresh\"", "");
    for _ in 0..5 {
        assert_eq!(count(&server), (1, 1));
    }
    let first = Staying::begin(&server, "hang");
    assert_eq!((first.numbers(), count(&server)), ((1, 1), (1, 1)));
}

#[test]
fn an_instance_serves_so_many_requests_and_no_more() {
    for concurrent in [1, 3] {
        let server = server(
            1,
            &format!("{{ reuse = 3, concurrent = {concurrent} }}"),
            "",
        );
        let counts: Vec<_> = (0..7).map(|_| count(&server).0).collect();
        assert_eq!(counts, [1, 2, 3, 1, 2, 3, 1], "concurrent = {concurrent}");
    }
}

#[test]
fn so_many_requests_share_an_instance_at_once() {
    let server = server(1, "{ reuse = 100, concurrent = 4 }", "");
    let mut all: Vec<_> = (0..4).map(|_| Staying::begin(&server, "wait")).collect();
    let numbers: Vec<_> = all.iter().map(Staying::numbers).collect();
    assert_eq!(numbers, [(1, 1), (2, 2), (3, 3), (4, 4)]);
    // There is no room for another instance, so that the next one waits for a place in this one.
    let mut fifth = server.connect();
    fifth.send(get("/shared"));
    all.pop().unwrap().client.reset();
    // The guest has that request still. When all have left it, it can go.
    assert!(fifth.hears_nothing_for(Duration::from_millis(300)));
    all.into_iter().for_each(|staying| staying.client.reset());
    assert_eq!(self::numbers(fifth.response().expect(200).text()), (1, 1));
}

#[test]
fn one_request_more_makes_another_instance() {
    let server = server(2, "{ reuse = 100, concurrent = 4 }", "");
    let all: Vec<_> = (0..8).map(|_| Staying::begin(&server, "wait")).collect();
    let mut numbers: Vec<_> = all.iter().map(Staying::numbers).collect();
    numbers.sort_unstable();
    let each = [(1, 1), (2, 2), (3, 3), (4, 4)];
    assert_eq!(numbers, each.map(|each| [each, each]).concat());
}

#[test]
fn a_place_that_becomes_free_is_used_again() {
    let server = server(1, "{ reuse = 100, concurrent = 2 }", "");
    let first = Staying::begin(&server, "wait");
    for number in 2..20 {
        assert_eq!(count(&server), (number, 2));
    }
    assert_eq!(numbers(server.request(to("release")).text()), (20, 2));
    first.expect_whole();
}

#[test]
fn without_sharing_each_has_an_instance_of_its_own() {
    let server = server(3, "{ reuse = 100 }", "");
    let _first = Staying::begin(&server, "hang");
    let _second = Staying::begin(&server, "hang");
    assert_eq!(_second.numbers(), (1, 1));
    assert_eq!(count(&server), (1, 1));
    assert_eq!(count(&server), (2, 1));
}

#[test]
fn instances_are_counted_and_not_their_requests() {
    // Each guest has one of the four to itself, whichever of the others are taken.
    let sandbox = "[sandbox]\ninstances_max = 4\n".to_owned();
    let shared = "instances = { reuse = 100, concurrent = 10 }\ndeadline = \"60s\"\n\
                  queue_time = \"15s\"";
    let fresh = "deadline = \"60s\"\nqueue_time = \"60s\"";
    let hello = guest("hello", "hello", fresh) + &route("/hello", "hello", "");
    let server = TestServer::start(&(sandbox + &fault("shared", shared) + &hello));
    let all: Vec<_> = (0..10).map(|_| Staying::begin(&server, "wait")).collect();
    server.request(get("/hello")).expect(200);
    all.into_iter().for_each(|staying| staying.client.reset());
    for _ in 0..5 {
        server.request(get("/hello")).expect(200);
        count(&server);
    }
}

#[test]
fn all_of_a_crowd_are_answered() {
    let server = server(64, "{ reuse = 7, concurrent = 4 }", "");
    let clients: Vec<_> = (0..16)
        .map(|number| {
            let mut client = server.connect();
            thread::spawn(move || {
                for round in 0..100 {
                    let what = match (number + round) % 8 {
                        0 => "work&for=1",
                        1 => "error",
                        _ => "",
                    };
                    let response = client.request(to(what));
                    assert!(matches!(response.status, 200 | 418), "{response:?}");
                }
            })
        })
        .collect();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
}
