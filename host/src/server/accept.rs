//! The accept loop. It ends only with the server: an error of `accept` is logged and outwaited,
//! and nothing that takes a client's time (a handshake, a read) may stand in this loop.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::Shared;
use super::last_call;
use super::life::Life;
use super::listener::{Accepted, Listener, Watched};
use crate::workers::Workers;

const BACK_OFF_FIRST: Duration = Duration::from_millis(5);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// Has connections accepted in that runtime. None if it cannot watch the listener, which is logged.
pub(super) fn start(
    listener: Listener,
    acceptor: &Handle,
    workers: &Workers,
    shared: &Arc<Shared>,
) -> Option<JoinHandle<()>> {
    let watched = {
        let _its_runtime = acceptor.enter();
        listener.watch()
    };
    match watched {
        Ok(watched) => {
            let accepts = accept_loop(listener, watched, workers.clone(), Arc::clone(shared));
            Some(acceptor.spawn(accepts))
        }
        Err(error) => {
            tracing::error!("nobody is accepted: a listener cannot be watched: {error}");
            None
        }
    }
}

/// Accepts connections and spawns a driver for each until the server stops.
async fn accept_loop(listener: Listener, watched: Watched, workers: Workers, shared: Arc<Shared>) {
    let mut back_off = BACK_OFF_FIRST;
    loop {
        let accepted = tokio::select! {
            accepted = watched.accept() => accepted,
            () = shared.connections.stopped() => break,
        };
        match accepted {
            Ok(accepted) => {
                back_off = BACK_OFF_FIRST;
                admit(accepted, &workers, &shared).await;
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
    drop(watched);
    last_call::close(listener, &workers, &shared, grace).await;
}

/// Finds a place for a connection, waiting for one if there is none, and has it driven.
pub(super) async fn admit((stream, peer): Accepted, workers: &Workers, shared: &Arc<Shared>) {
    let permit = shared.connections.place().await;
    shared.tally.accept();
    let slot = shared.connections.enter(permit);
    let set_task = slot.abort_handle_to();
    let worker = workers.next();
    match stream.hand_to(worker) {
        Ok(stream) => {
            let _its_runtime = worker.enter();
            let life = Life::new(stream, peer, slot, Arc::clone(shared));
            set_task(worker.spawn(life).abort_handle());
        }
        Err(error) => tracing::error!(%peer, "a connection is lost: {error}"),
    }
}

/// Errors that say that the one connection to be accepted is gone already (accept(2)).
pub(super) fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}
