//! Between this crate's requests and responses and those of WASI: what a handler that is an
//! `async fn` takes and returns, and how each passes the border of the component.

#[cfg(target_family = "wasm")]
pub(crate) mod lift;
#[cfg(target_family = "wasm")]
mod lower;

#[cfg(target_family = "wasm")]
pub(crate) use lower::{into_request, into_response};

use std::any::Any;
use std::fmt::Display;

use crate::answer::error_response;
use crate::{Body, Error, Request, Response, wasi};

/// A type an `async` handler may take: [`Request<Body>`](Request), or WASI's own request, which
/// only exists inside a component.
#[diagnostic::on_unimplemented(
    message = "an async handler cannot take `{Self}`",
    label = "take `Request<Body>`"
)]
pub trait Received {
    /// From what the host hands over.
    #[doc(hidden)]
    fn from_host(request: wasi::Request) -> Self;
}

/// A type an `async` handler may return: [`Response`] or [`Response<Body>`](Response), a `Result`
/// of one, or WASI's own result unchecked.
///
/// An `Err` is logged and answered with 500, whatever its type, as long as it can be displayed; an
/// [`Error`](crate::Error) is answered with the status it carries, and one of the handler behind a
/// middleware as the host would answer it.
#[diagnostic::on_unimplemented(
    message = "an async handler cannot return `{Self}`",
    label = "return `Response`, `Response<Body>`, or a `Result` of one with `E: Display`"
)]
pub trait Streamed {
    /// What to hand to the host.
    #[doc(hidden)]
    fn into_outcome(self) -> Outcome;
}

/// What a handler returned.
#[doc(hidden)]
pub enum Outcome {
    /// A response of this crate, checked.
    Response(Response<Body>),
    /// WASI's own.
    Raw(Result<wasi::Response, wasi::ErrorCode>),
}

impl Received for Request<Body> {
    #[cfg(target_family = "wasm")]
    fn from_host(request: wasi::Request) -> Self {
        lift::request(request)
    }

    #[cfg(not(target_family = "wasm"))]
    fn from_host(_: wasi::Request) -> Self {
        unreachable!("only a host has such a request")
    }
}

impl Received for wasi::Request {
    fn from_host(request: wasi::Request) -> Self {
        request
    }
}

impl Streamed for Response {
    fn into_outcome(self) -> Outcome {
        Outcome::Response(self.into())
    }
}

impl Streamed for Response<Body> {
    fn into_outcome(self) -> Outcome {
        Outcome::Response(self)
    }
}

impl Streamed for wasi::Response {
    fn into_outcome(self) -> Outcome {
        Outcome::Raw(Ok(self))
    }
}

/// What the handler behind a middleware gave in place of a response, which is nobody else's error.
fn passed_on<E: 'static>(error: &E) -> Option<wasi::ErrorCode> {
    let error: &Error = (error as &dyn Any).downcast_ref()?;
    error.code().cloned()
}

impl<T: Streamed, E: Display + 'static> Streamed for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(answer) => answer.into_outcome(),
            Err(error) => match passed_on(&error) {
                Some(code) => Outcome::Raw(Err(code)),
                None => error_response(&error).into_outcome(),
            },
        }
    }
}
