//! The clients that look at every byte of what they get, at a rate of their own that stays the same
//! in every phase. Whatever is not exactly an answer of one version or the other is a failure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::lab::components::greeting;
use crate::lab::http::{Client, Response};

/// What is posted and comes back.
const POST_BYTES: usize = 64 << 10;
/// How many failures are described; the others are counted.
const DESCRIBED_MAX: usize = 10;
/// A client this late does not make up for it, or it would be a burst.
const LATE_MAX: Duration = Duration::from_secs(1);

/// What the clients do, each on a thread of its own, and how often.
const CLIENTS: [(Kind, u32); 7] = [
    (Kind::Post, 25),
    (Kind::Post, 25),
    (Kind::Post, 25),
    (Kind::Post, 25),
    (Kind::Get, 50),
    (Kind::Get, 50),
    (Kind::GetAnew, 50),
];

/// The two versions' words.
pub(super) const WORDS: [&str; 2] = ["one", "two"];

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Posts to the echo and compares.
    Post,
    /// Gets the greeting.
    Get,
    /// Gets the greeting on a new connection each time.
    GetAnew,
}

/// The clients, at work.
pub(super) struct Clients {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Tally>>,
}

/// What they found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Exchanges, failed ones included.
    pub(super) requests: u64,
    /// Those that failed.
    pub(super) failed: u64,
    /// The first of those.
    pub(super) described: Vec<String>,
}

struct Shared {
    address: SocketAddr,
    stop: AtomicBool,
    requests: AtomicU64,
    /// The head of every greeting, and of every echo.
    heads: [Vec<String>; 2],
}

impl Clients {
    /// Starts them. What is answered now, by version one, is what they compare heads with.
    ///
    /// # Errors
    /// What is answered now is wrong already.
    pub(super) fn start(address: SocketAddr) -> Result<Self> {
        let mut client = Client::connect(address)?;
        client.get("/live")?;
        let greeted = client.receive()?;
        let expected = greeting(WORDS[0]);
        ensure!(
            greeted.body == expected.as_bytes(),
            "version one does not serve: {greeted:?}"
        );
        client.post("/echo", &vec![0; POST_BYTES])?;
        let heads = [greeted.head, client.receive()?.head];
        let ok = |head: &Vec<String>| head.first().is_some_and(|line| line == "http/1.1 200 ok");
        ensure!(heads.iter().all(ok), "the guests do not serve: {heads:?}");
        let shared = Arc::new(Shared {
            address,
            stop: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            heads,
        });
        let start = |(kind, rate)| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.work(kind, rate))
        };
        let threads = CLIENTS.into_iter().map(start).collect();
        Ok(Self { shared, threads })
    }

    /// The most connections they have at once.
    pub(super) fn connections_max(&self) -> u64 {
        self.threads.len() as u64
    }

    /// Exchanges so far.
    pub(super) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Stops them and says what they found.
    ///
    /// # Errors
    /// One of them panicked.
    pub(super) fn stop(self) -> Result<Tally> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut tally = Tally::default();
        for thread in self.threads {
            tally.add(thread.join().ok().context("a client panicked")?);
        }
        Ok(tally)
    }
}

impl Tally {
    fn note(&mut self, result: Result<()>) {
        self.requests += 1;
        if let Err(error) = result {
            self.failed += 1;
            self.describe(format!("{error:#}"));
        }
    }

    fn describe(&mut self, what: String) {
        if self.described.len() < DESCRIBED_MAX {
            self.described.push(what);
        }
    }

    fn add(&mut self, more: Self) {
        self.requests += more.requests;
        self.failed += more.failed;
        for what in more.described {
            self.describe(what);
        }
    }
}

