//! The bindings of the streamed world generated from `guest-sdk/wit/`, as they are: WASI 0.3, and
//! the interfaces beside it that a guest may be granted. Nothing is written by hand here, and
//! nothing is checked: a guest that wants to speak to the host itself takes and returns these.

#![allow(
    missing_docs,
    reason = "generated: WIT documents the items, not the helpers around them"
)]
#![allow(
    unsafe_code,
    reason = "generated: the canonical ABI passes lists as raw pointers"
)]
#![allow(
    unreachable_pub,
    clippy::all,
    reason = "generated code has a style of its own"
)]

wit_bindgen::generate!({
    path: "wit",
    world: "streamed",
    pub_export_macro: true,
    default_bindings_module: "httpd_guest::wasi",
    runtime_path: "::httpd_guest::__private::wit_bindgen::rt",
    generate_all,
});

pub use exports::wasi::http::handler::Guest;
pub use wasi::http::types::{ErrorCode, Fields, Request, Response};
