//! Other processes that want all of the machine's processors, all the time.

use std::process::{Child, Command};
use std::thread;

use crate::support::*;

/// Processes that compute until they are dropped, twice as many as there are processors.
struct Neighbours(Vec<Child>);

impl Neighbours {
    fn move_in() -> Neighbours {
        let processors = thread::available_parallelism().unwrap().get();
        let compute = |_| {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", "ulimit -t 60; while :; do :; done"])
                .spawn()
                .unwrap()
        };
        Neighbours((0..2 * processors).map(compute).collect())
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// Text that takes a guest long to compress.
fn text(bytes: usize) -> String {
    let mut number = 1u32;
    let word = |_| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{:x} ", number >> 12)
    };
    let mut text: String = (0..bytes / 4).map(word).collect();
    text.truncate(bytes);
    text
}

#[test]
fn slow_guests_do_not_starve() {
    let deadline = "deadline = \"20s\"";
    let sections = guest("compress", "compress", deadline)
        + &guest("echo", "echo", deadline)
        + &route("/", "echo", "middleware = [\"compress\"]");
    let program = Program::start(&sections);
    let text = text(4 << 20);
    let fields = format!(
        "accept-encoding: gzip\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n",
        text.len()
    );
    let request = head("POST", "/", &fields) + &text;
    let neighbours = Neighbours::move_in();
    for _ in 0..2 {
        let mut client = program.connect();
        let sending = client.send_aside(request.clone().into_bytes());
        let response = client.response().expect(200);
        sending.join().unwrap().unwrap();
        assert_eq!(response.field("content-encoding"), Some("gzip"));
    }
    drop(neighbours);
}
