//! How long instances live when nobody uses them or another generation takes over, and what is told
//! of them.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use super::{numbers, to};
use crate::support::*;

/// The guest that tells what it shares, as a component whose content is another for each number.
fn build(number: u8) -> Vec<u8> {
    let mut bytes = component("faults/shared");
    // A custom section of the component: its size, the length of its name, the name, the number.
    bytes.extend([0, 3, 1, b'n', number]);
    bytes
}

#[test]
fn a_swap_under_load_fails_nobody() {
    let keys = "instances = { reuse = 50, concurrent = 4 }\ndeadline = \"60s\"";
    // What is waited for may not be dropped from a log that is full of requests.
    let folder = Live::folder(keys, "[log]\naccess = false\n");
    std::fs::write(folder.path().join("live.wasm"), build(0)).unwrap();
    let live = Live::start_in(folder);
    let stop = AtomicBool::new(false);
    let mut staying = live.0.connect();
    staying.send(get("/live?do=sleep&for=3000"));
    thread::scope(|scope| {
        for _ in 0..8 {
            let mut client = live.0.connect();
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    let response = client.request(get("/live")).expect(200);
                    assert!(numbers(response.text()).0 <= 50, "{response:?}");
                }
            });
        }
        for number in 1..=5 {
            live.put(build(number));
            live.reload_until("guest `live` is swapped");
        }
        stop.store(true, SeqCst);
    });
    // What a generation has begun it ends, in an instance that takes nobody else.
    let response = staying.response().expect(200);
    let numbers_told = response.text().matches("number ").count();
    assert_eq!(numbers_told, 2, "{response:?}");
    let last = live.0.request(get("/live")).expect(200);
    assert_eq!(numbers(last.text()).1, 1);
}

#[test]
fn instances_that_nobody_uses_are_dropped() {
    let reused = |concurrent: u32| {
        format!("instances = {{ reuse = 100, concurrent = {concurrent}, idle = \"2s\" }}")
    };
    let guests = [
        ("shared", "faults/shared", reused(4)),
        ("hello", "hello", reused(1)),
        // Made ahead of a request that does not come.
        ("hello", "hello", String::new()),
        ("shared", "faults/shared", String::new()),
    ];
    for (name, component, keys) in guests {
        let sandbox = "[sandbox]\nready_idle = \"2s\"\n".to_owned();
        let config = sandbox
            + "[control]\nsocket = \"control.sock\"\n"
            + &guest(name, component, &keys)
            + &route("/", name, "");
        let program = Program::start(&config);
        program.request(get("/")).expect(200);
        let waiting = || {
            let asked = ["status", "--json", "--config", "config.toml"];
            let told = run_in(program.folder(), &asked).out;
            let status: serde_json::Value = serde_json::from_str(&told).unwrap();
            status["guests"][0]["instances"]["waiting"]
                .as_u64()
                .unwrap()
        };
        // The client has its answer a moment before the instance is at rest.
        for number in [1, 0] {
            let begun = Instant::now();
            while waiting() != number {
                assert!(begun.elapsed() < PATIENCE, "{name}: not {number} waiting");
            }
        }
    }
}

#[test]
fn lines_name_the_instance_and_where_it_is_known_the_request() {
    let keys = "instances = { reuse = 100, concurrent = 4 }";
    let config = "[log]\nformat = \"json\"\n".to_owned() + &fault("shared", keys);
    let program = Program::start(&config);
    let _other = {
        let mut client = program.connect();
        client.send(to("hang"));
        client.some().unwrap();
        client
    };
    program.request(to("log")).expect(200);
    let line = |text: &str| {
        let line = program.log.wait_for(text, |line| line.contains(text));
        serde_json::from_str::<serde_json::Value>(&line).unwrap()
    };
    let access = line("\"target\":\"/shared?do=log\"");
    let (known, unknown) = (line("line of number 2"), line("output of number 2"));
    assert_eq!(known["request"], access["id"]);
    assert!(unknown.get("request").is_none(), "{unknown}");
    assert!(known["instance"].is_u64() && known["instance"] == unknown["instance"]);
    assert_eq!(known["generation"], 1);
}

#[test]
fn a_lane_without_sharing_says_so_and_serves() {
    let keys = "instances = { reuse = 100, concurrent = 16 }";
    let config = guest("hello", "hello", keys) + &route("/hello", "hello", "");
    let program = Program::start(&config);
    for _ in 0..3 {
        program.request(get("/hello")).expect(200);
    }
    let said = |line: &str| line.contains("instances of this lane serve one request at a time");
    program.log.wait_for("what is different", said);
    assert_eq!(program.log.count(said), 1);
}
