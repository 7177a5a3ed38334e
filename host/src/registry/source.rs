//! The bytes of a guest's component, read once, with what errors call them.

use std::time::Duration;

use super::error::RegistryError;
use crate::config::{self, Component, Config};
use crate::files::{self, Fingerprint};
use crate::guest::{self, ContentHash};

/// A component that was read and is yet to be compiled.
#[derive(Debug)]
pub(super) struct Source {
    guest: String,
    pub(super) origin: String,
    pub(super) bytes: Vec<u8>,
    pub(super) hash: ContentHash,
    /// The state of the file when it was read; none of what is built in.
    pub(super) fingerprint: Option<Fingerprint>,
}

/// How long a file that keeps changing is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

impl Source {
    /// Reads a guest's component.
    ///
    /// # Errors
    /// Why its file cannot be read.
    pub(super) fn read(config: &Config, guest: &config::Guest) -> Result<Self, RegistryError> {
        let (bytes, origin, fingerprint) = match &guest.component {
            Component::File(path) => {
                let size_max = config.sandbox.component_max;
                let read = files::read_stable(path, size_max, config.reload.settle, PATIENCE);
                let (bytes, fingerprint) = read.map_err(|source| RegistryError::Unreadable {
                    guest: guest.name.clone(),
                    source,
                })?;
                (bytes, path.display().to_string(), Some(fingerprint))
            }
            Component::Welcome => (
                guest::WELCOME.as_bytes().to_vec(),
                "built in".to_owned(),
                None,
            ),
        };
        let hash = ContentHash::of(&bytes);
        Ok(Self {
            guest: guest.name.clone(),
            // Two builds may fail with the same words.
            origin: format!("{origin} ({})", hash.short()),
            hash,
            bytes,
            fingerprint,
        })
    }

    /// That these bytes failed before.
    pub(super) fn rejected(&self) -> RegistryError {
        RegistryError::Rejected {
            guest: self.guest.clone(),
            origin: self.origin.clone(),
        }
    }
}