impl Shared {
    fn work(&self, kind: Kind, rate: u32) -> Tally {
        let pause = Duration::from_secs(1) / rate;
        let (mut tally, mut client, mut due) = (Tally::default(), None, Instant::now());
        while !self.stop.load(Ordering::Relaxed) {
            due = next(due, pause, Instant::now());
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let result = self.exchange(kind, tally.requests, &mut client);
            tally.note(result.with_context(|| format!("{kind:?}")));
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
        tally
    }

    /// One request and its response. The client is the one from the time before, unless that
    /// failed.
    fn exchange(&self, kind: Kind, number: u64, client: &mut Option<Client>) -> Result<()> {
        let mut connection = match client.take() {
            Some(connection) => connection,
            None => Client::connect(self.address)?,
        };
        match kind {
            Kind::Post => {
                let body = body(number);
                connection.post("/echo", &body)?;
                compare(&connection.receive()?, &self.heads[1], &[&body])?;
            }
            Kind::Get | Kind::GetAnew => {
                let bodies = WORDS.map(greeting);
                connection.get("/live")?;
                let bodies = bodies.each_ref().map(String::as_bytes);
                compare(&connection.receive()?, &self.heads[0], &bodies)?;
            }
        }
        *client = (kind != Kind::GetAnew).then_some(connection);
        Ok(())
    }
}

/// When the next exchange is due, `pause` after the one before.
fn next(due: Instant, pause: Duration, now: Instant) -> Instant {
    let next = due + pause;
    if now.saturating_duration_since(next) > LATE_MAX {
        return now;
    }
    next
}

/// A body that differs from the one before in every byte, and whose parts differ from each other.
fn body(number: u64) -> Vec<u8> {
    let byte = |index: usize| (index as u64 % 251).wrapping_add(number) as u8;
    (0..POST_BYTES).map(byte).collect()
}

fn compare(response: &Response, head: &[String], bodies: &[&[u8]]) -> Result<()> {
    if response.head != head {
        bail!("another head: {:?}", response.head);
    }
    if !bodies.contains(&response.body.as_slice()) {
        let start = &response.body[..response.body.len().min(40)];
        bail!(
            "a torn answer: {} bytes, {:?}",
            response.body.len(),
            String::from_utf8_lossy(start)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_answers_are_right() {
        let head = vec!["http/1.1 200 ok".to_owned()];
        let response = |body: &str| Response {
            head: head.clone(),
            body: body.as_bytes().to_vec(),
        };
        let bodies: [&[u8]; 2] = [b"one", b"two"];
        assert!(compare(&response("one"), &head, &bodies).is_ok());
        assert!(compare(&response("two"), &head, &bodies).is_ok());
        for torn in ["", "on", "onetwo", "ono"] {
            assert!(compare(&response(torn), &head, &bodies).is_err(), "{torn}");
        }
        assert!(compare(&response("one"), &[], &bodies).is_err());
    }

    #[test]
    fn bodies_differ_in_every_byte() {
        let (first, second) = (body(1), body(2));
        assert_eq!(first.len(), POST_BYTES);
        assert!(first.iter().zip(&second).all(|(one, other)| one != other));
    }

    #[test]
    fn failures_are_counted_and_the_first_described() {
        let mut tally = Tally::default();
        for number in 0..=DESCRIBED_MAX {
            tally.note(Err(anyhow::anyhow!("failure {number}")));
        }
        tally.note(Ok(()));
        let mut sum = tally.clone();
        sum.add(tally);
        assert_eq!((sum.requests, sum.failed), (24, 22));
        assert_eq!(sum.described.len(), DESCRIBED_MAX);
        assert_eq!(sum.described[0], "failure 0");
    }

    #[test]
    fn a_late_client_does_not_make_up_for_it() {
        let (start, pause) = (Instant::now(), Duration::from_millis(20));
        assert_eq!(next(start, pause, start), start + pause);
        assert_eq!(next(start, pause, start + pause * 3), start + pause);
        let much_later = start + LATE_MAX * 2;
        assert_eq!(next(start, pause, much_later), much_later);
    }
}
