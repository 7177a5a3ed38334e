//! The sections about the server as a whole: their keys, defaults and ranges, all in this file.
//! Guests and routes have files of their own.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use tracing::Level;

use super::listen::{Listen, listen, unix_mode};
use super::reader::Section;
use super::values::as_duration;
use super::{Limits, Log, LogFormat, Sandbox, Server, Timeouts};

const KIB: u64 = 1 << 10;
pub(super) const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
pub(super) const TIB: u64 = 1 << 40;

/// How many bytes a request's body may be allowed to have. That whole bodies have room in memory is
/// checked when it is known which guests take them whole.
pub(super) const BODY: RangeInclusive<u64> = 0..=TIB;

/// What every timeout may be: something, and not more than a day.
pub(super) const TIMEOUT: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_hours(24);

impl Default for Server {
    fn default() -> Server {
        Server {
            listen: vec![Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 8080)))],
            unix_mode: 0o660,
            max_connections: 10_000,
            backlog: 1024,
            threads: 0,
            pin_threads: true,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head_max: 64 << 10,
            target_max: 8 << 10,
            fields_max: 100,
            chunk_extensions_max: 16 << 10,
            body_max: 10 * MIB,
            buffered_max: GIB,
            stream_buffer: 256 << 10,
            drain_max: 64 * KIB,
            linger_max: GIB,
            response_head_max: 64 << 10,
            response_fields_max: 1000,
            retry_after: Duration::from_secs(1),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(30),
            linger_idle: Duration::from_secs(5),
            shutdown: Duration::from_secs(30),
            idle_grace: Duration::from_secs(1),
            hang_up: Duration::from_millis(20),
            farewell: Duration::from_millis(50),
        }
    }
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox {
            instances_max: 1000,
            ready_max: 64,
            ready_idle: Duration::from_secs(10),
            slice: Duration::from_micros(250),
            stack_max: 512 << 10,
            component_max: 128 * MIB,
            resident_max: GIB,
            background_threads: 0,
            background_nice: 10,
        }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log {
            level: Level::INFO,
            format: LogFormat::Text,
            access: true,
            guest_line_max: 4 << 10,
            guest_lines_max: 100,
            queue_max: 16_384,
        }
    }
}

pub(super) fn server(mut section: Section<'_>) -> Server {
    let default = Server::default();
    let server = Server {
        listen: listen(&mut section, default.listen),
        unix_mode: unix_mode(&mut section, default.unix_mode),
        max_connections: section.number("max_connections", default.max_connections, 1..=1_000_000),
        backlog: section.number("backlog", default.backlog, 1..=65_535),
        threads: section.number("threads", default.threads, 0..=1024),
        pin_threads: section.flag("pin_threads", default.pin_threads),
    };
    section.finish();
    server
}

pub(super) fn limits(mut section: Section<'_>) -> Limits {
    let default = Limits::default();
    let fields_max = default.response_fields_max;
    let limits = Limits {
        head_max: section.size("head_max", default.head_max, 128..=16 * MIB),
        target_max: section.size("target_max", default.target_max, 16..=MIB),
        fields_max: section.number("fields_max", default.fields_max, 1..=10_000),
        chunk_extensions_max: section.size(
            "chunk_extensions_max",
            default.chunk_extensions_max,
            0..=16 * MIB,
        ),
        body_max: section.size("body_max", default.body_max, BODY),
        buffered_max: section.size("buffered_max", default.buffered_max, KIB..=TIB),
        stream_buffer: section.size("stream_buffer", default.stream_buffer, 4 * KIB..=16 * MIB),
        drain_max: section.size("drain_max", default.drain_max, 0..=GIB),
        linger_max: section.size("linger_max", default.linger_max, 64 * KIB..=TIB),
        response_head_max: section.size(
            "response_head_max",
            default.response_head_max,
            KIB..=16 * MIB,
        ),
        response_fields_max: section.number("response_fields_max", fields_max, 1..=100_000),
        retry_after: retry_after(&mut section, default.retry_after),
    };
    section.finish();
    limits
}

