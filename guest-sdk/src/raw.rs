//! The bindings generated from `wit/`, as they are: records, the imported log, the exported
//! function. Nothing is written by hand here, and nothing is checked: a guest that wants to send
//! the host exactly what it says builds a [`Response`] itself and returns it from its handler.

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
    path: "../wit",
    world: "handler",
    pub_export_macro: true,
    default_bindings_module: "httpd_guest::raw",
    runtime_path: "::httpd_guest::__private::wit_bindgen::rt",
    additional_derives: [PartialEq, Eq],
});

pub use httpd::guest::log;
pub use httpd::guest::types::{Capture, Field};
