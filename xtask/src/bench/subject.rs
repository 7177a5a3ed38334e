//! What is compared: the host in each lane and mode, and its peers. Nothing is started here.

/// A server with its settings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// Its name on the command line and in tables.
    pub(super) name: &'static str,
    /// What it is, for a person.
    pub(super) what: &'static str,
    /// What has to be started.
    pub(super) kind: Kind,
}

/// How a subject comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// This project's host, with this value of `guests.NAME.instances`.
    Ours {
        lane: Lane,
        instances: &'static str,
    },
    /// `wasmtime serve` with these arguments.
    Wasmtime {
        lane: Lane,
        flags: &'static [&'static [&'static str]],
    },
    /// A server of `xtask/peers`.
    Native(&'static str),
    Nginx,
}

/// The interface between host and component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Lean,
    Wasi02,
    Wasi03,
}

/// Rust's standard library for WASI asks for a command's environment.
const CLI: &[&str] = &["-Scli"];
/// As often as WASI 0.3's default.
const REUSED: &[&str] = &["--max-instance-reuse-count", "128"];
const FRESH: &[&str] = &["--max-instance-reuse-count", "1"];
/// What makes fresh instances cheap: slots that are kept, and memory without page protection.
const TUNED: &[&str] = &[
    "-O",
    "pooling-allocator=y",
    "-O",
    "pooling-pagemap-scan=auto",
    "-O",
    "pooling-memory-keep-resident=4194304",
    "-O",
    "pooling-table-keep-resident=65536",
    "-O",
    "signals-based-traps=n",
    "-O",
    "memory-reservation=67108864",
    "-O",
    "memory-guard-size=0",
    "-O",
    "pooling-max-memory-size=67108864",
    "-O",
    "pooling-max-unused-warm-slots=1000",
    "-O",
    "pooling-async-stack-keep-resident=65536",
];

/// All of them, in the order of the tables.
pub(super) const SUBJECTS: [Subject; 15] = [
    ours(
        "lean-fresh",
        "lean, an instance per request",
        Lane::Lean,
        "\"fresh\"",
    ),
    ours(
        "lean-reused",
        "lean, `{ reuse = 10_000 }`",
        Lane::Lean,
        "{ reuse = 10_000 }",
    ),
    ours(
        "p2-fresh",
        "WASI 0.2, an instance per request",
        Lane::Wasi02,
        "\"fresh\"",
    ),
    ours(
        "p2-reused",
        "WASI 0.2, `{ reuse = 128 }`",
        Lane::Wasi02,
        "{ reuse = 128 }",
    ),
    ours(
        "p3-fresh",
        "WASI 0.3, an instance per request",
        Lane::Wasi03,
        "\"fresh\"",
    ),
    ours(
        "p3-reused",
        "WASI 0.3, `{ reuse = 128, concurrent = 16 }`",
        Lane::Wasi03,
        "{ reuse = 128, concurrent = 16 }",
    ),
    Subject {
        name: "hyper",
        what: "hyper, a native handler",
        kind: Kind::Native("hyper"),
    },
    Subject {
        name: "bare",
        what: "a Tokio loop that answers fixed bytes and parses nothing",
        kind: Kind::Native("bare"),
    },
    Subject {
        name: "nginx",
        what: "nginx, `return 200`, access log to a file",
        kind: Kind::Nginx,
    },
    peer(
        "wasmtime-p2-fresh",
        "`wasmtime serve`, WASI 0.2, its defaults: an instance per request",
        Lane::Wasi02,
        &[CLI],
    ),
    peer(
        "wasmtime-p2-reused",
        "`wasmtime serve`, WASI 0.2, `--max-instance-reuse-count 128`",
        Lane::Wasi02,
        &[CLI, REUSED],
    ),
    peer(
        "wasmtime-p3-fresh",
        "`wasmtime serve`, WASI 0.3, `--max-instance-reuse-count 1`",
        Lane::Wasi03,
        &[CLI, FRESH],
    ),
    peer(
        "wasmtime-p3-reused",
        "`wasmtime serve`, WASI 0.3, its defaults: 128 requests per instance, 16 at once",
        Lane::Wasi03,
        &[CLI],
    ),
    peer(
        "tuned-p2-fresh",
        "`wasmtime serve`, WASI 0.2, tuned, an instance per request",
        Lane::Wasi02,
        &[CLI, TUNED],
    ),
    peer(
        "tuned-p3-fresh",
        "`wasmtime serve`, WASI 0.3, tuned, an instance per request",
        Lane::Wasi03,
        &[CLI, TUNED, FRESH],
    ),
];

const fn ours(
    name: &'static str,
    what: &'static str,
    lane: Lane,
    instances: &'static str,
) -> Subject {
    let kind = Kind::Ours { lane, instances };
    Subject { name, what, kind }
}

const fn peer(
    name: &'static str,
    what: &'static str,
    lane: Lane,
    flags: &'static [&'static [&'static str]],
) -> Subject {
    let kind = Kind::Wasmtime { lane, flags };
    Subject { name, what, kind }
}

impl Subject {
    /// The subject of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SUBJECTS.iter().find(|subject| subject.name == name)
    }

    /// Whether it is this project's host.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours { .. })
    }

    /// Whether it can send a body back: nginx cannot, and the bare loop does not look.
    pub(super) fn echoes(&self) -> bool {
        !matches!(self.kind, Kind::Nginx | Kind::Native("bare"))
    }
}

/// How the tuned peer is started, for a person who wants to do the same.
pub(super) fn tuned_flags() -> String {
    [CLI, TUNED].concat().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for subject in &SUBJECTS {
            assert_eq!(Subject::named(subject.name), Some(subject));
        }
        assert_eq!(Subject::named("apache"), None);
    }
}
