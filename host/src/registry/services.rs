//! What guests may be granted beside their own sandbox, and share: the way to other hosts, and the
//! store. It stays as it is over reloads, for the store is one file that is open once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::counters::Counters;
use super::error::RegistryError;
use crate::config::{self, Config};
use crate::guest::Reach;
use crate::keyvalue::{self, Embedded, Store};
use crate::outbound::{Client, Connector};

/// Made once; each part when the first guest is granted it.
pub(super) struct Services {
    outbound: config::Outbound,
    keyvalue: config::Keyvalue,
    connector: Mutex<Option<Arc<Connector>>>,
    store: Mutex<Option<Arc<dyn Store>>>,
}

impl Services {
    /// Services with these settings. Nothing is opened yet.
    pub(super) fn new(config: &Config) -> Self {
        Self {
            outbound: config.outbound.clone(),
            keyvalue: config.keyvalue.clone(),
            connector: Mutex::default(),
            store: Mutex::default(),
        }
    }

    /// What the next generation of a guest may reach.
    ///
    /// # Errors
    /// The store or the trusted certificates cannot be opened.
    pub(super) fn reach(
        &self,
        guest: &config::Guest,
        counters: &Counters,
    ) -> Result<Reach, RegistryError> {
        let granted = &guest.capabilities;
        let service = |reason: String| RegistryError::Service {
            guest: guest.name.clone(),
            reason,
        };
        let mut reach = Reach {
            generation: counters.upcoming_generation(),
            ..Reach::default()
        };
        if !granted.allow_hosts.is_empty() {
            let connector = self.connector().map_err(service)?;
            reach.outbound = Some(Arc::new(Client::new(&connector, &granted.allow_hosts)));
        }
        if !granted.keyvalue.is_empty() {
            reach.store = Some(self.store().map_err(service)?);
        }
        Ok(reach)
    }

    fn connector(&self) -> Result<Arc<Connector>, String> {
        once(&self.connector, || {
            let made = Connector::new(self.outbound.clone());
            made.map(Arc::new).map_err(|error| error.to_string())
        })
    }

    fn store(&self) -> Result<Arc<dyn Store>, String> {
        once(&self.store, || {
            let directory = keyvalue::directory(self.keyvalue.directory.as_deref());
            let directory = directory.ok_or("keyvalue.directory has to say where it is kept")?;
            let store = Embedded::open(&directory, self.keyvalue.clone());
            let store = store.map_err(|error| error.to_string())?;
            Ok(Arc::new(store) as Arc<dyn Store>)
        })
    }
}

/// What is there, or what `make` makes.
fn once<T: ?Sized>(
    place: &Mutex<Option<Arc<T>>>,
    make: impl FnOnce() -> Result<Arc<T>, String>,
) -> Result<Arc<T>, String> {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(there) = &*place {
        return Ok(Arc::clone(there));
    }
    let made = make()?;
    *place = Some(Arc::clone(&made));
    Ok(made)
}

impl fmt::Debug for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Services").finish_non_exhaustive()
    }
}