/// The field counts in whole seconds (RFC 9110 section 10.2.3), and 0 would ask for a storm.
fn retry_after(section: &mut Section<'_>, default: Duration) -> Duration {
    section.get("retry_after", default, |value| {
        let duration = as_duration(value, &(Duration::from_secs(1)..=*TIMEOUT.end()))?;
        if duration.subsec_nanos() == 0 {
            return Ok(duration);
        }
        Err("must be whole seconds: the field Retry-After has no fractions".to_owned())
    })
}

pub(super) fn timeouts(mut section: Section<'_>) -> Timeouts {
    let default = Timeouts::default();
    let linger = section.duration("linger", default.linger, TIMEOUT);
    let shutdown = section.duration("shutdown", default.shutdown, TIMEOUT);
    let timeouts = Timeouts {
        head: section.duration("head", default.head, TIMEOUT),
        body: section.duration("body", default.body, TIMEOUT),
        keep_alive: section.duration("keep_alive", default.keep_alive, TIMEOUT),
        write: section.duration("write", default.write, TIMEOUT),
        linger,
        // Defaults give way, so that a short `linger` or `shutdown` need not be said twice.
        linger_idle: section.duration("linger_idle", default.linger_idle.min(linger), TIMEOUT),
        shutdown,
        idle_grace: section.duration("idle_grace", default.idle_grace.min(shutdown / 2), TIMEOUT),
        hang_up: section.duration("hang_up", default.hang_up, TIMEOUT),
        farewell: section.duration(
            "farewell",
            default.farewell,
            Duration::ZERO..=*TIMEOUT.end(),
        ),
    };
    if timeouts.linger_idle > timeouts.linger {
        section.problem(
            "linger_idle",
            "must not be longer than timeouts.linger".to_owned(),
        );
    }
    if timeouts.idle_grace >= timeouts.shutdown {
        section.problem(
            "idle_grace",
            "must be shorter than timeouts.shutdown".to_owned(),
        );
    }
    section.finish();
    timeouts
}

pub(super) fn sandbox(mut section: Section<'_>) -> Sandbox {
    let default = Sandbox::default();
    let threads = default.background_threads;
    let slices = Duration::from_micros(100)..=Duration::from_secs(1);
    let sandbox = Sandbox {
        instances_max: section.number("instances_max", default.instances_max, 1..=100_000),
        ready_max: section.number("ready_max", default.ready_max, 0..=100_000),
        ready_idle: section.duration("ready_idle", default.ready_idle, super::guests::IDLE_RANGE),
        slice: section.duration("slice", default.slice, slices),
        stack_max: section.size("stack_max", default.stack_max, 64 * KIB..=64 * MIB),
        component_max: section.size("component_max", default.component_max, KIB..=4 * GIB),
        resident_max: section.size("resident_max", default.resident_max, 0..=1024 * GIB),
        background_threads: section.number("background_threads", threads, 0..=1024),
        background_nice: section.number("background_nice", default.background_nice, 0..=19),
    };
    section.finish();
    sandbox
}

pub(super) fn log(mut section: Section<'_>) -> Log {
    let default = Log::default();
    let levels = [
        ("error", Level::ERROR),
        ("warn", Level::WARN),
        ("info", Level::INFO),
        ("debug", Level::DEBUG),
        ("trace", Level::TRACE),
    ];
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let log = Log {
        level: section.choice("level", default.level, &levels),
        format: section.choice("format", default.format, &formats),
        access: section.flag("access", default.access),
        guest_line_max: section.size("guest_line_max", default.guest_line_max, 64..=MIB),
        guest_lines_max: section.number("guest_lines_max", default.guest_lines_max, 0..=1_000_000),
        queue_max: section.number("queue_max", default.queue_max, 1..=1_000_000),
    };
    section.finish();
    log
}
