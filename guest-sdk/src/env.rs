//! What the operator of the host tells a guest: environment variables (`env`) and configuration
//! (`config`). Both are read at each call and neither can be written.

#[cfg(target_family = "wasm")]
use crate::wasi::wasi;

/// An environment variable that the host's configuration gives to this guest.
#[must_use]
pub fn var(name: &str) -> Option<String> {
    vars().into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

/// All environment variables.
#[cfg(target_family = "wasm")]
#[must_use]
pub fn vars() -> Vec<(String, String)> {
    wasi::cli::environment::get_environment()
}

/// All environment variables.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub fn vars() -> Vec<(String, String)> {
    crate::testing::with_world(|world| world.env.clone().into_iter().collect())
}

/// A value of `wasi:config`; `None` when the host has none of this name, or does not say.
#[cfg(target_family = "wasm")]
#[must_use]
pub fn config(key: &str) -> Option<String> {
    wasi::config::store::get(key).unwrap_or_else(|error| {
        log::warn!("the configuration cannot be read: {error}");
        None
    })
}

/// A value of `wasi:config`; `None` when the host has none of this name, or does not say.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub fn config(key: &str) -> Option<String> {
    crate::testing::with_world(|world| world.config.get(key).cloned())
}
