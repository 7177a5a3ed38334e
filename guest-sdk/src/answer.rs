//! What a handler may return, and how each becomes the one record the host takes. Errors turn
//! into responses here and nowhere else.

use std::any::Any;
use std::fmt::Display;

use crate::{Error, Response, raw};

/// A type a handler may return: [`Response`], a `Result` of one, or [`raw::Response`] unchecked.
///
/// An `Err` is logged and answered with 500, whatever its type, as long as it can be displayed; an
/// [`Error`] is answered with the status it carries.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "return `Response` or `Result<Response, E>` where `E: Display`"
)]
pub trait Answer {
    /// The record to hand to the host.
    fn into_raw(self) -> raw::Response;
}

impl Answer for Response {
    fn into_raw(self) -> raw::Response {
        Response::into_raw(self)
    }
}

/// The way around every check of this crate. The host still makes its own.
impl Answer for raw::Response {
    fn into_raw(self) -> raw::Response {
        self
    }
}

impl<T: Answer, E: Display + 'static> Answer for Result<T, E> {
    fn into_raw(self) -> raw::Response {
        match self {
            Ok(answer) => answer.into_raw(),
            Err(error) => error_response(&error).into_raw(),
        }
    }
}

/// The alternate form is where `anyhow` and its like print the causes too.
pub(crate) fn error_response<E: Display + 'static>(error: &E) -> Response {
    let status = (error as &dyn Any)
        .downcast_ref()
        .map_or(500, Error::status);
    if status >= 500 {
        log::error!("{error:#}");
        return Response::internal_error().with_status(status);
    }
    log::info!("answered {status}: {error:#}");
    Response::text(format!("{error}\n")).with_status(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::capture_log;

    #[test]
    fn any_displayable_error_is_a_logged_500_that_tells_the_client_nothing() {
        let failed: Result<Response, String> = Err("the password is wrong".into());
        let (answer, lines) = capture_log(|| failed.into_raw());
        assert_eq!(answer.status, 500);
        assert!(!String::from_utf8(answer.body).unwrap().contains("password"));
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (lines[0].level, &*lines[0].message),
            (log::Level::Error, "the password is wrong")
        );
    }

    #[test]
    fn an_error_with_a_status_below_500_tells_the_client_why() {
        let failed: Result<Response, Error> = Err(Error::new(404, "no such page"));
        let answer = failed.into_raw();
        assert_eq!(
            (answer.status, &*answer.body),
            (404, &b"no such page\n"[..])
        );
    }

    #[test]
    fn a_raw_response_passes_untouched() {
        let field = raw::Field {
            name: "a\r\n".into(),
            value: b"\r\n".to_vec(),
        };
        let odd = raw::Response {
            status: 99,
            fields: vec![field],
            body: Vec::new(),
        };
        assert_eq!(odd.clone().into_raw(), odd);
    }
}
