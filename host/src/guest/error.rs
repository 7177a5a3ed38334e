//! Every way the sandbox can fail, one flat enum per operation. Status codes belong to dispatch.

use std::fmt;
use thiserror::Error;

use super::wasi::GrantError;

/// The sandbox could not be set up.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The engine was refused: most often the address space for that many instances.
    #[error(
        "cannot set up the sandbox for sandbox.instances_max = {instances_max}: {reason} \
         (each instance reserves the largest memory_max of any guest in address space, and 4 GiB \
         for a guest with `optimize = \"compute\"`: try smaller numbers, or a higher \
         `ulimit -v`)"
    )]
    Engine {
        /// How many instances were asked for.
        instances_max: u32,
        /// What the engine said.
        reason: String,
    },
    /// The thread that interrupts guests, or one for slow calls, could not be started.
    #[error("cannot start the sandbox's threads: {0}")]
    Thread(#[from] std::io::Error),
}

/// A component cannot be used as a guest. The caller knows its name and file.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file has no bytes at all.
    #[error("the file is empty; a WebAssembly component is expected")]
    Empty,
    /// Neither a WebAssembly binary nor component text.
    #[error(
        "not WebAssembly: it starts with neither the bytes `\\0asm` nor component text `(component`"
    )]
    NotWasm,
    /// A core module, the format before the component model.
    #[error(
        "a core module, not a component: link it with wasm-component-ld, or convert it with \
         `wasm-tools component new`"
    )]
    CoreModule,
    /// Damaged, truncated, or using a feature that the sandbox does not offer.
    #[error("not a valid component: {reason}")]
    Invalid {
        /// What the validator or compiler said.
        reason: String,
    },
    /// It exports nothing that a lane of this host calls.
    #[error(
        "it exports {exports}, and none of what this host calls: the function `handle` of \
         httpd:guest@0.1.0, wasi:http/handler@0.3, wasi:http/incoming-handler@0.2; {hint}"
    )]
    NoHandler {
        /// What it exports instead, in words.
        exports: String,
        /// What would fit.
        hint: &'static str,
    },
    /// There is a `handle`, but not the one of wit/handler.wit.
    #[error(
        "its `handle` is not `func(request) -> response` of httpd:guest@0.1.0: {reason}; build it \
         against this host's wit/ folder"
    )]
    HandlerType {
        /// Where the types part.
        reason: String,
    },
    /// It imports what a middleware does, and cannot be one.
    #[error(
        "it imports wasi:http/handler, and exports {export}: a middleware exports \
         wasi:http/handler@0.3 as well, and no other guest has a handler behind it"
    )]
    HalfMiddleware {
        /// What it exports.
        export: &'static str,
    },
    /// It needs functions that nobody provides; all of them are listed.
    #[error("it imports what a guest is not granted here: {}", .0.join(", "))]
    Imports(
        /// The imports' full names.
        Vec<String>,
    ),
    /// It is the first that needs an engine for WASI 0.3, or for `optimize = "compute"`, and the
    /// platform refuses one.
    #[error("it needs an engine of its own kind, for which there is no room: {0}")]
    Engine(
        /// What the engine said.
        String,
    ),
    /// It was granted a directory that cannot be opened.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// It starts with more memory than it may ever have.
    #[error("it starts with {initial} bytes of memory, over its memory_max of {memory_max}")]
    Memory {
        /// The size in bytes that the component starts with.
        initial: u64,
        /// The guest's limit in bytes.
        memory_max: u64,
    },
}

