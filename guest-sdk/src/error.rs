//! What went wrong while answering, with the status the client should see. This type is the only
//! place that decides how much of an error a client is told.

use std::fmt;

use crate::wasi::ErrorCode;

/// An error a handler can return, or make with `?` from any standard error.
///
/// It carries a status. One made from another error is the server's fault, 500, and its text
/// goes to the log only; one the request caused, such as a body that is no JSON, has a 4xx status
/// and the client reads why.
///
/// ```
/// use httpd_guest::{Error, Request, Response, handler};
///
/// #[handler]
/// fn handle(request: Request) -> Result<Response, Error> {
///     let page: u32 = request.query_param("page").unwrap_or("1".into()).parse()?;
///     if page == 0 {
///         return Err(Error::new(400, "pages are counted from 1"));
///     }
///     Ok(Response::text(format!("page {page}")))
/// }
/// # fn main() {
/// assert_eq!(handle(Request::get("/?page=2")).unwrap().body(), b"page 2");
/// assert_eq!(handle(Request::get("/?page=0")).unwrap_err().status(), 400);
/// assert_eq!(handle(Request::get("/?page=x")).unwrap_err().status(), 500);
/// # }
/// ```
pub struct Error {
    status: u16,
    message: String,
    /// What a handler behind this one gave in place of a response.
    code: Option<ErrorCode>,
}

impl Error {
    /// An error with a status from 400 to 599, anything else counting as 500, and a message. The
    /// client is sent the message of a 4xx; that of a 5xx is only logged.
    pub fn new(status: u16, message: impl fmt::Display) -> Self {
        let status = if (400..=599).contains(&status) {
            status
        } else {
            500
        };
        Self {
            status,
            message: message.to_string(),
            code: None,
        }
    }

    /// The same, passed on from the handler behind this one, which gave `code`.
    pub(crate) fn with_code(self, code: ErrorCode) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    /// What the handler behind this one gave, if the error is that one's.
    pub(crate) fn code(&self) -> Option<&ErrorCode> {
        self.code.as_ref()
    }

    /// The status the client is to see.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What happened, with the causes behind it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.message)
    }
}

/// `?` on any standard error. For this to be possible `Error` itself is not a
/// [`std::error::Error`]: it would have to convert from itself twice.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self {
            status: 500,
            message,
            code: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bad page")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_converted_error_tells_its_causes() {
        let error = Error::from(Outer("x".parse::<u8>().unwrap_err()));
        assert_eq!(error.message(), "bad page: invalid digit found in string");
        assert_eq!(error.status(), 500);
    }

    #[test]
    fn a_status_that_is_no_error_counts_as_500() {
        assert_eq!(Error::new(404, "no").status(), 404);
        assert_eq!(Error::new(200, "no").status(), 500);
        assert_eq!(Error::new(600, "no").status(), 500);
    }
}
