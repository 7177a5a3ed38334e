//! What the host tells of itself, gathered from where it is known.

use std::time::UNIX_EPOCH;

use httpd_host::control::{
    Connections, Failures, GuestState, GuestStatus, Instances, Previous, Requests, RouteStatus,
    Status,
};
use httpd_host::registry::{Slot, Target};
use httpd_host::server::{Handle, Tally};

use super::Host;

/// How `host` is at this moment.
pub(super) fn of(host: &Host) -> Status {
    let dispatch = host.server.dispatch();
    let registry = dispatch.registry();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_seconds: host.started.elapsed().as_secs(),
        config: Some(host.config.display().to_string()),
        config_problems: host.reloads.asker.problems(),
        listeners: host.listeners.clone(),
        connections: connections(&host.server),
        requests: requests(host.server.tally()),
        guests: registry.slots().map(|slot| guest(slot)).collect(),
        routes: registry.targets().iter().map(route).collect(),
    }
}

fn connections(server: &Handle) -> Connections {
    Connections {
        open: server.connections_open() as u64,
        max: server.connections_max() as u64,
        accepted: server.tally().accepted(),
        waiting: server.connections_waiting() as u64,
    }
}

fn requests(tally: &Tally) -> Requests {
    let classes = tally.classes();
    let [_, successful, redirected, client_errors, server_errors] = classes;
    Requests {
        total: classes.iter().sum::<u64>() + tally.unanswered(),
        successful,
        redirected,
        client_errors,
        server_errors,
        refused: tally.refused(),
    }
}

fn guest(slot: &Slot) -> GuestStatus {
    let (current, counters, previous) = (slot.current(), slot.counters(), slot.previous());
    let since = current.loaded().duration_since(UNIX_EPOCH);
    GuestStatus {
        name: slot.name().to_string(),
        state: match &previous {
            _ if slot.is_resting() => GuestState::BreakerOpen,
            Some(_) => GuestState::Probation,
            None => GuestState::Serving,
        },
        generation: current.number(),
        hash: current.hash().to_string(),
        since: since.map(|since| since.as_secs()).unwrap_or_default(),
        running: u64::from(slot.running()),
        queued: u64::from(slot.queued()),
        instances: instances(current.guest().instances()),
        requests: counters.requests.get(),
        failures: Failures {
            trapped: counters.failed.get(),
            timed_out: counters.timed_out.get(),
            full: counters.full.get(),
            breaker_open: counters.resting.get(),
            abandoned: counters.abandoned.get(),
        },
        rollbacks: counters.rollbacks.get(),
        last_error: slot.last_error(),
        previous: previous.map(|previous| Previous {
            generation: previous.number(),
            hash: previous.hash().to_string(),
        }),
    }
}

fn instances((waiting, shared): (usize, usize)) -> Instances {
    Instances {
        waiting: waiting as u64,
        shared: shared as u64,
    }
}

fn route(target: &Target) -> RouteStatus {
    let route = &target.route;
    RouteStatus {
        host: route.host.clone(),
        methods: route.methods.clone(),
        path: route.path.to_string(),
        middleware: route.middleware.clone(),
        guest: route.guest.clone(),
        requests: target.requests.get(),
    }
}
