//! The instances that wait for a guest's requests, and how many of them are made ahead. Fresh ones
//! of guests that share their code and their settings are one reserve: what nobody has used is made
//! any of these guests' own when a request takes it. So a thousand guests of one program need no
//! more of them than one does, and those stay in the processor's cache.

use super::call::{GuestSettings, Instances};
use super::idle::{Idle, Keeper};
use super::interned::Interned;
use super::load::{Entry, Loaded};
use super::sandbox::Sandbox;
use super::stock::Stock;
use crate::shards::Handles;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

/// The reserves of the guests of one code, by their settings.
pub(super) type Reserves = Interned<GuestSettings, Reserve>;

/// Waiting instances.
pub(super) struct Reserve {
    pub(super) idle: Idle,
    pub(super) stock: Handles<Stock>,
}

impl Reserve {
    /// That of a guest with these settings. The sandbox may take from it.
    pub(super) fn of(loaded: &Loaded, settings: &GuestSettings, sandbox: &Sandbox) -> Arc<Reserve> {
        let new = || -> Result<_, Infallible> { Ok(Reserve::new(loaded, settings, sandbox)) };
        let reserve = match (&loaded.entry, settings.instances) {
            // What one guest's request leaves behind is no other guest's.
            (Entry::Direct(direct), Instances::Fresh) => {
                let Ok(reserve) = direct.reserves().get_or_make(settings.clone(), new);
                reserve
            }
            _ => {
                let Ok(reserve) = new().map(Arc::new);
                reserve
            }
        };
        sandbox.idle.add(&reserve);
        reserve
    }

    fn new(loaded: &Loaded, settings: &GuestSettings, sandbox: &Sandbox) -> Reserve {
        let (time_max, ready_max) = match settings.instances {
            Instances::Fresh => (sandbox.ready_idle, settings.ready_max),
            Instances::Reuse { idle, .. } => (idle, 0),
        };
        let beat = &loaded.workshop.ticker.beat;
        Reserve {
            idle: Idle::new(time_max),
            stock: Stock::new(ready_max, &sandbox.ready, beat),
        }
    }

    /// Reads a little of what a call looks at.
    pub(super) fn touch(&self) {
        self.idle.touch();
        self.stock.touch();
    }
}

impl Keeper for Reserve {
    fn evict_one(&self) -> bool {
        self.idle.evict_one()
    }

    fn sweep(&self, now: Instant) -> Option<Instant> {
        self.idle.sweep(now)
    }
}
