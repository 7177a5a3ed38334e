//! `[outbound]` and `[keyvalue]`: what all guests share outside the sandbox, and its bounds. Which
//! guest may use it is said by the guests' own sections.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::reader::Section;
use super::sections::{MIB, TIB, TIMEOUT};

/// `[outbound]`: requests that guests send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Connections of all guests together; further requests wait for one.
    pub connections_max: u32,
    /// Names of one guest that are looked up at once; more wait.
    pub lookups_max: u32,
    /// Until a request is on its way: a place among `connections_max`, lookup, TCP and TLS
    /// together. A guest can ask for less, here and below.
    pub connect_timeout: Duration,
    /// From the request's start to the head of the response.
    pub first_byte_timeout: Duration,
    /// Without a byte of the response's body arriving.
    pub between_bytes_timeout: Duration,
    /// Bytes of a response's head.
    pub response_head_max: usize,
    /// Field lines of a response.
    pub response_fields_max: usize,
    /// A PEM file with certificates that are trusted beside those of the system.
    pub ca: Option<PathBuf>,
}

/// `[keyvalue]`: the store behind the buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyvalue {
    /// Where it is kept. Absent: `$STATE_DIRECTORY`, else `$XDG_DATA_HOME/httpd-host`, else
    /// `$HOME/.local/share/httpd-host`.
    pub directory: Option<PathBuf>,
    /// Bytes of a key.
    pub key_max: usize,
    /// Bytes of a value.
    pub value_max: usize,
    /// Keys of a bucket.
    pub keys_max: u64,
    /// Bytes of a bucket's keys and values together.
    pub size_max: u64,
    /// Bytes of the keys and values of one call together.
    pub batch_max: usize,
    /// Bytes of changes that may be on their way to the disk; more wait. At least `batch_max`.
    pub pending_max: usize,
    /// Bytes of the store that are kept in memory.
    pub memory_max: usize,
}

impl Default for Outbound {
    fn default() -> Outbound {
        Outbound {
            connections_max: 1000,
            lookups_max: 16,
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(30),
            between_bytes_timeout: Duration::from_secs(30),
            response_head_max: 64 << 10,
            response_fields_max: 200,
            ca: None,
        }
    }
}

impl Default for Keyvalue {
    fn default() -> Keyvalue {
        Keyvalue {
            directory: None,
            key_max: 1 << 10,
            value_max: 1 << 20,
            keys_max: 1_000_000,
            size_max: 1 << 30,
            batch_max: 16 << 20,
            pending_max: 64 << 20,
            memory_max: 32 << 20,
        }
    }
}

/// `file_found` says what is wrong with the file of certificates, if anything.
pub(super) fn outbound(
    mut section: Section<'_>,
    file_found: &dyn Fn(&Path) -> Result<(), String>,
) -> Outbound {
    let default = Outbound::default();
    let between_bytes = default.between_bytes_timeout;
    let fields_max = default.response_fields_max;
    // Below 8 KiB the HTTP client has no room to work in.
    let heads = 8 << 10..=16 * MIB;
    let outbound = Outbound {
        connections_max: section.number("connections_max", default.connections_max, 1..=100_000),
        lookups_max: section.number("lookups_max", default.lookups_max, 1..=512),
        connect_timeout: section.duration("connect_timeout", default.connect_timeout, TIMEOUT),
        first_byte_timeout: section.duration(
            "first_byte_timeout",
            default.first_byte_timeout,
            TIMEOUT,
        ),
        between_bytes_timeout: section.duration("between_bytes_timeout", between_bytes, TIMEOUT),
        response_head_max: section.size("response_head_max", default.response_head_max, heads),
        response_fields_max: section.number("response_fields_max", fields_max, 1..=10_000),
        ca: section.path("ca", "the path of a PEM file", file_found),
    };
    section.finish();
    outbound
}

pub(super) fn keyvalue(mut section: Section<'_>) -> Keyvalue {
    let default = Keyvalue::default();
    let values = 1..=64 * MIB;
    let value_max = section.size("value_max", default.value_max, values);
    // Defaults give way, so that a large `value_max` need not be said three times.
    let batch = default.batch_max.max(value_max);
    let batch_max = section.size("batch_max", batch, 1..=256 * MIB);
    let pending = default.pending_max.max(batch_max);
    let keyvalue = Keyvalue {
        directory: section.path("directory", "the path of a directory", |_| Ok(())),
        key_max: section.size("key_max", default.key_max, 16..=64 << 10),
        value_max,
        keys_max: section.number("keys_max", default.keys_max, 1..=1_000_000_000),
        size_max: section.size("size_max", default.size_max, 1 << 10..=TIB),
        batch_max,
        pending_max: section.size("pending_max", pending, 1 << 10..=4 << 30),
        memory_max: section.size("memory_max", default.memory_max, MIB..=64 << 30),
    };
    if keyvalue.batch_max < keyvalue.value_max {
        section.problem("batch_max", "must hold a value of value_max".to_owned());
    }
    if keyvalue.pending_max < keyvalue.batch_max {
        section.problem("pending_max", "must hold a call of batch_max".to_owned());
    }
    section.finish();
    keyvalue
}

#[cfg(test)]
mod tests;
