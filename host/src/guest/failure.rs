//! Turns wasmtime's errors into [`CallError`]: one place that knows what each of them looks like.

use super::direct::Broken;
use super::error::{BadAnswer, CallError, Stage};
use super::escape::escaped;
use super::state::{DeadlinePassed, State};
use std::fmt::{self, Write};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

/// The bytes of a reason; a guest chooses its functions' names and could make them long.
const REASON_BYTES_MAX: usize = 300;
/// The functions named in a reason, innermost first.
const FRAMES_MAX: usize = 4;
/// What wasmtime puts before the kind of a trap; our own words say it already.
const TRAP_WORDS: &str = "wasm trap: ";
/// What wasmtime says when a returned list would make the host copy more than it may. The error's
/// type is private; a test notices should the words change.
const COPY_LIMIT_WORDS: &str = "fuel allocated for hostcalls has been exhausted";
/// What it says when a guest wants more handles than a store may have; a test notices here, too.
const HANDLE_LIMIT_WORDS: &str = "store handle limit exceeded";

/// The error of a guest that ended without a response.
#[derive(Debug)]
pub(super) struct NoResponse;

impl fmt::Display for NoResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no response")
    }
}

impl std::error::Error for NoResponse {}

/// What went wrong while an instance was made in `store`.
pub(super) fn of_instantiation(error: &wasmtime::Error, store: &Store<State>) -> CallError {
    match of_guest_code(error, store) {
        Some(CallError::Deadline { .. }) => CallError::Deadline {
            stage: Stage::Starting,
        },
        Some(known) => known,
        None if store.data().limits.refused() => CallError::MemoryExceeded {
            reason: words(error),
        },
        None => CallError::Instantiate {
            reason: words(error),
        },
    }
}

/// What went wrong while the instance in `store` answered.
pub(super) fn of_call(error: &wasmtime::Error, store: &Store<State>) -> CallError {
    match error.downcast_ref::<Broken>() {
        Some(Broken::TooMuch) => {
            let max = store.hostcall_fuel();
            return CallError::BadAnswer(BadAnswer::TooMuch { max });
        }
        Some(Broken::Abi(reason)) => {
            let reason = escaped(reason, REASON_BYTES_MAX);
            return CallError::BrokenAbi { reason };
        }
        None => {}
    }
    if let Some(known) = of_guest_code(error, store) {
        return known;
    }
    of_reply(error, store.hostcall_fuel())
}

/// What is wrong with a reply, in a store whose guest may go on. `copy_max` is what the host would
/// have copied out of it.
pub(super) fn of_reply(error: &wasmtime::Error, copy_max: usize) -> CallError {
    if let Some(code) = error.downcast_ref::<ErrorCode>() {
        return CallError::Refused {
            code: code_words(code),
        };
    }
    if error.is::<NoResponse>() {
        return CallError::NoAnswer;
    }
    let reason = words(error);
    if reason.contains(COPY_LIMIT_WORDS) {
        return CallError::BadAnswer(BadAnswer::TooMuch { max: copy_max });
    }
    CallError::BrokenAbi { reason }
}

/// An error code of wasi:http on one bounded line: a guest can put any text into some of them.
pub(super) fn code_words(code: &impl fmt::Debug) -> String {
    escaped(&format!("{code:?}"), REASON_BYTES_MAX)
}

/// The errors that mean the same whenever guest code runs; `None` for those raised by the host
/// before or after it.
fn of_guest_code(error: &wasmtime::Error, store: &Store<State>) -> Option<CallError> {
    if error.is::<DeadlinePassed>() {
        return Some(CallError::Deadline {
            stage: Stage::Running,
        });
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Some(CallError::Exhausted);
    }
    if !error.is::<Trap>() && !error.is::<WasmBacktrace>() {
        return None;
    }
    let reason = trap_reason(error);
    Some(if store.data().limits.refused() {
        CallError::MemoryExceeded { reason }
    } else {
        CallError::Trapped { reason }
    })
}

/// The kind of trap and the innermost functions that have a name.
fn trap_reason(error: &wasmtime::Error) -> String {
    let mut reason = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string().trim_start_matches(TRAP_WORDS).to_owned(),
        None => root_reason(error),
    };
    let frames = error
        .downcast_ref::<WasmBacktrace>()
        .map_or(&[][..], WasmBacktrace::frames);
    let names = frames
        .iter()
        .filter_map(|frame| frame.func_name())
        .take(FRAMES_MAX);
    for (place, name) in names.enumerate() {
        let joint = if place == 0 { " in" } else { " <-" };
        // Writing into a String cannot fail.
        let _ = write!(reason, "{joint} {name}");
    }
    escaped(&reason, REASON_BYTES_MAX)
}

/// The error below all others, with the key of the bound where it is one.
fn root_reason(error: &wasmtime::Error) -> String {
    let reason = error.root_cause().to_string();
    let is_full = matches!(
        error.downcast_ref::<ResourceTableError>(),
        Some(ResourceTableError::Full)
    );
    if is_full || reason.contains(HANDLE_LIMIT_WORDS) {
        return format!("resources_max is reached: {reason}");
    }
    reason
}

/// An error with its causes on one bounded line.
fn words(error: &wasmtime::Error) -> String {
    escaped(&format!("{error:#}"), REASON_BYTES_MAX)
}
