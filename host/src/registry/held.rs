//! What a request holds of the guests that it is for. It holds the whole registry, so that it
//! counts once, and where no other thread counts; so what a new configuration leaves out is let go
//! when the last request of the old one has its answer, and nothing is left of its call.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{Registry, Slot, Target};
use crate::shards::{Handle, Handles};

/// What stands behind one route.
#[derive(Clone)]
pub struct TargetHandle {
    registry: Handle<Registry>,
    route: usize,
}

/// One of the guests there.
#[derive(Clone)]
pub struct SlotHandle {
    target: TargetHandle,
    link: usize,
}

impl TargetHandle {
    /// What stands behind the route with this place in the configuration.
    pub fn new(registry: &Handles<Registry>, route: usize) -> Option<Self> {
        registry.targets.get(route)?;
        let registry = Handles::take(registry);
        Some(Self { registry, route })
    }

    /// The guest that gets the request first.
    pub fn first(&self) -> &Arc<Slot> {
        // As long as the list of targets.
        &self.registry.firsts[self.route]
    }

    /// The same, held by itself.
    pub fn into_first(self) -> SlotHandle {
        SlotHandle {
            target: self,
            link: 0,
        }
    }

    /// One of its guests, as [`Target::link`] says.
    pub fn hold(&self, link: usize) -> SlotHandle {
        let target = self.clone();
        SlotHandle { target, link }
    }
}

impl Deref for TargetHandle {
    type Target = Target;

    fn deref(&self) -> &Target {
        // It was there when this was made, and the list stays as it is.
        &self.registry.targets[self.route]
    }
}

impl Deref for SlotHandle {
    type Target = Arc<Slot>;

    fn deref(&self) -> &Arc<Slot> {
        self.target.link(self.link)
    }
}

impl fmt::Debug for TargetHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.route.fmt(formatter)
    }
}

impl fmt::Debug for SlotHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_registry_that_was_replaced_lives_as_long_as_a_request_holds_it() {
        let mut config = Config::welcome();
        config.sandbox.instances_max = 1;
        let registry = Handles::new(&Arc::new(Registry::load(&config).unwrap()));
        assert!(TargetHandle::new(&registry, registry.targets().len()).is_none());
        let target = TargetHandle::new(&registry, 0).unwrap();
        let slot = Arc::downgrade(&target.slot);
        drop(registry);
        let held = target.hold(7);
        assert!(
            Arc::ptr_eq(&held, &target.slot),
            "the one that answers is the last"
        );
        drop(target);
        assert!(slot.upgrade().is_some());
        drop(held);
        assert!(slot.upgrade().is_none());
    }
}