/// A call that produced no usable answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// As many instances exist as `sandbox.instances_max` allows, over all guests.
    #[error("sandbox.instances_max is reached")]
    Exhausted,
    /// The deadline passed before the guest had answered.
    #[error("the deadline passed {stage}")]
    Deadline {
        /// How far the call had come.
        stage: Stage,
    },
    /// The guest trapped.
    #[error("the guest trapped: {reason}")]
    Trapped {
        /// The kind of trap and the innermost functions.
        reason: String,
    },
    /// The guest trapped, or could not start, after more memory was refused to it.
    #[error("the guest failed after reaching its memory_max: {reason}")]
    MemoryExceeded {
        /// The kind of trap and the innermost functions.
        reason: String,
    },
    /// The instance that it shared with other requests had to be stopped, because of one of them.
    #[error("the instance was stopped, which it shared with other requests: {reason}")]
    Stopped {
        /// What happened in the instance.
        reason: String,
    },
    /// The guest broke the canonical ABI: a pointer out of bounds, text that is not UTF-8.
    #[error("the guest broke the canonical ABI: {reason}")]
    BrokenAbi {
        /// What was wrong.
        reason: String,
    },
    /// No instance could be made, for a reason that is not the guest's.
    #[error("the guest could not be instantiated: {reason}")]
    Instantiate {
        /// What the engine said.
        reason: String,
    },
    /// The guest of a wasi lane gave an error code in place of a response.
    #[error("the guest answered with the error {code}")]
    Refused {
        /// The `error-code` of wasi:http.
        code: String,
    },
    /// The guest of a wasi lane ended and had given no response.
    #[error("the guest ended without a response")]
    NoAnswer,
    /// The guest of a wasi lane left the body of its response incomplete.
    #[error("the guest did not complete the body of its response")]
    BrokenBody,
    /// The host itself failed while it ran the guest.
    #[error("the host failed while it ran the guest; this is a bug of the host")]
    Host,
    /// The guest answered with something that must not reach the wire.
    #[error("the guest's answer is refused: {0}")]
    BadAnswer(#[from] BadAnswer),
}

/// How far a call had come when its deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It had not had a turn yet. That is not its guest's fault.
    Waiting,
    /// Its instance was being made, which runs the guest's start function.
    Starting,
    /// The guest had been given the request.
    Running,
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Stage::Waiting => "before the guest had a turn",
            Stage::Starting => "while the guest started",
            Stage::Running => "while the guest ran",
        })
    }
}

/// Why an answer must not reach the wire. Names quoted from the guest are escaped and cut.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum BadAnswer {
    /// The status is outside 200 to 599 (RFC 9110 section 15).
    #[error("status {0} is not in 200 to 599")]
    Status(
        /// What the guest gave.
        u16,
    ),
    /// A field name is not a token (RFC 9110 section 5.1).
    #[error("the name of field {index}, \"{name}\", is not a token")]
    FieldName {
        /// The field's place, counted from 0.
        index: usize,
        /// The name.
        name: String,
    },
    /// A field value holds CR, LF, NUL or another control (RFC 9110 section 5.5).
    #[error("the value of field {index}, {name}, holds the control byte {byte:#04x}")]
    FieldValue {
        /// The field's place, counted from 0.
        index: usize,
        /// The field's name.
        name: String,
        /// The first byte that may not be there.
        byte: u8,
    },
    /// A field that frames the message, which is the host's to write.
    #[error("field {index}, {name}, is the host's to set")]
    FramingField {
        /// The field's place, counted from 0.
        index: usize,
        /// The field's name.
        name: String,
    },
    /// A content-length that is no number, or not the body's (RFC 9110 section 8.6).
    #[error("field {index}, content-length, does not match the body of {body} bytes")]
    ContentLength {
        /// The field's place, counted from 0.
        index: usize,
        /// The body's true length in bytes.
        body: usize,
    },
    /// A content-length that is no number, or several that differ (RFC 9110 section 8.6).
    #[error("field {index}, content-length, is not one length")]
    Length {
        /// The field's place, counted from 0.
        index: usize,
    },
    /// More field lines than `response_fields_max`.
    #[error("{count} fields, over the limit of {max}")]
    TooManyFields {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// Field lines that together pass `response_head_max`.
    #[error("fields of {bytes} bytes, over the limit of {max}")]
    HeadTooLarge {
        /// The bytes of all names and values, and four for each line's punctuation.
        bytes: usize,
        /// How many there may be.
        max: usize,
    },
    /// A body over `response_max`.
    #[error("a body of {bytes} bytes, over the limit of {max}")]
    BodyTooLarge {
        /// The body's length.
        bytes: u64,
        /// How long it may be.
        max: u64,
    },
    /// Returned lists that together ask the host to copy far more than any answer may hold.
    #[error("an answer of more than {max} bytes to copy")]
    TooMuch {
        /// The bytes that the host was willing to copy.
        max: usize,
    },
}
