//! A request that passes through several guests: the middleware of its route, one after the other,
//! and the route's guest. Each of them is a link with a sandbox and a place of its own.
//!
//! Here is what is known of all links together: how far the request has come, who waits for whom,
//! and who is to blame. `link` calls the next one, `answer` is what it answers, `judged` is what is
//! made of the end of a call.

mod answer;
mod judged;
mod link;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use smol_str::SmolStr;

use super::{Allowance, Plan, Refusal, Usage};
use crate::guest::{self, Account, CallError, Next, OwnFields};
use crate::registry::{Generation, TargetHandle};
use crate::shards::Handle;

pub(super) use judged::{Ended, Judged, serve};

/// Failures of one request that are logged beside the one that the client is told of: a middleware
/// may try as often as it likes.
const TOLD_MAX: u32 = 8;

/// One request on its way through a chain.
pub(super) struct Chain {
    id: String,
    client: String,
    captures: Vec<(String, String)>,
    own_fields: OwnFields,
    target: TargetHandle,
    body_max: u64,
    time: Duration,
    allowed: Allowance,
    /// For each link, whether the one before it waits for it.
    awaited: Box<[AtomicBool]>,
    seen: Mutex<Seen>,
}

/// What has been seen of the links.
#[derive(Default)]
struct Seen {
    links: Vec<LinkSeen>,
    /// The last failure that a link was told of and no other has taken over.
    failure: Option<(usize, Refusal)>,
    told: u32,
    /// Who is to blame, once that cannot change any more.
    blamed: Option<usize>,
}

#[derive(Clone, Default)]
struct LinkSeen {
    generation: Option<Handle<Generation>>,
    queued: Duration,
    /// Of a link that streams; of another there is the usage, in the end.
    account: Option<Account>,
    usage: Usage,
}

/// A guest of a chain, for the log.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its name.
    pub name: SmolStr,
    /// The generation that was called; none if it was not.
    pub generation: Option<Handle<Generation>>,
}

/// What became of a chain, for the log.
#[derive(Clone, Debug)]
pub struct Report {
    /// How long the request waited for places, all of them together.
    pub queued: Duration,
    /// What all guests have used, but `run`, which is the time of the first: it waits for the
    /// others.
    pub usage: Usage,
    /// The generation of the route's guest, if it was called.
    pub generation: Option<Handle<Generation>>,
    /// Who is to blame if anything went wrong.
    pub blamed: Link,
    /// The last that was called, if that is not the route's guest.
    pub short_of: Option<Link>,
}

impl Chain {
    /// The chain of a request with this head; none where the route has no middleware.
    pub(super) fn of(
        plan: &Plan,
        head: &guest::Request<'_>,
        allowed: &Allowance,
    ) -> Option<Arc<Self>> {
        let links = plan.target.links();
        if links < 2 {
            return None;
        }
        Some(Arc::new(Self {
            id: head.id.to_owned(),
            client: head.client.to_owned(),
            captures: plan.captures.clone(),
            own_fields: OwnFields::of(head),
            body_max: plan.body_max,
            time: plan.deadline,
            allowed: allowed.clone(),
            awaited: (0..links).map(|_| AtomicBool::new(false)).collect(),
            seen: Mutex::new(Seen {
                links: vec![LinkSeen::default(); links],
                ..Seen::default()
            }),
            target: plan.target.clone(),
        }))
    }

    /// What stands behind a link, for the guest there.
    pub(super) fn behind(self: &Arc<Self>, index: usize) -> Option<Arc<dyn Next>> {
        let behind = index + 1;
        (behind < self.target.links())
            .then(|| Arc::new(link::Behind::new(self, behind)) as Arc<dyn Next>)
    }

    /// Notes that a link is about to be called.
    pub(super) fn reached(&self, index: usize, generation: &Handle<Generation>, queued: Duration) {
        self.see(index, |link| {
            link.generation = Some(generation.clone());
            link.queued += queued;
        });
    }

    /// Notes where to find what a link uses.
    pub(super) fn uses(&self, index: usize, account: Account) {
        self.see(index, |link| link.account = Some(account));
    }

    fn see(&self, index: usize, note: impl FnOnce(&mut LinkSeen)) {
        if let Some(link) = self.lock().links.get_mut(index) {
            note(link);
        }
    }

    fn deadline(&self) -> Instant {
        self.allowed.deadline
    }

    /// Notes whether the link before this one waits for it.
    fn set_awaited(&self, index: usize, awaited: bool) {
        if let Some(flag) = self.awaited.get(index) {
            flag.store(awaited, SeqCst);
        }
    }

    /// The link that all others wait for; once the chain is over, the one that they waited for
    /// then, or the one that failed.
    pub(super) fn culprit(&self) -> usize {
        self.culprit_in(&self.lock())
    }

    /// A link that took too long is waited for no more when that is known, and yet it was.
    fn culprit_in(&self, seen: &Seen) -> usize {
        let late = seen
            .failure
            .as_ref()
            .filter(|(_, refusal)| is_late(refusal));
        let late = late.map(|(index, _)| *index);
        let known = seen.blamed.or(late);
        known.unwrap_or_else(|| self.last_awaited())
    }

