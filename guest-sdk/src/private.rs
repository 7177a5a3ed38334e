//! What the `#[handler]` attribute's expansion calls. Not for use by hand, and free to change.

pub use wit_bindgen;

use crate::{Answer, Request};

/// Fails to compile, where the handler is declared, when its types are not a handler's. It also
/// keeps a handler that only a component calls from looking unused in a native build.
#[cfg(not(target_family = "wasm"))]
pub const fn check_handler<A: Answer>(_: fn(Request) -> A) {}

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
