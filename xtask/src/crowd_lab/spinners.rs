//! Clients of a guest that never answers. They ask again whenever the deadline has freed them.

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::lab::control::Control;
use crate::lab::host::Host;
use crate::lab::http::Client;
use crate::lab::namespace::wait_for;

/// How long all of them may need to be there, or to be gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client waits for the end of a guest's deadline.
const ANSWER_PATIENCE: Duration = Duration::from_secs(3600);
/// What the client of a guest hears whose deadline has passed.
const GATEWAY_TIMEOUT: u16 = 504;

/// The clients, waiting.
pub(super) struct Spinners {
    control: Control,
    guest: &'static str,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<()>>>,
}

struct Shared {
    address: SocketAddr,
    path: String,
    stop: AtomicBool,
    /// The sockets of all, to end them with.
    sockets: Mutex<Vec<Option<TcpStream>>>,
}

impl Spinners {
    /// Lets `count` clients ask `guest`, whose path is its name, and waits until all of their
    /// requests run.
    ///
    /// # Errors
    /// They do not run, or the system refuses.
    pub(super) fn start(host: &Host, guest: &'static str, count: u32) -> Result<Self> {
        let shared = Arc::new(Shared {
            address: host.address,
            path: format!("/{guest}"),
            stop: AtomicBool::new(false),
            sockets: Mutex::new((0..count).map(|_| None).collect()),
        });
        let start = |number| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.ask_again_and_again(number))
        };
        let spinners = Self {
            control: host.control.clone(),
            guest,
            threads: (0..count as usize).map(start).collect(),
            shared,
        };
        wait_until_running(&spinners.control, guest, count)?;
        Ok(spinners)
    }

    /// Lets all of them leave and waits until none of their requests runs.
    ///
    /// # Errors
    /// One of them was answered otherwise than that the deadline has passed.
    pub(super) fn stop(mut self) -> Result<()> {
        let threads = std::mem::take(&mut self.threads);
        self.shared.leave();
        for thread in threads {
            thread.join().ok().context("a client panicked")??;
        }
        wait_until_running(&self.control, self.guest, 0)
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        // Whatever went wrong: the threads must not wait on.
        self.shared.leave();
    }
}

impl Shared {
    fn leave(&self) {
        self.stop.store(true, Ordering::SeqCst);
        for socket in self.sockets().iter().flatten() {
            // One that has just been answered has no connection any more.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    fn ask_again_and_again(&self, number: usize) -> Result<()> {
        loop {
            let mut client = Client::connect_patiently(self.address, ANSWER_PATIENCE)?;
            self.sockets()[number] = Some(client.stream().try_clone()?);
            // Only now: whoever stops first ends those sockets that are there.
            if self.stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            let answer = client.get(&self.path).and_then(|()| client.receive());
            if self.stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            let answer = answer?;
            ensure!(
                answer.status() == GATEWAY_TIMEOUT,
                "a spinning guest: {answer:?}"
            );
        }
    }

    fn sockets(&self) -> MutexGuard<'_, Vec<Option<TcpStream>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until so many requests of `guest` run.
///
/// # Errors
/// Other numbers of them do, for long; or the host does not answer.
pub(super) fn wait_until_running(control: &Control, guest: &str, count: u32) -> Result<()> {
    let mut running = Ok(0);
    let waited = wait_for(
        PATIENCE,
        &format!("not {count} requests of {guest} run"),
        || {
            running = now_running(control, guest);
            running
                .as_ref()
                .map_or(true, |running| *running == u64::from(count))
        },
    );
    running?;
    waited
}

/// How many requests of `guest` run at this moment.
///
/// # Errors
/// The host does not answer.
pub(super) fn now_running(control: &Control, guest: &str) -> Result<u64> {
    Ok(control.status()?.guest(guest)?.running)
}
