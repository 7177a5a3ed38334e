//! Where things are: the project's folders and cargo's. Only paths, nothing is read or written.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The project's root folder: where the workspace's `Cargo.toml` is.
pub(crate) fn root() -> PathBuf {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    let mut root = PathBuf::from(xtask);
    root.pop();
    root
}

/// Cargo's target folder. Guests and notes of these tasks have folders of their own in it.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) if !folder.is_empty() => root().join(folder),
        _ => root().join("target"),
    }
}

/// The cargo that runs this task, so that its builds and ours share one toolchain.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or("cargo".into())
}
