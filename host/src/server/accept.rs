//! The accept loop. It ends only with the server: an error of `accept` is logged and outwaited,
//! and nothing that takes a client's time (a handshake, a read) may stand in this loop.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::last_call;
use super::life::Life;
use super::listener::Listener;
use super::stream::Stream;

const BACK_OFF_FIRST: Duration = Duration::from_millis(5);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// Accepts connections and spawns a driver for each until the server stops.
pub(super) async fn accept_loop(listener: Listener, shared: Arc<Shared>) {
    let mut back_off = BACK_OFF_FIRST;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.connections.stopped() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                back_off = BACK_OFF_FIRST;
                admit(stream, &peer, &shared).await;
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!("cannot accept a connection, next try in {back_off:?}: {error}");
                // Out of files is the usual reason: an idle connection can give one back.
                shared.connections.dismiss_longest_idle();
                tokio::select! {
                    () = tokio::time::sleep(back_off) => {}
                    () = shared.connections.stopped() => break,
                }
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
        }
    }
    let grace = shared.settings.load().idle_grace;
    last_call::close(listener, &shared, grace).await;
}

/// Finds a place for a connection, waiting for one if there is none, and has it driven.
pub(super) async fn admit(stream: Stream, peer: &str, shared: &Arc<Shared>) {
    let permit = shared.connections.place().await;
    shared.tally.accept();
    let slot = shared.connections.enter(permit);
    let set_task = slot.abort_handle_to();
    let life = Life::new(stream, peer, slot, Arc::clone(shared));
    set_task(tokio::spawn(life).abort_handle());
}

/// Errors that say that the one connection to be accepted is gone already (accept(2)).
pub(super) fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}
