//! The guests that serve: name -> slot -> current generation, and which slot each route has.
//!
//! Making guests ready is kept apart from letting them serve: [`Staged`] holds what a changed
//! configuration asks for, and nothing of it shows before [`Staged::commit`].

mod admission;
mod bodies;
mod breaker;
mod bulkhead;
mod cache;
mod counters;
mod error;
mod generation;
mod held;
mod loading;
mod newcomer;
mod pool;
mod probation;
mod probe;
mod roles;
mod services;
mod settings;
mod slot;
mod source;
mod staging;

#[cfg(test)]
mod tests;

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use crate::config::{self, Config};
use crate::guest::{ContentHash, GuestSettings, Priority, Sandbox, SandboxSettings};
use crate::shards::{Alone, Pointee, Sum};
use newcomer::Newcomer;
use pool::Pool;
use roles::Role;
use services::Services;
use source::Source;
use staging::{Plan, Slots, Staging};

pub use admission::{Admitted, Room};
pub use bodies::Oversized;
pub use counters::{Count, Counters};
pub use error::RegistryError;
pub use generation::Generation;
pub use held::{SlotHandle, TargetHandle};
pub use probe::ProbeError;
pub use slot::{Refused, Slot};

/// What stands behind one route.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Target {
    /// The guests in front of the one that answers.
    pub middleware: Vec<Arc<Slot>>,
    /// The guest that answers.
    pub slot: Arc<Slot>,
    /// The route's `body_max` for a guest that takes bodies whole: one that was put back by itself
    /// may take them so where the one before it did not.
    pub whole_body_max: u64,
    /// Requests that were routed here.
    pub requests: Arc<Sum>,
    /// The route, as configured. Last, for not every request looks at it.
    pub route: config::Route,
}

/// All guests of a configuration, and the targets of its routes.
#[derive(Debug)]
pub struct Registry {
    shared: Arc<Shared>,
    slots: Slots,
    targets: Vec<Target>,
    /// The first guest of each target: so many side by side are in the processor's cache, and a
    /// guest is on its way while its target is.
    firsts: Vec<Arc<Slot>>,
}

/// What guests share for as long as the settings of the sandbox stay the same.
#[derive(Debug)]
struct Shared {
    sandbox: Arc<Sandbox>,
    settings: SandboxSettings,
    pool: Arc<Pool>,
    services: Arc<Services>,
}

/// A generation to be made.
struct Order<'a> {
    config: &'a Config,
    guest: &'a config::Guest,
    settings: &'a GuestSettings,
    counters: &'a Counters,
    source: &'a Source,
}

/// A registry that is ready and serves nothing yet.
#[derive(Debug)]
pub struct Staged {
    registry: Registry,
    plan: Plan,
    changes: Vec<Change>,
}

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A guest got its first generation.
    Added(Loaded),
    /// A new generation of a guest serves.
    Swapped(Loaded),
    /// A guest's file holds content that was taken back; the generation before it serves on.
    Kept(String),
    /// A guest is gone; what it was answering it still answers.
    Removed(String),
}

/// Which generation of which guest was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The guest's name.
    pub guest: String,
    /// The generation's number.
    pub generation: u64,
    /// The hash of its component.
    pub hash: ContentHash,
}

impl Target {
    /// The guest with this place in the order of the request, in which the one that answers is the
    /// last; that one for every place from there on.
    pub fn link(&self, link: usize) -> &Arc<Slot> {
        self.middleware.get(link).unwrap_or(&self.slot)
    }

    /// Reads a little of what a request needs.
    pub fn touch(&self) {
        black_box(self.whole_body_max);
    }

    /// How many guests there are.
    pub fn links(&self) -> usize {
        self.middleware.len() + 1
    }
}

impl Pointee for Registry {
    type Beside = Alone;

    fn beside(&self, _: usize) -> Alone {
        Alone::new()
    }
}

impl Registry {
    /// Compiles and checks every guest of the configuration, as many at once as there are
    /// processors. Blocks for as long as that takes.
    ///
    /// # Errors
    ///
    /// Every guest that cannot be made ready.
    pub fn load(config: &Config) -> Result<Self, Vec<RegistryError>> {
        let services = Arc::new(Services::new(config));
        let empty = Self {
            shared: Arc::new(Shared::new(config, services).map_err(|error| vec![error])?),
            slots: Slots::new(),
            targets: Vec::new(),
            firsts: Vec::new(),
        };
        Ok(empty.stage_at(config, Priority::Start)?.commit().0)
    }

    /// Makes ready what a changed configuration asks for, while this registry serves on. Guests
    /// that are the same in it keep their slots. Blocks like [`Registry::load`].
    ///
    /// # Errors
    ///
    /// Every guest that cannot be made ready; nothing has changed then.
    pub fn stage(&self, config: &Config) -> Result<Staged, Vec<RegistryError>> {
        self.stage_at(config, Priority::Background)
    }

