//! Closing a listener without a reset for those who have just connected.
//!
//! A closed listener resets every connection that waits in its backlog, and every one whose
//! handshake is under way: its client believes to be connected. So the kernel is told to let
//! nobody new in, what waits is accepted, and the listener is closed once nobody is on the way.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Shared;
use super::accept::{admit, is_of_one_connection};
use super::listener::{Listener, OnTheirWay};
use crate::workers::Workers;

/// How often it is asked for handshakes. They take a round trip.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// The state SYN_RECV as the kernel's tables write it.
const SYN_RECV: &str = "03";

/// Closes a listener after accepting whoever has come by now, and waits at most `grace` for those
/// whose handshake has begun. One that other processes share is left to them as it is.
pub(super) async fn close(
    mut listener: Listener,
    workers: &Workers,
    shared: &Arc<Shared>,
    grace: Duration,
) {
    if !listener.is_own() {
        return;
    }
    let on_their_way = listener.refuse_newcomers().unwrap_or_else(|error| {
        tracing::debug!("newcomers cannot be kept away from a closing listener: {error}");
        OnTheirWay::Nobody
    });
    let end = Instant::now() + grace;
    loop {
        // Asked before the backlog is looked at: whose handshake is over by then waits there.
        let somebody = match on_their_way {
            OnTheirWay::ToPort(port) => handshakes_with(port).await,
            OnTheirWay::Nobody => false,
        };
        let admitted = admit_present(&listener, workers, shared).await;
        let late = Instant::now() >= end;
        match admitted {
            Ok(()) if !somebody || late => return,
            // Out of files, which others give back as they leave.
            Err(error) if late => {
                tracing::error!("connections in the backlog were lost: {error}");
                return;
            }
            _ => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

async fn admit_present(
    listener: &Listener,
    workers: &Workers,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    for runtime in workers.all().iter().cycle() {
        match listener.accept_present() {
            Ok(Some(accepted)) => admit(accepted, runtime, shared).await,
            Ok(None) => return Ok(()),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether somebody's handshake with a port of this machine is under way. If the kernel does not
/// say, nobody's is.
async fn handshakes_with(port: u16) -> bool {
    let look = move || {
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
            .iter()
            .any(|table| File::open(table).is_ok_and(|table| any_handshake(table, port)))
    };
    // The tables of a busy machine are long.
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}

/// A line of the table has a number, the local address, the remote one and the state; an address
/// ends with its port in hexadecimal.
fn any_handshake(table: impl io::Read, port: u16) -> bool {
    let port = format!(":{port:04X}");
    let lines = BufReader::new(table).lines().map_while(Result::ok);
    lines.skip(1).any(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let local = columns.next().unwrap_or_default();
        let state = columns.nth(1).unwrap_or_default();
        local.ends_with(&port) && state == SYN_RECV
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_are_found_by_port_and_state() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n\
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000\n\
                     1: 0100007F:1F91 0100007F:D431 03 00000000:00000000 00:00000000\n\
                     2: 0100007F:1F92 0100007F:1F93 01 00000000:00000000 00:00000000\n";
        assert!(any_handshake(table.as_bytes(), 0x1F91));
        for port in [0x1F90, 0x1F92, 0x1F93, 0xD431, 0xF91] {
            assert!(!any_handshake(table.as_bytes(), port), "{port:x}");
        }
        assert!(!any_handshake(&b""[..], 0x1F91));
    }
}
