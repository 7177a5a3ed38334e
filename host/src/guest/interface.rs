//! The Rust side of the package `httpd:guest`: a type for each record of wit/types.wit and for the
//! enum of wit/log.wit.
//!
//! Requests borrow and are copied once, straight into the guest's memory; answers are owned. No
//! rules live here: `answer` decides what a guest may say.

use wasmtime::component::{ComponentType, Lift, Lower};

/// A request whose body has arrived completely, borrowed from the connection that read it. The
/// fields mean what wit/types.wit says.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Request<'a> {
    /// Unique for this request; log lines and error responses carry it.
    pub id: &'a str,
    /// The peer's address and port, or `unix`.
    pub client: &'a str,
    /// The method as sent (RFC 9110 section 9.1).
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and optional port the client asked for.
    pub authority: Option<&'a str>,
    /// The normalised path.
    pub path: &'a str,
    /// What follows the first `?` of the target, not decoded.
    pub query: Option<&'a str>,
    /// The field lines in the order sent, names in lower case.
    pub fields: &'a [FieldRef<'a>],
    /// The parts of the path that the route captured, in the pattern's order.
    pub captures: &'a [Capture<'a>],
    /// The body's bytes, without transfer coding.
    pub body: &'a [u8],
}

/// One field line of a request's head (RFC 9110 section 5), borrowed.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct FieldRef<'a> {
    /// The name, in lower case.
    pub name: &'a str,
    /// The value, without the white space around it.
    pub value: &'a [u8],
}

/// One part of the path that the route's pattern captured.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Capture<'a> {
    /// The name in the pattern.
    pub name: &'a str,
    /// What stood there, percent-decoded.
    pub value: &'a str,
}

/// One field line of a response's head (RFC 9110 section 5).
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift)]
#[component(record)]
pub struct Field {
    /// The name, in the case the guest chose.
    pub name: String,
    /// The value, without the white space around it.
    pub value: Vec<u8>,
}

/// What a guest returned, before anybody looked at it.
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) fields: Vec<Field>,
    pub(super) body: Vec<u8>,
}

/// How much a line of a guest's log matters, least first.
#[derive(Clone, Copy, Debug, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
pub(super) enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

impl Level {
    /// The level that a guest gives by its number in the enum.
    pub(super) fn from_number(number: u32) -> Option<Level> {
        use Level::{Debug, Error, Info, Trace, Warn};
        let levels = [Trace, Debug, Info, Warn, Error];
        levels.get(number as usize).copied()
    }
}
