//! The accept loops of a listener, in as many threads as accept. They end only with the server: an
//! error of `accept` is logged and outwaited, and nothing that takes a client's time (a handshake,
//! a read) may stand in such a loop.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::Shared;
use super::last_call;
use super::life::Life;
use super::listener::{Accepted, Listener, Watched};
use crate::workers::Workers;

const BACK_OFF_FIRST: Duration = Duration::from_millis(5);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// Accepts connections until the server stops, and closes the listener.
pub(super) async fn accept(listener: Listener, workers: Workers, shared: Arc<Shared>) {
    let mut loops = JoinSet::new();
    for group in workers.groups() {
        let Some(watched) = group.first().map(|first| watch(&listener, first)) else {
            continue;
        };
        match watched {
            Ok(watched) => {
                let accepts = accept_loop(watched, group.clone(), Arc::clone(&shared));
                loops.spawn_on(accepts, &group[0]);
            }
            Err(error) => {
                tracing::error!("a thread accepts nobody, for it cannot watch a listener: {error}");
            }
        }
    }
    // One ends by itself once the server stops; a panic in it would already be in the log.
    while loops.join_next().await.is_some() {}
    let grace = shared.settings.load().idle_grace;
    last_call::close(listener, &workers, &shared, grace).await;
}

fn watch(listener: &Listener, runtime: &Handle) -> io::Result<Watched> {
    let _entered = runtime.enter();
    listener.watch()
}

/// Accepts connections, and spawns a driver for each in the next of these runtimes.
async fn accept_loop(listener: Watched, runtimes: Vec<Handle>, shared: Arc<Shared>) {
    let mut back_off = BACK_OFF_FIRST;
    let mut turns = runtimes.iter().cycle();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.connections.stopped() => break,
        };
        match (accepted, turns.next()) {
            (Ok(accepted), Some(runtime)) => {
                back_off = BACK_OFF_FIRST;
                admit(accepted, runtime, &shared).await;
                // Others may have time for the next one.
                tokio::task::yield_now().await;
            }
            (Err(error), _) if !is_of_one_connection(&error) => {
                tracing::error!("cannot accept a connection, next try in {back_off:?}: {error}");
                // Out of files is the usual reason: an idle connection can give one back.
                shared.connections.dismiss_longest_idle();
                tokio::select! {
                    () = tokio::time::sleep(back_off) => {}
                    () = shared.connections.stopped() => break,
                }
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
            _ => {}
        }
    }
}

/// Finds a place for a connection, waiting for one if there is none, and has it driven in that
/// runtime.
pub(super) async fn admit((stream, peer): Accepted, runtime: &Handle, shared: &Arc<Shared>) {
    let permit = shared.connections.place().await;
    shared.tally.accept();
    let slot = shared.connections.enter(permit);
    let set_task = slot.abort_handle_to();
    match stream.hand_to(runtime) {
        Ok(stream) => {
            let _entered = runtime.enter();
            let life = Life::new(stream, peer, slot, Arc::clone(shared));
            set_task(runtime.spawn(life).abort_handle());
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
