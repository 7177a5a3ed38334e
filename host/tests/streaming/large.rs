//! What streamed bodies, and guests that try to make the host hold much, cost its memory: the
//! program's own, in a process of its own, as the kernel counts it.

use sha2::{Digest, Sha256};

use super::{STREAMED, pattern};
use crate::support::*;

/// A bound that says "constant" for a body of [`BODY`], and leaves a debug build some room.
const GROWTH_KIB_MAX: u64 = 32 << 10;
const BODY: usize = 64 << 20;
const CHUNK: usize = 48 * 1024;

/// How much more memory the program had at most, in KiB, while `work` went on.
fn growth(program: &Program, work: impl FnOnce()) -> u64 {
    program.forget_peak();
    let before = program.memory_kib("VmRSS:");
    work();
    program.memory_kib("VmHWM:").saturating_sub(before)
}

#[test]
fn a_large_body_comes_back_whole_in_constant_memory() {
    let program = Program::start(STREAMED);
    let body = pattern(BODY);
    let sent = Sha256::digest(&body);
    let pieces: Vec<_> = body.chunks(CHUNK).collect();
    let echo = |request: Vec<u8>, length: usize| {
        let mut client = program.connect();
        let sending = client.send_aside(request);
        let response = client.response().expect(200);
        sending.join().unwrap().unwrap();
        assert_eq!(response.body.len(), length);
        Sha256::digest(&response.body)
    };
    echo(post("/echo", zeros(1 << 20)), 1 << 20);
    for request in [post("/echo", &body), chunked("/echo", &pieces, "")] {
        let grown = growth(&program, || assert_eq!(echo(request, BODY), sent));
        assert!(grown < GROWTH_KIB_MAX, "{grown} KiB for {BODY} bytes");
    }
}

/// Every kind of thing that a guest can have the host hold, under bounds of the configuration that
/// come to much less than it tries for.
#[test]
fn what_a_guest_can_have_the_host_hold_stays_within_the_configurations_bounds() {
    let keys = "breaker_failures = 0\nrollback = false\ndeadline = \"60s\"\nresources_max = 100\n\
                memory_max = \"16MiB\"";
    let limits = "[limits]\nresponse_head_max = \"32KiB\"\nstream_buffer = \"64KiB\"\n\
                  [log]\nguest_lines_max = 10\nguest_line_max = \"1KiB\"\n";
    let names = [
        "resource-hog",
        "huge-trailer",
        "too-many-fields",
        "stdout-flood",
        "log-flood",
    ];
    let guests: String = names.iter().map(|name| fault(name, keys)).collect();
    let program = Program::start(&(limits.to_owned() + &guests + HELLO));
    let hogs = ["fields", "values", "streams", "futures", "timers"];
    let hogs = hogs.map(|of| format!("/resource-hog?of={of}"));
    let others = names[1..].iter().map(|name| format!("/{name}"));
    for target in hogs.iter().cloned().chain(others) {
        let grown = growth(&program, || {
            let mut client = program.connect();
            client.send(head("GET", &target, "connection: close\r\n"));
            let heard = client.rest().expect("no orderly end");
            assert!(heard.starts_with(b"HTTP/1.1 "), "{target}");
            let refused = heard.starts_with(b"HTTP/1.1 500 ");
            assert!(refused || !target.contains("hog"), "{target}");
        });
        assert!(grown < GROWTH_KIB_MAX, "{grown} KiB for {target}");
        program.request(get("/hello")).expect(200);
    }
    let says_which = |line: &str| line.contains("resources_max is reached");
    program.log.wait_for("the bound", says_which);
}
