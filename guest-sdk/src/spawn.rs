//! Work beside, and after, the answer to a request.

/// Runs `work` beside the handler. It may go on after the response is complete, until the
/// request's deadline, and its place among the guest's requests is taken until then.
///
/// ```
/// use httpd_guest::{Body, Request, Response, handler, log, spawn};
///
/// #[handler]
/// async fn handle(_: Request<Body>) -> Response {
///     spawn(async { log::info!("counted") });
///     Response::text("thanks")
/// }
/// # fn main() {
/// use httpd_guest::testing;
/// let call = || testing::call(handle, Request::get("/"));
/// let (_, lines) = testing::capture_log(call);
/// assert_eq!(lines[0].message, "counted");
/// # }
/// ```
#[cfg(target_family = "wasm")]
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    // Letting go of the handle lets the work go on.
    drop(wit_bindgen::spawn_local(work));
}

#[cfg(not(target_family = "wasm"))]
pub use crate::testing::spawn;
