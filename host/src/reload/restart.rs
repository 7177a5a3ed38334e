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
        (
            "server.pin_threads",
            server.0.pin_threads != server.1.pin_threads,
        ),
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
    use std::path::Path;

    fn parsed(text: &str) -> Config {
        Config::parse(text, Path::new("/c.toml")).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_only_a_restart_takes_in_is_named_and_nothing_else() {
        let old = parsed("");
        for (text, keys) in [
            ("[server]\nlisten = ['127.0.0.1:1']", "server.listen"),
            ("[server]\nmax_connections = 7", "server.max_connections"),
            ("[server]\nbacklog = 7", "server.backlog"),
            ("[server]\nthreads = 7", "server.threads"),
            ("[server]\npin_threads = false", "server.pin_threads"),
            ("[server]\nunix_mode = '0600'", "server.unix_mode"),
            ("[log]\nlevel = 'debug'", "log.level"),
            ("[log]\nformat = 'json'", "log.format"),
            ("[log]\nqueue_max = 7", "log.queue_max"),
            ("[reload]\nsettle = '7s'", "[reload]"),
            ("[control]\nsocket = '/run/7'", "[control]"),
            ("[keyvalue]\nkey_max = 77", "[keyvalue]"),
            ("[outbound]\nconnections_max = 7", "[outbound]"),
            ("[limits]\nhead_max = 4097", ""),
            ("[timeouts]\nhead = '7s'", ""),
            ("[sandbox]\nslice = '7ms'", ""),
            ("[log]\naccess = false", ""),
        ] {
            let new = parsed(text);
            assert_ne!(old, new, "{text}");
            assert_eq!(needed(&old, &new).join(" "), keys, "{text}");
        }
        assert!(needed(&old, &old).is_empty());
    }
}
