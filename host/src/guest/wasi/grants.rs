//! What a guest of the wasi lanes was granted, and the context that an instance of it gets. Nothing
//! of the host's own is inherited: no environment, no arguments, no standard streams, no sockets.

use super::output::{Output, Standard};
use std::collections::BTreeMap;
use std::path::PathBuf;
use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi::{FsPerms, WasiCtx};
use wasmtime_wasi_config::{WasiConfig, WasiConfigVariables};

/// Random bytes of one call, which the host has to hold.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// What a guest was granted, as plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// The environment it sees.
    pub env: BTreeMap<String, String>,
    /// The arguments it sees.
    pub args: Vec<String>,
    /// The directories it sees.
    pub dirs: Vec<DirectoryGrant>,
    /// What it finds in `wasi:config`.
    pub config: BTreeMap<String, String>,
    /// The buckets it may open: by the name it opens, the bucket's.
    pub keyvalue: BTreeMap<String, String>,
    /// How many requests of its own one instance may have under way.
    pub outbound_max: u32,
}

/// A directory that a guest sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DirectoryGrant {
    /// Where it is.
    pub host: PathBuf,
    /// Where the guest sees it.
    pub guest: String,
    /// Whether it may change anything there.
    pub writable: bool,
}

/// A granted directory cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot open the directory {}, which the guest is to see as {guest}: {reason}",
    host.display()
)]
pub struct GrantError {
    /// The directory.
    pub host: PathBuf,
    /// What the guest would see it as.
    pub guest: String,
    /// What the system said.
    pub reason: String,
}

/// What all instances of one generation are granted, ready to be handed out.
pub(in crate::guest) struct Granted {
    env: Vec<(String, String)>,
    args: Vec<String>,
    filesystem: WasiFilesystemCtx,
    config: WasiConfigVariables,
}

impl Grants {
    /// Opens the directories, once for all instances.
    ///
    /// # Errors
    /// A directory that is not there, or not for the host to read.
    pub(in crate::guest) fn open(&self) -> Result<Granted, GrantError> {
        let mut builder = WasiCtx::builder();
        for directory in &self.dirs {
            let permissions = if directory.writable {
                FsPerms::ReadWrite
            } else {
                FsPerms::ReadOnly
            };
            let opened = builder.preopened_dir(&directory.host, &directory.guest, permissions);
            opened.map_err(|error| GrantError {
                host: directory.host.clone(),
                guest: directory.guest.clone(),
                reason: format!("{error:#}"),
            })?;
        }
        Ok(Granted {
            env: self.env.clone().into_iter().collect(),
            args: self.args.clone(),
            filesystem: builder.build().filesystem().clone(),
            config: self.config.clone().into_iter().collect(),
        })
    }
}

impl Granted {
    /// No grants at all.
    pub(in crate::guest) fn nothing() -> Granted {
        Granted {
            env: Vec::new(),
            args: Vec::new(),
            filesystem: WasiCtx::builder().build().filesystem().clone(),
            config: WasiConfigVariables::new(),
        }
    }

    /// The context of an instance. It shares the open directories with all others.
    pub(in crate::guest) fn wasi_ctx(&self, output: &Output) -> WasiCtx {
        let mut builder = WasiCtx::builder();
        builder
            .envs(&self.env)
            .args(&self.args)
            .stdout(output.stream(Standard::Output))
            .stderr(output.stream(Standard::Error))
            .max_random_size(RANDOM_BYTES_MAX)
            // Each of these is denied by default too. A default of others is no promise of ours.
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .socket_addr_check(|_, _| Box::pin(async { false }));
        let mut context = builder.build();
        context.filesystem().clone_from(&self.filesystem);
        context
    }

    /// What `wasi:config` answers from.
    pub(in crate::guest) fn config(&self) -> WasiConfig<'_> {
        WasiConfig::new(&self.config)
    }
}

#[cfg(test)]
mod tests;
