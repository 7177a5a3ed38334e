//! What the expansions of `#[handler]` and `#[middleware]` call. Not for use by hand, and free to
//! change.

pub use wit_bindgen;

use crate::exchange::{Received, Streamed};
use crate::{Answer, Request};

/// Fails to compile, where the handler is declared, when its types are not a handler's. It also
/// keeps a handler that only a component calls from looking unused in a native build.
#[cfg(not(target_family = "wasm"))]
pub const fn check_handler<A: Answer>(_: fn(Request) -> A) {}

/// The same for a handler that is an `async fn`.
#[cfg(not(target_family = "wasm"))]
pub const fn check_async_handler<Q: Received, A: Streamed, F: Future<Output = A>>(_: fn(Q) -> F) {}

/// The same for a middleware.
#[cfg(not(target_family = "wasm"))]
pub const fn check_middleware<Q: Received, A: Streamed, F: Future<Output = A>>(
    _: fn(Q, crate::Next) -> F,
) {
}

/// Answers one request from the host, or has the handler behind this one do it.
///
/// # Errors
/// What the middleware, or that handler, wants the host to answer in its place.
#[cfg(target_family = "wasm")]
pub async fn run_middleware<Q: Received, A: Streamed, F: Future<Output = A>>(
    handle: fn(Q, crate::Next) -> F,
    request: crate::wasi::Request,
) -> Result<crate::wasi::Response, crate::wasi::ErrorCode> {
    prepare();
    answer(handle(Q::from_host(request), crate::Next::of_host()).await)
}

/// Answers one request from the host, whose body is still on its way.
///
/// # Errors
/// What the handler wants the host to answer in its place.
#[cfg(target_family = "wasm")]
pub async fn run_async<Q: Received, A: Streamed, F: Future<Output = A>>(
    handle: fn(Q) -> F,
    request: crate::wasi::Request,
) -> Result<crate::wasi::Response, crate::wasi::ErrorCode> {
    prepare();
    answer(handle(Q::from_host(request)).await)
}

#[cfg(target_family = "wasm")]
fn answer(answer: impl Streamed) -> Result<crate::wasi::Response, crate::wasi::ErrorCode> {
    use crate::exchange::{Outcome, into_response};

    match answer.into_outcome() {
        Outcome::Response(response) => into_response(response),
        Outcome::Raw(outcome) => outcome,
    }
}

/// Answers one call from the host.
#[cfg(target_family = "wasm")]
pub fn run<A: Answer>(
    handle: fn(Request) -> A,
    request: crate::raw::Request,
) -> crate::raw::Response {
    prepare();
    handle(Request::from_raw(request)).into_raw()
}

/// Connects the log and the panic message to the host, once per instance. A panic aborts, so its
/// hook is the last code of the guest that runs and the only one that knows the message.
#[cfg(target_family = "wasm")]
fn prepare() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        crate::logging::install();
        std::panic::set_hook(Box::new(|panic| {
            crate::logging::write(log::Level::Error, &panic.to_string());
        }));
    });
}
