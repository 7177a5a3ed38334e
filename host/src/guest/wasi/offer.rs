//! What one generation of a guest may reach, ready to be handed to its instances.

use super::grants::{GrantError, Granted, Grants};
use super::keyvalue::Buckets;
use super::outbound::{Hooks, Outbound};
use super::refusals::Refusals;
use crate::keyvalue::Store;
use std::fmt;
use std::sync::Arc;

/// What the host has for a guest to reach, beside what [`Grants`] name.
#[derive(Clone, Default)]
pub struct Reach {
    /// The number of the guest's generation, for its log.
    pub generation: u64,
    /// Sends its requests to other hosts, if it may send any.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// Has its buckets, if it may open any.
    pub store: Option<Arc<dyn Store>>,
}

/// All of it, for one generation.
pub(in crate::guest) struct Offer {
    pub(super) granted: Arc<Granted>,
    pub(super) buckets: Buckets,
    pub(in crate::guest) generation: u64,
    outbound: Option<Arc<dyn Outbound>>,
    outbound_max: u32,
    pub(super) refusals: Arc<Refusals>,
}

impl Offer {
    /// Opens what has to be opened, once for all instances.
    ///
    /// # Errors
    /// A directory that cannot be.
    pub(in crate::guest) fn new(
        name: &str,
        grants: &Grants,
        reach: Reach,
    ) -> Result<Offer, GrantError> {
        let refusals = Arc::new(Refusals::new(Arc::from(name), reach.generation));
        Ok(Offer {
            granted: Arc::new(grants.open()?),
            buckets: Buckets::new(reach.store, &grants.keyvalue, Arc::clone(&refusals)),
            generation: reach.generation,
            outbound: reach.outbound,
            outbound_max: grants.outbound_max,
            refusals,
        })
    }

    /// What `wasi:http` asks in one store.
    pub(super) fn hooks(&self) -> Hooks {
        let refusals = Arc::clone(&self.refusals);
        Hooks::new(self.outbound.clone(), refusals, self.outbound_max)
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reach = formatter.debug_struct("Reach");
        reach.field("generation", &self.generation);
        reach.finish_non_exhaustive()
    }
}
