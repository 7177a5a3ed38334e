//! `wasi:http/handler` as an import: what a guest sends to the handler behind it is handed to a
//! [`Next`], which is the host's to choose and knows who that is. Nothing here does.

use crate::guest::state::State;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use std::pin::Pin;
use std::sync::Arc;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime::{AsContextMut, StoreContextMut};
use wasmtime_wasi_http::p3::bindings::http::types::{ErrorCode, Request, Response};
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

/// The interface; the linker takes it for every 0.3.
const INTERFACE: &str = "wasi:http/handler@0.3.0";

/// A request on its way from a guest to the handler behind it.
pub type NextRequest = http::Request<WasiBody>;

/// The body of what that handler answers.
pub type NextBody = UnsyncBoxBody<Bytes, NextError>;

/// The handler behind a guest, for one request of that guest's own.
pub trait Next: Send + Sync {
    /// Has it answer. The future is done when the response has begun; dropping it, or the body of
    /// the response, says that nobody wants the rest.
    fn handle(&self, request: NextRequest) -> Handling;
}

/// A request that the handler behind a guest has been given.
pub type Handling =
    Pin<Box<dyn Future<Output = Result<http::Response<NextBody>, NextError>> + Send>>;

/// Why the handler behind a guest gives no response, or not all of it. That is all the guest gets
/// to know; the rest is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NextError {
    /// There is none.
    #[error("there is no handler behind this one")]
    Nobody,
    /// It is not to be called now, or there is no room for the request.
    #[error("the handler has no room for the request")]
    Unavailable,
    /// It failed.
    #[error("the handler failed")]
    Failed,
    /// It did not answer before the deadline.
    #[error("the handler did not answer in time")]
    Late,
    /// The request's body is longer than the route allows.
    #[error("the request's body has more than {0} bytes")]
    BodyTooLarge(
        /// The limit.
        u64,
    ),
    /// The request's own body broke off.
    #[error("the request's body broke off")]
    RequestBroken,
    /// The response's body broke off.
    #[error("the response's body broke off")]
    Incomplete,
}

impl From<NextError> for ErrorCode {
    fn from(error: NextError) -> ErrorCode {
        match error {
            NextError::Nobody => ErrorCode::DestinationNotFound,
            NextError::Unavailable => ErrorCode::DestinationUnavailable,
            NextError::Failed => ErrorCode::InternalError(Some(error.to_string())),
            NextError::Late => ErrorCode::HttpResponseTimeout,
            NextError::BodyTooLarge(max) => ErrorCode::HttpRequestBodySize(Some(max)),
            NextError::RequestBroken => ErrorCode::ConnectionTerminated,
            NextError::Incomplete => ErrorCode::HttpResponseIncomplete,
        }
    }
}

/// What one store knows of the handler behind it, while it answers a request.
pub(in crate::guest) struct Behind {
    next: Arc<dyn Next>,
    /// Whom its own request was for: what it leaves out of one that it makes.
    scheme: Option<Scheme>,
    authority: Option<Authority>,
}

impl Behind {
    /// `next`, for the guest that is given the request for this target.
    pub(in crate::guest) fn new(next: Arc<dyn Next>, target: &http::Uri) -> Behind {
        Behind {
            next,
            scheme: target.scheme().cloned(),
            authority: target.authority().cloned(),
        }
    }

    fn complete(&self, request: &mut Request) {
        request.scheme = request.scheme.take().or_else(|| self.scheme.clone());
        request.authority = request.authority.take().or_else(|| self.authority.clone());
        request
            .path_with_query
            .get_or_insert(PathAndQuery::from_static("/"));
    }
}

/// Stands behind a guest that is asked its probe: there is no route, and so no handler.
pub(super) struct NoContent;

impl Next for NoContent {
    fn handle(&self, _: NextRequest) -> Handling {
        let body = Empty::new().map_err(|never| match never {});
        let mut response = http::Response::new(body.boxed_unsync());
        *response.status_mut() = http::StatusCode::NO_CONTENT;
        Box::pin(async { Ok(response) })
    }
}

/// Offers the interface to all guests of an engine. One that nothing stands behind is told so.
///
/// # Errors
/// Only when the name is taken.
pub(in crate::guest) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(INTERFACE)?;
    interface.func_wrap_concurrent("handle", |accessor, (request,)| {
        Box::pin(async move { Ok((handle(accessor, request).await?,)) })
    })
}

async fn handle(
    accessor: &Accessor<State>,
    request: Resource<Request>,
) -> wasmtime::Result<Result<Resource<Response>, ErrorCode>> {
    let handling = match accessor.with(|mut store| begin(store.as_context_mut(), request))? {
        Ok(handling) => handling,
        Err(code) => return Ok(Err(code)),
    };
    let response = match handling.await {
        Ok(response) => response,
        Err(error) => return Ok(Err(error.into())),
    };
    let response = response.map(|body| body.map_err(ErrorCode::from));
    accessor.with(|mut store| {
        let view = store.data_mut().http();
        let (response, _received) = Response::from_http(view.hooks, response);
        Ok(Ok(view.table.push(response)?))
    })
}

/// Takes the request out of the guest's hands. What is wrong with it is the guest's to know; any
/// other error ends the guest.
fn begin(
    mut store: StoreContextMut<'_, State>,
    request: Resource<Request>,
) -> wasmtime::Result<Result<Handling, ErrorCode>> {
    let mut request: Request = store.data_mut().http().table.delete(request)?;
    let behind = store.data_mut().behind();
    if let Some(behind) = behind {
        behind.complete(&mut request);
    }
    let next = behind.map(|behind| Arc::clone(&behind.next));
    match (request.into_http(&mut store, async { Ok(()) }), next) {
        (Ok((request, _timeouts)), Some(next)) => Ok(Ok(next.handle(request))),
        (Ok(_), None) => Ok(Err(NextError::Nobody.into())),
        (Err(error), _) => Ok(Err(error.downcast()?)),
    }
}
