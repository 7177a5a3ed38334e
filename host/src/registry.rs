//! The guests that serve: loaded from the configuration, one for each route.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::config::{self, Component, Config};
use crate::guest::{self, Guest, GuestSettings, LoadError, Sandbox, SandboxError, SandboxSettings};

/// A guest could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Two routes take the same requests. A configuration that was read has none of these.
    #[error("the routes {first} and {second} overlap")]
    Overlap {
        /// The earlier route's pattern.
        first: String,
        /// The later route's pattern.
        second: String,
    },
    /// No guest can run with these settings.
    #[error("the sandbox cannot be set up: {0}")]
    Sandbox(#[from] SandboxError),
    /// A component's file could not be read.
    #[error("guest `{guest}`: cannot read {}: {source}", path.display())]
    Unreadable {
        /// The guest's name.
        guest: String,
        /// The component's file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A component does not fit.
    #[error("guest `{guest}`: {origin}: {source}")]
    Load {
        /// The guest's name.
        guest: String,
        /// The component's file, or that it is built in.
        origin: String,
        /// What is wrong with it.
        source: LoadError,
    },
}

/// What stands behind one route.
#[derive(Debug, Clone)]
pub struct Target {
    /// The guest that answers.
    pub guest: Arc<Guest>,
    /// How many bytes a request's body may have.
    pub body_max: u64,
    /// From the request's first byte to the last byte of the guest's answer.
    pub deadline: Duration,
}

/// The targets of all routes.
#[derive(Debug)]
pub struct Registry {
    targets: Vec<Target>,
}

impl Registry {
    /// Compiles and checks every guest of the configuration, as many at once as there are
    /// processors. Blocks for as long as that takes.
    ///
    /// # Errors
    ///
    /// Every guest that cannot be made ready.
    pub fn load(config: &Config) -> Result<Self, Vec<RegistryError>> {
        let sandbox = Sandbox::new(&sandbox_settings(config)).map_err(|e| vec![e.into()])?;
        let guests = load_all(config, &sandbox)?;
        let target = |route: &config::Route| {
            Some(Target {
                guest: Arc::clone(guests.get(route.guest.as_str())?),
                body_max: route.body_max,
                deadline: config.guests.get(&route.guest)?.deadline,
            })
        };
        // Every route names a guest of the configuration: `config` has checked it.
        Ok(Self {
            targets: config.routes.iter().filter_map(target).collect(),
        })
    }

    /// What stands behind the route with this place in the configuration.
    pub fn target(&self, route: usize) -> Option<&Target> {
        self.targets.get(route)
    }
}

type Loaded<'a> = BTreeMap<&'a str, Arc<Guest>>;

fn load_all<'a>(
    config: &'a Config,
    sandbox: &Arc<Sandbox>,
) -> Result<Loaded<'a>, Vec<RegistryError>> {
    let guests: Vec<&config::Guest> = config.guests.values().collect();
    let workers = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(guests.len())
        .max(1);
    let share = guests.len().div_ceil(workers).max(1);
    let results: Vec<_> = thread::scope(|scope| {
        let load_share = |share: &[&'a config::Guest]| {
            let share = share.to_vec();
            scope.spawn(move || {
                share
                    .into_iter()
                    .map(|g| load(config, g, sandbox))
                    .collect()
            })
        };
        // Started all before the first is waited for.
        let running: Vec<thread::ScopedJoinHandle<'_, Vec<_>>> =
            guests.chunks(share).map(load_share).collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_default())
            .collect()
    });
    let mut loaded = Loaded::new();
    let mut errors = Vec::new();
    for (guest, result) in guests.iter().zip(results) {
        match result {
            Ok(ready) => drop(loaded.insert(&guest.name, Arc::new(ready))),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(loaded)
    } else {
        Err(errors)
    }
}

fn load(
    config: &Config,
    guest: &config::Guest,
    sandbox: &Arc<Sandbox>,
) -> Result<Guest, RegistryError> {
    if !guest.env.is_empty() {
        tracing::warn!(
            guest = guest.name,
            "env is set, but a lean guest has no environment and cannot see it"
        );
    }
    let (bytes, origin) = match &guest.component {
        Component::File(path) => {
            let bytes = std::fs::read(path).map_err(|source| RegistryError::Unreadable {
                guest: guest.name.clone(),
                path: path.clone(),
                source,
            })?;
            (bytes, path.display().to_string())
        }
        Component::Welcome => (guest::WELCOME.as_bytes().to_vec(), "built in".to_owned()),
    };
    sandbox
        .load(&guest.name, guest_settings(config, guest), &bytes)
        .map_err(|source| RegistryError::Load {
            guest: guest.name.clone(),
            origin,
            source,
        })
}

fn sandbox_settings(config: &Config) -> SandboxSettings {
    /// Enough for any guest that is added later without a restart.
    const MEMORY_MIN: u64 = 64 << 20;
    let memories = config.guests.values().map(|guest| guest.memory_max);
    SandboxSettings {
        instances_max: config.sandbox.instances_max,
        slice: config.sandbox.slice,
        stack_max: config.sandbox.stack_max,
        memory_max: memories.fold(MEMORY_MIN, u64::max),
        guest_line_max: config.log.guest_line_max,
        guest_lines_max: config.log.guest_lines_max,
    }
}

fn guest_settings(config: &Config, guest: &config::Guest) -> GuestSettings {
    GuestSettings {
        memory_max: guest.memory_max,
        response_max: guest.response_max,
        response_head_max: config.limits.response_head_max,
        response_fields_max: config.limits.response_fields_max,
        concurrency_max: guest.concurrency_max,
        instances: match guest.instances {
            config::Instances::Fresh => guest::Instances::Fresh,
            config::Instances::Reuse { uses, .. } => guest::Instances::Reuse { uses },
        },
    }
}