    fn stage_at(&self, config: &Config, priority: Priority) -> Result<Staged, Vec<RegistryError>> {
        let shared = self.shared_for(config).map_err(|error| vec![error])?;
        let staging = Staging {
            old: &self.slots,
            same_engine: Arc::ptr_eq(&shared, &self.shared),
            config,
            shared: &shared,
            priority,
        };
        let ready = staging.make_ready();
        // If there is no pool, no guest could be made ready, and each would say so.
        shared
            .sandbox
            .usable()
            .map_err(|error| vec![error.into()])?;
        let (slots, plan) = ready?;
        let gone = self.slots.keys().filter(|name| !slots.contains_key(*name));
        let changes = gone.cloned().map(Change::Removed).collect();
        let targets = staging::targets(config, &slots, &self.targets);
        let firsts = targets.iter().map(|target| Arc::clone(target.link(0)));
        let registry = Self {
            firsts: firsts.collect(),
            targets,
            shared,
            slots,
        };
        Ok(Staged {
            registry,
            plan,
            changes,
        })
    }

    /// Loads the component of one guest again and lets it serve, if its content has changed.
    /// Blocks for as long as compiling takes.
    ///
    /// # Errors
    ///
    /// Why the content cannot serve; the guest's current generation serves on.
    pub fn refresh(&self, config: &Config, slot: &Slot) -> Result<Option<Change>, RegistryError> {
        let source = Source::read(config, slot.config())?;
        if source.hash == slot.current().hash() {
            return Ok(None);
        }
        if slot.has_rejected(source.hash) {
            return Err(source.rejected());
        }
        let order = Order {
            config,
            guest: slot.config(),
            settings: slot.settings(),
            counters: slot.counters(),
            source: &source,
        };
        let generation = self.shared.load(&order, Priority::Background)?;
        self.check_role(slot, &generation)?;
        let change = Change::Swapped(Loaded::new(slot.name(), &generation));
        slot.replace(&generation);
        Ok(Some(change))
    }

    /// Refuses a generation that is not what the routes use its guest for.
    fn check_role(&self, slot: &Slot, generation: &Generation) -> Result<(), RegistryError> {
        let routes = self.targets.iter().map(|target| &target.route);
        let role = |name: &str| (name == slot.name()).then(|| Role::of(generation.guest()));
        let first = roles::check(routes, role).into_iter().next();
        first.map_or(Ok(()), Err)
    }

    /// The targets of all routes, in the configuration's order.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// All guests by name.
    pub fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.values()
    }

    fn shared_for(&self, config: &Config) -> Result<Arc<Shared>, RegistryError> {
        if self.shared.settings == settings::sandbox(config) {
            return Ok(Arc::clone(&self.shared));
        }
        Shared::new(config, Arc::clone(&self.shared.services)).map(Arc::new)
    }
}

impl Shared {
    fn new(config: &Config, services: Arc<Services>) -> Result<Self, RegistryError> {
        let settings = settings::sandbox(config);
        Ok(Self {
            sandbox: Sandbox::new(&settings).map_err(Arc::new)?,
            pool: Pool::new(settings.instances_max as usize),
            settings,
            services,
        })
    }

    fn load(
        &self,
        order: &Order<'_>,
        priority: Priority,
    ) -> Result<Arc<Generation>, RegistryError> {
        let newcomer = Newcomer {
            name: &order.guest.name,
            origin: order.source.origin.clone(),
            settings: order.settings.clone(),
            reach: self.services.reach(order.guest, order.counters)?,
            probe: order.guest.probe.as_deref(),
            deadline: order.guest.deadline,
        };
        let loaded = newcomer.load(&self.sandbox, &order.source.bytes, priority)?;
        bodies::check(order.config, &order.guest.name, loaded.kind())?;
        let pool = Arc::downgrade(&self.pool);
        loaded.tell_of_room(move || {
            if let Some(pool) = pool.upgrade() {
                pool.tell();
            }
        });
        let number = order.counters.next_generation();
        Ok(Arc::new(Generation::new(number, order.source, loaded)))
    }
}

impl Staged {
    /// Lets it serve. Returns the registry and what is different from before.
    pub fn commit(self) -> (Registry, Vec<Change>) {
        let guests = self.registry.slots.len();
        self.registry.shared.pool.divide_among(guests);
        let mut changes = self.plan.commit();
        changes.extend(self.changes);
        (self.registry, changes)
    }
}

impl Loaded {
    fn new(guest: &str, generation: &Generation) -> Self {
        Self {
            guest: guest.to_owned(),
            generation: generation.number(),
            hash: generation.hash(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(loaded) => write!(formatter, "guest `{}` serves: {loaded}", loaded.guest),
            Self::Swapped(loaded) => {
                write!(formatter, "guest `{}` is swapped: {loaded}", loaded.guest)
            }
            Self::Kept(why) => formatter.write_str(why),
            Self::Removed(guest) => write!(formatter, "guest `{guest}` is removed"),
        }
    }
}

impl fmt::Display for Loaded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "generation {} ({})",
            self.generation,
            self.hash.short()
        )
    }
}
