//! What a configuration asks for, compared with what there is: which guests stay, which get a new
//! generation, which are new. Nothing here changes what serves.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bodies;
use super::counters::Counters;
use super::error::RegistryError;
use super::generation::Generation;
use super::loading;
use super::roles::{self, Role};
use super::slot::Slot;
use super::source::Source;
use super::{Change, Loaded, Order, Shared, Target, settings};
use crate::config::{self, Config};
use crate::guest::{GuestSettings, Priority};

/// The slots of all guests, by name.
pub(super) type Slots = BTreeMap<String, Arc<Slot>>;

/// What is there, and what it is compared with.
pub(super) struct Staging<'a> {
    /// The slots that serve now.
    pub(super) old: &'a Slots,
    /// Whether they run in the engine that the new ones will.
    pub(super) same_engine: bool,
    pub(super) config: &'a Config,
    pub(super) shared: &'a Shared,
    pub(super) priority: Priority,
}

/// What is to become of the guests once all is ready.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Slots that stay, with new content.
    swaps: Vec<(Arc<Slot>, Arc<Generation>)>,
    /// New slots, with those that they replace.
    heirs: Vec<(Arc<Slot>, Arc<Slot>)>,
    /// Slots that stay as they are.
    same: Vec<Arc<Slot>>,
    changes: Vec<Change>,
}

impl Plan {
    /// Carries it out, and says what is different now.
    pub(super) fn commit(self) -> Vec<Change> {
        for (slot, generation) in self.swaps {
            slot.replace(&generation);
        }
        for (slot, old) in self.heirs {
            slot.succeed(&old);
        }
        for slot in self.same {
            slot.set_last_error(None);
        }
        self.changes
    }
}

/// A guest that has to be loaded.
struct Work<'a> {
    guest: &'a config::Guest,
    settings: GuestSettings,
    source: Source,
    counters: Arc<Counters>,
    /// The slot that serves this name now.
    old: Option<&'a Arc<Slot>>,
    /// Whether only the content changes in it.
    stays: bool,
}

/// What a guest needs.
enum Need<'a> {
    Nothing(Arc<Slot>),
    /// Its content was taken back; what serves goes on to.
    NothingYet(Arc<Slot>, String),
    Load(Box<Work<'a>>),
}

impl<'a> Staging<'a> {
    /// Loads what has changed.
    ///
    /// # Errors
    /// Every guest that cannot be made ready.
    pub(super) fn make_ready(&self) -> Result<(Slots, Plan), Vec<RegistryError>> {
        let (mut slots, mut plan) = (Slots::new(), Plan::default());
        let (mut errors, mut work) = (Vec::new(), Vec::new());
        for guest in self.config.guests.values() {
            match self.compare(guest) {
                Ok(Need::Nothing(slot)) => {
                    plan.same.push(Arc::clone(&slot));
                    slots.insert(guest.name.clone(), slot);
                }
                Ok(Need::NothingYet(slot, why)) => {
                    plan.changes.push(Change::Kept(why));
                    slots.insert(guest.name.clone(), slot);
                }
                Ok(Need::Load(needed)) => work.push(*needed),
                Err(error) => errors.push(error),
            }
        }
        let loaded = loading::each("making guests ready", &work, |work| self.load(work));
        for (work, result) in work.into_iter().zip(loaded) {
            match result {
                Ok(generation) => {
                    let name = work.guest.name.clone();
                    slots.insert(name, self.place(&mut plan, work, generation));
                }
                Err(error) => errors.push(error),
            }
        }
        errors.extend(self.check_roles(&slots, &plan));
        if errors.is_empty() {
            Ok((slots, plan))
        } else {
            Err(errors)
        }
    }

    /// What is wrong with the guests that would serve. Those that are not ready are not looked at.
    fn check_roles(&self, slots: &Slots, plan: &Plan) -> Vec<RegistryError> {
        roles::check(&self.config.routes, |name| {
            let slot = slots.get(name)?;
            let mut swaps = plan.swaps.iter();
            let next = swaps.find(|(swapped, _)| Arc::ptr_eq(swapped, slot));
            let generation = next.map_or_else(|| slot.current(), |(_, next)| Arc::clone(next));
            Some(Role::of(generation.guest()))
        })
    }

