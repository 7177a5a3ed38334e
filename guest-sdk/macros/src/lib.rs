//! The attributes `#[handler]` and `#[middleware]`, nothing else. The checks and the expansion are
//! in `expand`, where they can be tested without a compiler.

mod expand;

use proc_macro::TokenStream;

/// Makes a function the component's request handler.
///
/// It takes one request and returns a `Response`, or a `Result<Response, E>` of any `E` that can
/// be displayed. A crate has one handler. The function itself stays as it is, so a native test
/// calls it; only in a WebAssembly build the component's export is added next to it.
///
/// The function's type decides what the component is. A plain `fn` takes a `Request` with its
/// whole body and exports `httpd:guest/handler`, the lean world: one synchronous call. An
/// `async fn` takes a `Request<Body>` whose body is read piece by piece, may answer with one that
/// is written piece by piece, and exports `wasi:http/handler`, the service of WASI 0.3.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::handler(&arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a function a component that stands in front of other handlers.
///
/// It is an `async fn` that takes a `Request<Body>` and the `Next` handler, and returns what a
/// handler that is an `async fn` does. It exports `wasi:http/handler` and imports the same, the
/// world `wasi:http/middleware` of WASI 0.3. The function itself stays as it is, so a native test
/// calls it. A crate has one handler or one middleware.
#[proc_macro_attribute]
pub fn middleware(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::middleware(&arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
