//! Many clients that listen to server-sent events for a minute, each of which has to hear every
//! event once and in order.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::response::Body;

/// How many listen at once.
pub(super) const CLIENTS: usize = 200;
/// An event this often, and so many.
const EVERY: Duration = Duration::from_millis(100);
const EVENTS: u64 = 600;
/// Longer than two events are ever apart on a host that works.
const PATIENCE: Duration = Duration::from_secs(30);
/// A thread that reads lines needs little.
const STACK_BYTES: usize = 256 * 1024;
const BUFFER_BYTES: usize = 8 * 1024;

/// Clients that listen.
pub(super) struct Listeners(Vec<JoinHandle<Result<Heard>>>);

/// What a client heard.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    events: u64,
    longest_gap: Duration,
}

/// What all of them heard.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) events: u64,
    /// Clients that did not hear all, and a few of their reasons.
    pub(super) failed: u64,
    pub(super) described: Vec<String>,
    /// The longest time between two events at one client.
    pub(super) longest_gap: Duration,
}

impl Listeners {
    /// How long it takes at least.
    pub(super) fn time() -> Duration {
        EVERY * EVENTS as u32
    }

    /// Connects all of them.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn start(address: SocketAddr, path: &str) -> Result<Self> {
        let target = format!("{path}?every={}ms&count={EVENTS}", EVERY.as_millis());
        let start = |_| {
            let target = target.clone();
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            Ok(thread.spawn(move || listen(address, &target))?)
        };
        Ok(Self((0..CLIENTS).map(start).collect::<Result<_>>()?))
    }

    /// Waits for all of them.
    pub(super) fn finish(self) -> Tally {
        const DESCRIBED: usize = 5;
        let mut tally = Tally::default();
        for client in self.0 {
            let heard = client.join().map_err(|_| anyhow!("a client panicked"));
            match heard.and_then(|heard| heard) {
                Ok(heard) => {
                    tally.events += heard.events;
                    tally.longest_gap = tally.longest_gap.max(heard.longest_gap);
                }
                Err(error) => {
                    tally.failed += 1;
                    if tally.described.len() < DESCRIBED {
                        tally.described.push(format!("{error:#}"));
                    }
                }
            }
        }
        tally
    }
}

fn listen(address: SocketAddr, target: &str) -> Result<Heard> {
    let mut stream = TcpStream::connect(address).context("cannot connect")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: lab\r\n\r\n").as_bytes())?;
    let mut body = Body::begin(stream, BUFFER_BYTES)?;
    let (mut heard, mut pending, mut buffer) = (Heard::default(), Vec::new(), [0; 4096]);
    let mut last = Instant::now();
    loop {
        let read = body.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        pending.extend_from_slice(&buffer[..read]);
        while let Some(end) = pending.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = pending.drain(..end + 2).collect();
            heard.events += 1;
            check(&event, heard.events)?;
            heard.longest_gap = heard.longest_gap.max(last.elapsed());
            last = Instant::now();
        }
    }
    ensure!(pending.is_empty(), "half an event");
    ensure!(
        heard.events == EVENTS,
        "{} events of {EVENTS}",
        heard.events
    );
    Ok(heard)
}

/// Whether this is the event with this number.
fn check(event: &[u8], number: u64) -> Result<()> {
    let event = String::from_utf8_lossy(event);
    let start = format!("event: tick\nid: {number}\ndata: ");
    ensure!(event.starts_with(&start), "event {number} is {event:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_the_one_with_its_number() {
        assert!(check(b"event: tick\nid: 7\ndata: 13:37:00.250\n\n", 7).is_ok());
        for wrong in [
            &b"event: tick\nid: 8\ndata: x\n\n"[..],
            b"data: x\n\n",
            b"\n\n",
        ] {
            assert!(check(wrong, 7).is_err(), "{wrong:?}");
        }
    }
}
