//! One request and its response over a connection of their own, both bodies as they come. The
//! caller polls the connection; nothing goes on without it, and nothing is left when it is dropped.

use std::error::Error as _;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::connector::Connection;
use super::fields;
use crate::config::Outbound as Limits;
use crate::guest::{OutboundBody, OutboundError, Sent};

/// How long the phases of an exchange may take.
pub(super) struct Times {
    pub(super) first_byte: Duration,
    pub(super) between_bytes: Duration,
}

/// Sends a request and waits for the head of its response.
///
/// # Errors
/// Everything that can happen on the way; the connection is closed then.
pub(super) async fn send(
    connection: Connection,
    mut request: Request<OutboundBody>,
    limits: &Limits,
    times: Times,
) -> Result<Sent, OutboundError> {
    to_origin_form(&mut request)?;
    let (mut sender, http) = http1::Builder::new()
        .max_buf_size(limits.response_head_max)
        .max_header_size(limits.response_head_max)
        .max_headers(limits.response_fields_max)
        .handshake(TokioIo::new(connection.stream))
        .await
        .map_err(|error| http_error(&error))?;
    let place = connection.place;
    let mut http = Box::pin(async move {
        let _place = place;
        http.await.map_err(|error| http_error(&error))
    });
    let head = async {
        // The sender goes with it: the connection closes when the response is complete.
        let response = sender.send_request(request).await;
        drop(sender);
        response.map_err(|error| http_error(&error))
    };
    let (response, ended) = timeout(times.first_byte, both(head, http.as_mut()))
        .await
        .map_err(|_| OutboundError::FirstByteTimeout)?;
    let mut response = response?;
    if response.status().is_informational() {
        return Err(OutboundError::Protocol("it is not a final one".to_owned()));
    }
    fields::clean(response.headers_mut());
    let response = response.map(|body| Received::new(body, times.between_bytes).boxed_unsync());
    let connection: Pin<Box<dyn Future<Output = _> + Send>> = match ended {
        Some(outcome) => Box::pin(async { outcome }),
        None => http,
    };
    Ok(Sent {
        response,
        connection,
    })
}

/// The target as a server wants it (RFC 9112 section 3.2.1); the host is in its field.
fn to_origin_form(request: &mut Request<OutboundBody>) -> Result<(), OutboundError> {
    if request.method() == Method::CONNECT {
        return Err(OutboundError::InvalidTarget("tunnels are not offered"));
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    // Of an empty path with a query, http keeps only the query.
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let uri = Uri::try_from(path);
    *request.uri_mut() = uri.map_err(|_| OutboundError::InvalidTarget("its path is malformed"))?;
    *request.version_mut() = Version::HTTP_11;
    Ok(())
}

/// Polls the connection until the head is there; with how the connection ended, if it did.
async fn both<T, E>(
    head: impl Future<Output = Result<T, E>>,
    mut connection: Pin<&mut (impl Future<Output = Result<(), E>> + ?Sized)>,
) -> (Result<T, E>, Option<Result<(), E>>) {
    let mut head = pin!(head);
    let mut ended = None;
    std::future::poll_fn(move |context| {
        if let Poll::Ready(head) = head.as_mut().poll(context) {
            return Poll::Ready((head, ended.take()));
        }
        if ended.is_none()
            && let Poll::Ready(outcome) = connection.as_mut().poll(context)
        {
            ended = Some(outcome);
            // Its end is what the head waits for now.
            if let Poll::Ready(head) = head.as_mut().poll(context) {
                return Poll::Ready((head, ended.take()));
            }
        }
        Poll::Pending
    })
    .await
}

/// A response's body, which may not pause for too long.
struct Received {
    body: Incoming,
    pause_max: Duration,
    pause: Pin<Box<Sleep>>,
    /// The pause is being timed. It begins when somebody asks for more: whoever reads slowly must
    /// not be told that the other end was slow.
    waiting: bool,
}

impl Received {
    fn new(body: Incoming, pause_max: Duration) -> Received {
        Received {
            body,
            pause_max,
            pause: Box::pin(sleep(pause_max)),
            waiting: false,
        }
    }

    /// Completes when nothing has come for too long.
    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.waiting {
            self.pause.as_mut().reset(Instant::now() + self.pause_max);
            self.waiting = true;
        }
        self.pause.as_mut().poll(context)
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = OutboundError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            return self
                .poll_pause(context)
                .map(|()| Some(Err(OutboundError::BetweenBytesTimeout)));
        };
        self.waiting = false;
        Poll::Ready(frame.map(|frame| frame.map_err(|error| http_error(&error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn http_error(error: &hyper::Error) -> OutboundError {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(own) = cause.downcast_ref::<OutboundError>() {
            return own.clone();
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                // A chunk that is none, in hyper's words.
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    OutboundError::Protocol(error.to_string())
                }
                _ => OutboundError::Incomplete,
            };
        }
        source = cause.source();
    }
    if error.is_parse_too_large() {
        return OutboundError::HeadTooLarge;
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return OutboundError::Incomplete;
    }
    let mut text = error.to_string();
    if let Some(cause) = error.source() {
        text = format!("{text}: {cause}");
    }
    OutboundError::Protocol(text)
}