    fn last_awaited(&self) -> usize {
        let behind = self.awaited.iter().skip(1);
        behind.take_while(|flag| flag.load(SeqCst)).count()
    }

    /// Says that the chain ends now, whoever is still at work.
    pub(super) fn end(&self) {
        let mut seen = self.lock();
        seen.blamed = Some(self.culprit_in(&seen));
    }

    /// Notes that a link failed, which the one before it is told. A link that only passes the
    /// failure of another on takes nothing of it over.
    fn failed(&self, index: usize, refusal: Refusal) {
        let passes_on = is_passed_on(&refusal);
        let mut seen = self.lock();
        let index = match is_late(&refusal) {
            true => self.culprit_in(&seen).max(index),
            false => index,
        };
        match &seen.failure {
            Some((deeper, _)) if *deeper > index && passes_on => {}
            Some((same, _)) if *same == index && passes_on => {}
            _ => {
                let before = seen.failure.replace((index, refusal));
                self.tell(seen, before);
            }
        }
    }

    /// Forgets what failed before: a link is tried again.
    fn begin_again(&self) {
        let mut seen = self.lock();
        let before = seen.failure.take();
        self.tell(seen, before);
    }

    /// Whether a link behind this one has failed.
    fn has_failed_behind(&self, index: usize) -> bool {
        let seen = self.lock();
        seen.failure
            .as_ref()
            .is_some_and(|(failed, _)| *failed > index)
    }

    /// What failed behind the first link, if that has no answer because of it, and only ended like
    /// this itself. That is what the client is to be told, and who is to blame.
    pub(super) fn take_failure(&self, ended: Option<&CallError>) -> Option<Refusal> {
        let mut seen = self.lock();
        let may_be = |(_, refusal): &mut (usize, Refusal)| match ended {
            None | Some(CallError::Refused { .. }) => true,
            Some(CallError::Deadline { .. }) => is_late(refusal),
            Some(_) => false,
        };
        let (index, refusal) = seen.failure.take_if(may_be)?;
        seen.blamed = Some(index);
        Some(refusal)
    }

    /// What became of it so far.
    pub(super) fn report(&self) -> Report {
        let seen = self.lock();
        let blamed = self.culprit_in(&seen);
        let usages = seen.links.iter().map(LinkSeen::usage);
        let usage = usages.reduce(sum).unwrap_or_default();
        let last = seen
            .links
            .iter()
            .rposition(|link| link.generation.is_some());
        let last = last.unwrap_or_default();
        Report {
            queued: seen.links.iter().map(|link| link.queued).sum(),
            usage,
            generation: seen.links.last().and_then(|link| link.generation.clone()),
            blamed: self.link(&seen, blamed),
            short_of: (last + 1 < self.target.links()).then(|| self.link(&seen, last)),
        }
    }

    fn link(&self, seen: &Seen, index: usize) -> Link {
        Link {
            name: self.target.link(index).name().clone(),
            generation: seen.links[index].generation.clone(),
        }
    }

    /// Logs a failure that the client is not told of, for a link has dealt with it.
    fn tell(&self, mut seen: MutexGuard<'_, Seen>, failure: Option<(usize, Refusal)>) {
        let Some((index, refusal @ (Refusal::Guest(_) | Refusal::Busy(_)))) = failure else {
            return;
        };
        seen.told += 1;
        if seen.told > TOLD_MAX {
            return;
        }
        let Link { name, generation } = self.link(&seen, index);
        drop(seen);
        let generation = generation.map(|generation| generation.number());
        tracing::warn!(id = self.id, guest = %name, generation,
            "behind a middleware, which has dealt with it: {refusal}");
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Every statement under the lock leaves it whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let mut seen = self.lock();
        // That somebody was late is what the client was told, whoever found it out.
        let blamed = seen.blamed;
        let left = seen.failure.take();
        let left = left.filter(|(index, refusal)| !is_late(refusal) || blamed != Some(*index));
        let reached = seen.links.iter().filter_map(|link| link.generation.clone());
        let reached: Vec<_> = reached.collect();
        self.tell(seen, left);
        // The answer is on its way: the next request will need the same guests.
        reached.iter().for_each(|it| it.guest().restock());
    }
}

fn is_late(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Guest(CallError::Deadline { .. }))
}

/// Whether this is how a link ends that waited for another and has nothing else to say.
fn is_passed_on(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Guest(
            CallError::Refused { .. } | CallError::Deadline { .. } | CallError::BrokenBody
        )
    )
}

impl LinkSeen {
    fn usage(&self) -> Usage {
        self.account.as_ref().map_or(self.usage, Account::get)
    }
}

fn sum(first: Usage, other: Usage) -> Usage {
    Usage {
        instantiate: first.instantiate + other.instantiate,
        run: first.run,
        memory_peak: first.memory_peak + other.memory_peak,
        log_lines: first.log_lines + other.log_lines,
        log_lines_dropped: first.log_lines_dropped + other.log_lines_dropped,
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chain = formatter.debug_struct("Chain");
        chain.field("id", &self.id).finish_non_exhaustive()
    }
}
