//! Write a request handler for httpd-host as one function.
//!
//! # A first guest
//!
//! A guest is a library crate that depends on this one and says it is a `cdylib`:
//!
//! ```toml
//! [package]
//! name = "hello"
//! edition = "2024"
//!
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! httpd-guest = { path = "../httpd-host/guest-sdk" }
//! ```
//!
//! Its `src/lib.rs` is the handler, and perhaps a test. No server and no WebAssembly is needed to
//! run that one: `cargo test` calls the function.
//!
//! ```
//! use httpd_guest::{Request, Response, handler};
//!
//! #[handler]
//! fn handle(request: Request) -> Response {
//!     let name = request.query_param("name").unwrap_or("world".into());
//!     Response::text(format!("Hello, {name}!"))
//! }
//!
//! #[test]
//! fn greets_by_name() {
//!     assert_eq!(handle(Request::get("/hello?name=Ada")).body(), b"Hello, Ada!");
//! }
//! # fn main() { assert_eq!(handle(Request::get("/?name=Ada")).body(), b"Hello, Ada!"); }
//! ```
//!
//! Built for `wasm32-unknown-unknown` with `wasm-component-ld` as the linker, that crate is a
//! component the host can load; the project's `guests/.cargo/config.toml` shows the two lines
//! this takes. A component can do nothing but what the host offers it, so `println!`, files,
//! sockets and clocks are not there: they compile, and do nothing or fail.
//!
//! # Streams: `async fn`
//!
//! The handler above is of the lean world: one call, the request whole, the response whole. Write
//! it as an `async fn`, with nothing else changed in how it is declared, built or named in a
//! configuration, and it is a service of WASI 0.3: bodies of any size pass piece by piece, the
//! response may begin while the upload goes on, and the handler may wait, and use what the host
//! grants it.
//!
//! ```
//! use httpd_guest::{Body, Request, Response, handler};
//!
//! #[handler]
//! async fn handle(request: Request<Body>) -> Response<Body> {
//!     let mut upload = request.into_body();
//!     Response::stream(async move |out| {
//!         while let Some(mut piece) = upload.next().await? {
//!             piece.make_ascii_uppercase();
//!             out.write(piece).await?;
//!         }
//!         Ok(())
//!     })
//! }
//!
//! #[test]
//! fn shouts() {
//!     let response = httpd_guest::testing::call(handle, Request::post("/").with_body("hey"));
//!     assert_eq!(response.body_str(), Some("HEY"));
//! }
//! # fn main() {
//! # let response = httpd_guest::testing::call(handle, Request::post("/").with_body("hey"));
//! # assert_eq!(response.body_str(), Some("HEY"));
//! # }
//! ```
//!
//! The lean world is faster and its sandbox is empty: take it unless you need one of
//!
//! - [`Body`]: read piece by piece, or whole up to a bound, as bytes, text or JSON; made by
//!   [`Body::stream`]; trailers; one that came in goes on as it is with
//!   [`Response::with_stream`], and no byte of it passes through the guest.
//! - [`Response::events`]: server-sent events.
//! - [`fetch`](fetch()): requests to other servers (`allow_hosts` in the host's configuration).
//! - [`keyvalue`]: values that outlive a request (`keyvalue`).
//! - [`fs`]: files of a directory (`dirs`).
//! - [`env`](mod@env): environment variables and configuration (`env`, `config`).
//! - [`time`]: clocks and waiting.
//! - [`spawn`](spawn()): work beside and after the answer.
//!
//! In a native test all of these are there, in memory: see [`testing`]. Waiting takes no time.
//!
//! # In front of handlers
//!
//! A [`middleware`](macro@middleware) is an `async fn` that is given the [`Next`] handler beside
//! the request: it may answer by itself, or change what passes through it. Which handlers it stands
//! in front of says the host's configuration (`routes.middleware`).
//!
//! # What there is
//!
//! - [`Request`]: method, path, query, fields, captures of the route, body; the body as text, JSON
//!   or form.
//! - [`Response`]: text, HTML, JSON, bytes, redirects; status and fields on top.
//! - [`log`]: the usual macros, `log::info!` and its siblings. Lines land in the host's log under
//!   the request's id.
//! - [`Error`]: for handlers that return `Result<Response, Error>` and use `?`. An error is logged
//!   and becomes a 500, or the 4xx it carries.
//! - A panic is logged with its message and place, and answered with 500. It ends this request and
//!   touches no other.
//! - [`raw`], and [`wasi`] for an `async fn`: the bindings themselves, for a guest that wants none
//!   of this crate's checks.
//!
//! # Memory
//!
//! With the feature `allocator`, on by default, a component has a global allocator that is made for
//! calls: small blocks come from memory that each instance begins with, all others from Rust's own
//! allocator. A guest that declares a `#[global_allocator]` itself leaves the feature out:
//!
//! ```toml
//! [dependencies.httpd-guest]
//! path = "../httpd-host/guest-sdk"
//! default-features = false
//! features = ["json"]
//! ```
//!
//! # JSON
//!
//! With the feature `json`, on by default, and [serde](https://serde.rs) among the guest's own
//! dependencies:
//!
//! ```
//! use httpd_guest::{Error, Request, Response, handler, log};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Task {
//!     title: String,
//!     #[serde(default)]
//!     done: bool,
//! }
//!
//! #[handler]
//! fn handle(request: Request) -> Result<Response, Error> {
//!     let task: Task = request.json()?;
//!     log::info!("new task: {}", task.title);
//!     Ok(Response::json(&task).with_status(201))
//! }
//! # fn main() {
//! let created = handle(Request::post("/tasks").with_body(r#"{"title": "rest"}"#)).unwrap();
//! assert_eq!(created.body_str(), Some(r#"{"title":"rest","done":false}"#));
//! assert_eq!(handle(Request::post("/tasks").with_body("rest")).unwrap_err().status(), 400);
//! # }
//! ```

#![allow(
    clippy::test_attr_in_doctest,
    reason = "the first guest shows how to write its test"
)]

// The generated bindings name this crate from the guest's side, and so do its own tests.
extern crate self as httpd_guest;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(any(
    test,
    all(
        feature = "allocator",
        target_family = "wasm",
        not(target_feature = "atomics")
    )
))]
mod allocator;
mod answer;
mod body;
pub mod env;
mod error;
mod events;
mod exchange;
pub mod fetch;
pub mod fs;
pub mod keyvalue;
mod logging;
mod next;
pub mod raw;
mod request;
mod response;
mod spawn;
mod syntax;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod time;
pub mod wasi;

pub use answer::Answer;
pub use body::{Body, BodyWriter, Gone};
pub use error::Error;
pub use events::{Event, EventWriter};
pub use exchange::{Received, Streamed};
pub use fetch::fetch;
pub use httpd_guest_macros::{handler, middleware};
pub use log;
pub use next::Next;
pub use request::Request;
pub use response::Response;
pub use spawn::spawn;

#[cfg(all(
    feature = "allocator",
    target_family = "wasm",
    not(target_feature = "atomics")
))]
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator::new();
