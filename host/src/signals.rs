//! SIGTERM and Ctrl-C: the first asks for an orderly end, a second one ends the process at once.

use std::io;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit status of a process that was interrupted: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// Handles the signals from now on. The future completes with the first one.
///
/// # Errors
///
/// The system's reason when a handler cannot be set.
pub(crate) fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        next(&mut terminate, &mut interrupt).await;
        tokio::spawn(async move {
            next(&mut terminate, &mut interrupt).await;
            process::exit(EXIT_INTERRUPTED);
        });
    })
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
