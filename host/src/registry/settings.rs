//! From the configuration to what the sandbox and each guest are told. No decisions.

use super::cache;
use crate::config::{self, Config};
use crate::guest::{self, DirectoryGrant, Grants, GuestSettings, SandboxSettings};

/// What all guests of a configuration together may use.
pub(super) fn sandbox(config: &Config) -> SandboxSettings {
    /// Enough for any guest that is added later, so that its engine can stay.
    const MEMORY_MIN: u64 = 64 << 20;
    let memories = config.guests.values().map(|guest| guest.memory_max);
    let guests = u32::try_from(config.guests.len()).unwrap_or(u32::MAX);
    SandboxSettings {
        instances_max: config.sandbox.instances_max,
        ready_max: config.sandbox.ready_max,
        ready_idle: config.sandbox.ready_idle,
        slice: config.sandbox.slice,
        stack_max: config.sandbox.stack_max,
        memory_max: memories.fold(MEMORY_MIN, u64::max),
        resident_max: config.sandbox.resident_max,
        guests: in_steps(guests),
        guest_line_max: config.log.guest_line_max,
        guest_lines_max: config.log.guest_lines_max,
        background_threads: config.sandbox.background_threads,
        background_nice: config.sandbox.background_nice,
        cache: cache::settings(&config.cache),
    }
}

/// A number of guests that stays the same while their number changes a little, so that an engine
/// can stay, too: the next power of four.
fn in_steps(guests: u32) -> u32 {
    const LEAST: u32 = 4;
    let mut steps = LEAST;
    while steps < guests {
        steps = steps.saturating_mul(LEAST);
    }
    steps
}

/// What one of them may use.
pub(super) fn guest(config: &Config, guest: &config::Guest) -> GuestSettings {
    GuestSettings {
        memory_max: guest.memory_max,
        response_max: guest.response_max,
        response_head_max: config.limits.response_head_max,
        response_fields_max: config.limits.response_fields_max,
        instances: match guest.instances {
            config::Instances::Fresh => guest::Instances::Fresh,
            config::Instances::Reuse {
                uses,
                concurrent,
                idle,
            } => guest::Instances::Reuse {
                uses,
                concurrent,
                idle,
            },
        },
        ready_max: guest.ready_max,
        optimize: match guest.optimize {
            config::Optimize::Latency => guest::Optimize::Latency,
            config::Optimize::Compute => guest::Optimize::Compute,
        },
        resources_max: guest.resources_max,
        grants: grants(guest),
    }
}

/// What one of them may reach outside its memory, but for other hosts.
fn grants(guest: &config::Guest) -> Grants {
    let granted = &guest.capabilities;
    let directory = |directory: &config::Directory| DirectoryGrant {
        host: directory.host.clone(),
        guest: directory.guest.clone(),
        writable: directory.access == config::Access::Write,
    };
    Grants {
        env: guest.env.clone(),
        args: granted.args.clone(),
        dirs: granted.dirs.iter().map(directory).collect(),
        config: granted.config.clone(),
        keyvalue: granted.keyvalue.clone(),
        outbound_max: granted.outbound_max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_guests_more_change_nothing_for_the_engine() {
        let steps = [0, 1, 4, 5, 16, 17, 1000, 1025, u32::MAX].map(in_steps);
        assert_eq!(steps, [4, 4, 4, 16, 16, 64, 1024, 4096, u32::MAX]);
    }
}
