//! Which changes of a configuration a running server cannot follow.

use crate::config::Config;

/// The keys that differ and that only a restart takes into account.
pub(super) fn needed(old: &Config, new: &Config) -> Vec<String> {
    let (server, log) = ((&old.server, &new.server), (&old.log, &new.log));
    let keys = [
        ("server.listen", server.0.listen != server.1.listen),
        (
            "server.max_connections",
            server.0.max_connections != server.1.max_connections,
        ),
        ("server.backlog", server.0.backlog != server.1.backlog),
        ("server.threads", server.0.threads != server.1.threads),
        ("server.unix_mode", server.0.unix_mode != server.1.unix_mode),
        ("log.level", log.0.level != log.1.level),
        ("log.format", log.0.format != log.1.format),
        ("log.queue_max", log.0.queue_max != log.1.queue_max),
        ("[reload]", old.reload != new.reload),
        ("[control]", old.control != new.control),
        ("[keyvalue]", old.keyvalue != new.keyvalue),
        ("[outbound]", old.outbound != new.outbound),
    ];
    let changed = keys.into_iter().filter(|(_, differs)| *differs);
    changed.map(|(key, _)| key.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_restart_takes_in_is_named() {
        let old = Config::default();
        let mut new = Config::default();
        assert!(needed(&old, &new).is_empty());
        new.server.threads = old.server.threads + 1;
        new.limits.head_max = old.limits.head_max + 1;
        assert_eq!(needed(&old, &new), ["server.threads"]);
    }
}
