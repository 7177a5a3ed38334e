//! The hosts that the ways are tried out on. They differ in their times and in their memory.

use std::time::Duration;

use crate::support::{TestServer, fault, guest, route};

/// The bounds of [`with_bounds`]: a lingering close as a whole, and one wait in it.
pub(super) const LINGER: Duration = Duration::from_secs(4);
pub(super) const LINGER_IDLE: Duration = Duration::from_millis(500);
/// Far longer than the pauses of a client that sends slowly.
pub(super) const LINGER_IDLE_AMPLE: Duration = Duration::from_secs(3);

/// Its times are so long that only what a client does ends a connection.
pub(super) fn patient() -> TestServer {
    start(
        "[timeouts]\nhead = \"100s\"\nbody = \"100s\"\nkeep_alive = \"100s\"\nlinger = \"200s\"\n\
         linger_idle = \"100s\"\nshutdown = \"100s\"\n",
    )
}

/// Its times for a client to act are short; the bounds of the lingering close are not.
pub(super) fn hasty() -> TestServer {
    start(
        "[timeouts]\nhead = \"1s\"\nbody = \"1s\"\nkeep_alive = \"1s\"\n\
         linger = \"200s\"\nlinger_idle = \"100s\"\n",
    )
}

/// Its memory for bodies is enough for one of 8 MiB and not for two.
pub(super) fn short_of_memory() -> TestServer {
    start(
        "[limits]\nbuffered_max = \"10MiB\"\n\
         [timeouts]\nlinger = \"200s\"\nlinger_idle = \"100s\"\n",
    )
}

/// It has places for eight connections, which they may keep for a short time.
pub(super) fn short_of_places() -> TestServer {
    start(
        "[server]\nlisten = [\"127.0.0.1:0\"]\nmax_connections = 8\n\
         [timeouts]\nkeep_alive = \"300ms\"\nlinger = \"200s\"\nlinger_idle = \"100s\"\n",
    )
}

/// The bounds of its lingering close are short.
pub(super) fn with_bounds(linger_idle: Duration) -> TestServer {
    start(&format!(
        "[timeouts]\nlinger = \"{}ms\"\nlinger_idle = \"{}ms\"\n",
        LINGER.as_millis(),
        linger_idle.as_millis()
    ))
}

fn start(sections: &str) -> TestServer {
    let long = "deadline = \"100s\"";
    let guests = [
        guest("hello", "hello", long),
        guest("echo", "echo", long),
        guest(
            "one",
            "faults/spin-forever",
            "concurrency_max = 1\ndeadline = \"1s\"",
        ),
        fault("trap", long),
        fault("spin-forever", "deadline = \"500ms\""),
        route("/hello", "hello", "methods = [\"GET\"]"),
        route("/upload", "hello", ""),
        route("/echo", "echo", ""),
        route("/small", "echo", "body_max = \"64KiB\""),
        route("/one", "one", ""),
    ];
    TestServer::start(&(sections.to_owned() + &guests.concat()))
}
