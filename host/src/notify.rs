//! What the service manager is told about the state of this process (sd_notify(3)). Where no
//! manager asked to be told, by `NOTIFY_SOCKET` in the environment, all of this does nothing. No
//! state is kept here, and what is told changes nothing in the server.

use sd_notify::NotifyState;

/// The host serves: after its start, or again after a reload, whatever became of that.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A reload has begun; [`ready`] ends it. A unit of `Type=notify-reload` waits for both.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!("the service manager is not told of the reload: {error}"),
    }
}

/// The shutdown has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// One line for people, which `systemctl status` shows. Line ends in it become spaces: they would
/// begin a word of their own to the manager.
pub fn status(text: &str) {
    let line = text.replace(['\r', '\n'], " ");
    tell(&[NotifyState::Status(&line)]);
}

/// A manager that does not listen is no reason to stop serving.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("the service manager cannot be told the state: {error}");
    }
}
