//! A guest on its way in: compiled, checked, and asked its probe, before anything serves it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RegistryError;
use super::probe::probe_blocking;
use crate::guest::{Guest, GuestSettings, Priority, Reach, Sandbox};

/// What is known of a guest before it is loaded.
#[derive(Debug, Clone)]
pub(super) struct Newcomer<'a> {
    /// Its name in the configuration.
    pub(super) name: &'a str,
    /// Where the bytes are from, as messages name it: a file, or `built in`.
    pub(super) origin: String,
    /// What it may use.
    pub(super) settings: GuestSettings,
    /// What it may reach.
    pub(super) reach: Reach,
    /// The target that it must answer with a status of 200 to 399; none is asked when absent.
    pub(super) probe: Option<&'a str>,
    /// How long it may take to answer that.
    pub(super) deadline: Duration,
}

impl Newcomer<'_> {
    /// Makes a guest of a component's bytes. Blocks for as long as that takes.
    ///
    /// # Errors
    /// What is wrong with the component, or with the answer to its probe.
    pub(super) fn load(
        self,
        sandbox: &Arc<Sandbox>,
        bytes: &[u8],
        priority: Priority,
    ) -> Result<Guest, RegistryError> {
        let (name, origin) = (self.name.to_owned(), self.origin);
        let guest = match sandbox.load(&name, self.settings, self.reach, bytes, priority) {
            Ok(guest) => guest,
            Err(source) => {
                return Err(RegistryError::Load {
                    guest: name,
                    origin,
                    source,
                });
            }
        };
        let Some(target) = self.probe else {
            return Ok(guest);
        };
        // At the same priority, for this may be the guest that spins.
        let ask = || probe_blocking(&guest, target, Instant::now() + self.deadline);
        match sandbox.run(priority, ask) {
            Ok(()) => Ok(guest),
            Err(source) => Err(RegistryError::Probe {
                guest: name,
                origin,
                source,
            }),
        }
    }
}
