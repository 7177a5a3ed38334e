//! The `#[handler]` attribute, nothing else. The checks and the expansion are in `expand`, where
//! they can be tested without a compiler.

mod expand;

use proc_macro::TokenStream;

/// Makes a function the component's request handler.
///
/// It takes one `Request` and returns a `Response`, or a `Result<Response, E>` of any `E` that can
/// be displayed. A crate has one handler. The function itself stays as it is, so a native test
/// calls it; only in a WebAssembly build the component's export is added next to it.
///
/// It is an error to put this on anything but a plain function: the host makes one synchronous
/// call per request, so `async fn` has nothing to wait for.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::handler(&arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
