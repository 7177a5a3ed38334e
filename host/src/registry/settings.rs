//! From the configuration to what the sandbox and each guest are told. No decisions.

use super::cache;
use crate::config::{self, Config};
use crate::guest::{self, DirectoryGrant, Grants, GuestSettings, SandboxSettings};

/// What all guests of a configuration together may use.
pub(super) fn sandbox(config: &Config) -> SandboxSettings {
    /// Enough for any guest that is added later, so that its engine can stay.
    const MEMORY_MIN: u64 = 64 << 20;
    let memories = config.guests.values().map(|guest| guest.memory_max);
    SandboxSettings {
        instances_max: config.sandbox.instances_max,
        ready_max: config.sandbox.ready_max,
        ready_idle: config.sandbox.ready_idle,
        slice: config.sandbox.slice,
        stack_max: config.sandbox.stack_max,
        memory_max: memories.fold(MEMORY_MIN, u64::max),
        guest_line_max: config.log.guest_line_max,
        guest_lines_max: config.log.guest_lines_max,
        background_threads: config.sandbox.background_threads,
        background_nice: config.sandbox.background_nice,
        cache: cache::settings(&config.cache),
    }
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
