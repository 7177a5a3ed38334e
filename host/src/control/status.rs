//! What a host tells of itself. Only data: where it comes from and how it looks is elsewhere.
//!
//! Programs read this as JSON: names stay, and what is added later is absent in older hosts'
//! answers.

use serde::{Deserialize, Serialize};

/// A running host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// The process's number.
    pub pid: u32,
    /// How long it has been running.
    pub uptime_seconds: u64,
    /// The configuration file; none for the welcome page.
    pub config: Option<String>,
    /// Why that file, as it is now, is not taken; nothing while it is.
    pub config_problems: Vec<String>,
    /// Where it listens, as it says at its start.
    pub listeners: Vec<String>,
    /// Connections of clients.
    pub connections: Connections,
    /// Requests since the start.
    pub requests: Requests,
    /// The guests, by name.
    pub guests: Vec<GuestStatus>,
    /// The routes, in the configuration's order.
    pub routes: Vec<RouteStatus>,
}

/// Connections of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connections {
    /// Open at this moment.
    pub open: u64,
    /// How many may be open at once.
    pub max: u64,
    /// Accepted since the start.
    pub accepted: u64,
    /// Accepted and waiting for a place at this moment.
    pub waiting: u64,
}

/// Requests by the class of their response's status (RFC 9110 section 15).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    /// All that were answered, or ended without an answer.
    pub total: u64,
    /// Status 200 to 299.
    #[serde(rename = "2xx")]
    pub successful: u64,
    /// Status 300 to 399.
    #[serde(rename = "3xx")]
    pub redirected: u64,
    /// Status 400 to 499.
    #[serde(rename = "4xx")]
    pub client_errors: u64,
    /// Status 500 to 599.
    #[serde(rename = "5xx")]
    pub server_errors: u64,
    /// Those among all of them that the host refused, and no guest answered.
    pub refused: u64,
}

/// One guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuestStatus {
    /// Its name in the configuration.
    pub name: String,
    /// How it does.
    pub state: GuestState,
    /// The number of the generation that serves, counted from 1 for each guest.
    pub generation: u64,
    /// The SHA-256 of that generation's component, in 64 hexadecimal digits.
    pub hash: String,
    /// When that generation was loaded, in seconds since 1970 (UTC).
    pub since: u64,
    /// Requests that run at this moment.
    pub running: u64,
    /// Requests that wait for a place at this moment.
    pub queued: u64,
    /// Its instances beside those that have one request and no other.
    pub instances: Instances,
    /// Requests meant for it since the start, over all generations.
    pub requests: u64,
    /// Those of them that it did not answer.
    pub failures: Failures,
    /// Generations that were taken back.
    pub rollbacks: u64,
    /// Why the last new generation does not serve; absent when the last one does.
    pub last_error: Option<String>,
    /// The generation that is kept ready to serve again; absent when none is.
    pub previous: Option<Previous>,
}

/// Instances of the generation that serves, beside those that have one request and no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Instances {
    /// Those that wait for their next request, or for their first. Unused ones that guests of the
    /// same code and settings share are counted with each of them.
    pub waiting: u64,
    /// Those that are at work for several requests at once.
    pub shared: u64,
}

/// How a guest does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestState {
    /// Well.
    #[default]
    Serving,
    /// It is new, and the generation before it is kept ready.
    Probation,
    /// It failed too often in a row and is left alone for a while.
    BreakerOpen,
}

/// Requests that a guest did not answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failures {
    /// It trapped, or its answer was refused.
    pub trapped: u64,
    /// Its deadline passed.
    pub timed_out: u64,
    /// It had no place for them.
    pub full: u64,
    /// It was left alone after too many failures.
    pub breaker_open: u64,
    /// Their clients left.
    pub abandoned: u64,
}

/// A generation that does not serve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Previous {
    /// Its number.
    pub generation: u64,
    /// The SHA-256 of its component, in 64 hexadecimal digits.
    pub hash: String,
}

/// One route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteStatus {
    /// The host it answers for; any when absent.
    pub host: Option<String>,
    /// The methods it takes; any when absent.
    pub methods: Option<Vec<String>>,
    /// The paths it takes, as in the configuration.
    pub path: String,
    /// The guests in front of the one that answers, the first to get a request first.
    pub middleware: Vec<String>,
    /// The guest that answers.
    pub guest: String,
    /// Requests that took it since the start, or since it was last configured.
    pub requests: u64,
}