    fn compare(&self, guest: &'a config::Guest) -> Result<Need<'a>, RegistryError> {
        let source = Source::read(self.config, guest)?;
        let settings = settings::guest(self.config, guest);
        let old = self.old.get(&guest.name);
        let mut stays = false;
        if let Some(slot) = old {
            stays = self.same_engine && slot.config() == guest && *slot.settings() == settings;
            if stays && slot.current().hash() == source.hash {
                return self.serves_on(slot).map(Need::Nothing);
            }
            if slot.has_rejected(source.hash) {
                let error = source.rejected();
                // Other changes of the file must not have to wait for this guest's author.
                if !stays {
                    return Err(error);
                }
                let slot = self.serves_on(slot)?;
                return Ok(Need::NothingYet(slot, error.to_string()));
            }
        }
        Ok(Need::Load(Box::new(Work {
            guest,
            settings,
            source,
            counters: old
                .map(|slot| Arc::clone(slot.counters()))
                .unwrap_or_default(),
            old,
            stays,
        })))
    }

    /// A slot that stays as it is, behind routes that may have changed.
    fn serves_on(&self, slot: &Arc<Slot>) -> Result<Arc<Slot>, RegistryError> {
        bodies::check(self.config, slot.name(), slot.current().guest().kind())?;
        Ok(Arc::clone(slot))
    }

    fn load(&self, work: &Work<'_>) -> Result<Arc<Generation>, RegistryError> {
        let order = Order {
            config: self.config,
            guest: work.guest,
            settings: &work.settings,
            counters: &work.counters,
            source: &work.source,
        };
        let generation = self.shared.load(&order, self.priority)?;
        if let config::Instances::Reuse { concurrent, .. } = work.guest.instances
            && concurrent > 1
            && !generation.guest().is_shared()
        {
            tracing::info!(
                guest = work.guest.name,
                lane = %generation.guest().kind(),
                concurrent,
                "instances of this lane serve one request at a time; there are as many of them as \
                 requests at once"
            );
        }
        Ok(generation)
    }

    fn place(&self, plan: &mut Plan, work: Work<'_>, generation: Arc<Generation>) -> Arc<Slot> {
        let loaded = Loaded::new(&work.guest.name, &generation);
        plan.changes.push(match work.old {
            None => Change::Added(loaded),
            Some(_) => Change::Swapped(loaded),
        });
        if let (true, Some(slot)) = (work.stays, work.old) {
            plan.swaps.push((Arc::clone(slot), generation));
            return Arc::clone(slot);
        }
        let old = work.old.map(|old| &**old);
        let pool = &self.shared.pool;
        let counters = work.counters;
        let slot = Slot::new(work.guest, work.settings, &generation, pool, counters, old);
        let slot = Arc::new(slot);
        if let Some(old) = work.old {
            plan.heirs.push((Arc::clone(&slot), Arc::clone(old)));
        }
        slot
    }
}

/// What stands behind each route. Every route names a guest of the configuration: `config` has
/// checked it. Routes that were there before go on counting.
pub(super) fn targets(config: &Config, slots: &Slots, before: &[Target]) -> Vec<Target> {
    let counted = |route: &config::Route| {
        let same = before.iter().find(|target| is_same(&target.route, route));
        same.map(|target| Arc::clone(&target.requests))
    };
    let target = |route: &config::Route| {
        let names = route.middleware.iter();
        let middleware = names.map(|name| slots.get(name).map(Arc::clone));
        Some(Target {
            middleware: middleware.collect::<Option<_>>()?,
            slot: Arc::clone(slots.get(&route.guest)?),
            whole_body_max: route.body_max.min(config.limits.buffered_max),
            requests: counted(route).unwrap_or_default(),
            route: route.clone(),
        })
    };
    config.routes.iter().filter_map(target).collect()
}

/// Whether two routes take the same requests to the same guest.
fn is_same(one: &config::Route, other: &config::Route) -> bool {
    let key = |route: &config::Route| {
        let config::Route {
            path,
            methods,
            host,
            middleware,
            guest,
            ..
        } = route.clone();
        (path.to_string(), methods, host, middleware, guest)
    };
    key(one) == key(other)
}
