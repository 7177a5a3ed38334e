//! `wasi:http`'s outgoing requests: what a guest asks for is handed to an [`Outbound`], which is
//! the host's to choose and knows about hosts, addresses and sockets. Nothing here does. What a
//! guest was refused is logged once for each target.

use super::refusals::Refusals;
use bytes::Bytes;
use http::HeaderName;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody,
    WasiHttpHooks,
};

/// Bytes that one write of a guest to a body of its own may copy into the host.
const CHUNK_BYTES: usize = 64 << 10;

/// The body of a request or of a response, as it passes between a guest and an [`Outbound`].
pub type OutboundBody = UnsyncBoxBody<Bytes, OutboundError>;

/// Sends the requests of one guest, if they are ones that it may send.
pub trait Outbound: Send + Sync {
    /// Sends a request, whose URI has a scheme and an authority.
    fn send(&self, request: http::Request<OutboundBody>, timeouts: OutboundTimeouts) -> Sending;
}

/// A request under way. Dropping it takes the request back.
pub type Sending = Pin<Box<dyn Future<Output = Result<Sent, OutboundError>> + Send>>;

/// A response that has begun.
pub struct Sent {
    /// Its head, and its body as it arrives.
    pub response: http::Response<OutboundBody>,
    /// The connection: both bodies get on only while it is polled. Dropping it closes it.
    pub connection: Pin<Box<dyn Future<Output = Result<(), OutboundError>> + Send>>,
}

/// How long a guest wants to wait. What it leaves open, or wants longer than the host, is the
/// host's to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboundTimeouts {
    /// Until the request is on its way.
    pub connect: Option<Duration>,
    /// Until the head of the response.
    pub first_byte: Option<Duration>,
    /// Without a byte of its body.
    pub between_bytes: Option<Duration>,
}

/// Why a request of a guest has no response, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The guest was not granted the target.
    #[error("{target} is not in allow_hosts")]
    Denied {
        /// Scheme, host and port.
        target: String,
    },
    /// The target has no address that is public or was granted.
    #[error("{target} has only addresses that must be granted literally in allow_hosts")]
    AddressDenied {
        /// Scheme, host and port.
        target: String,
    },
    /// The URI says nothing clear about whom it is for.
    #[error("the request's target is not accepted: {0}")]
    InvalidTarget(
        /// Why.
        &'static str,
    ),
    /// A field that would change how the request is understood.
    #[error("the field {0} is not the guest's to set")]
    InvalidField(
        /// Its name.
        HeaderName,
    ),
    /// There is no free connection, and none became free in time.
    #[error("no connection became free in time")]
    TooMany,
    /// The name has no address, or nobody knows.
    #[error("the name cannot be resolved: {0}")]
    Lookup(
        /// What the resolver said.
        String,
    ),
    /// No address answered in time.
    #[error("no connection was made in time")]
    ConnectTimeout,
    /// No address took the connection.
    #[error("no connection could be made: {0}")]
    Connect(
        /// What the system said of the last address.
        String,
    ),
    /// The other end's certificate is not trusted.
    #[error("the certificate is not accepted: {0}")]
    Certificate(
        /// Why.
        String,
    ),
    /// TLS failed in another way.
    #[error("TLS failed: {0}")]
    Tls(
        /// How.
        String,
    ),
    /// The response did not begin in time.
    #[error("the response did not begin in time")]
    FirstByteTimeout,
    /// The response's body did not go on in time.
    #[error("the response did not go on in time")]
    BetweenBytesTimeout,
    /// The response's head is too large.
    #[error("the head of the response is over the limit")]
    HeadTooLarge,
    /// The other end closed the connection before the response was complete.
    #[error("the connection was closed before the response was complete")]
    Incomplete,
    /// The other end does not keep to HTTP/1.1.
    #[error("the response is not valid HTTP/1.1: {0}")]
    Protocol(
        /// Where it does not.
        String,
    ),
    /// The guest's own body ended in an error.
    #[error("the request's body failed: {0}")]
    Body(
        /// Which one.
        String,
    ),
}

impl From<OutboundError> for Error {
    fn from(error: OutboundError) -> Error {
        match error {
            OutboundError::Denied { .. } => Error::HttpRequestDenied,
            OutboundError::AddressDenied { .. } => Error::DestinationIpProhibited,
            OutboundError::InvalidTarget(_) => Error::HttpRequestUriInvalid,
            OutboundError::InvalidField(name) => Error::HttpRequestHeaderSize {
                field_name: Some(name.as_str().to_owned()),
                field_size: None,
            },
            OutboundError::TooMany => Error::ConnectionLimitReached,
            OutboundError::Lookup(_) => Error::DnsError {
                rcode: None,
                info_code: None,
            },
            OutboundError::ConnectTimeout => Error::ConnectionTimeout,
            OutboundError::Connect(_) => Error::ConnectionRefused,
            OutboundError::Certificate(_) => Error::TlsCertificateError,
            OutboundError::Tls(_) => Error::TlsProtocolError,
            OutboundError::FirstByteTimeout => Error::HttpResponseTimeout,
            OutboundError::BetweenBytesTimeout => Error::ConnectionReadTimeout,
            OutboundError::HeadTooLarge => Error::HttpResponseHeaderSectionSize(None),
            OutboundError::Incomplete => Error::HttpResponseIncomplete,
            OutboundError::Protocol(_) => Error::HttpProtocolError,
            OutboundError::Body(_) => Error::ConnectionTerminated,
        }
    }
}

/// What `wasi:http` asks the host in one store.
pub(in crate::guest) struct Hooks {
    outbound: Option<Arc<dyn Outbound>>,
    refusals: Arc<Refusals>,
    places: Arc<Semaphore>,
}

impl Hooks {
    /// Hooks for a store whose guest sends through `outbound`, or not at all, and has at most
    /// `requests_max` requests under way.
    pub(in crate::guest) fn new(
        outbound: Option<Arc<dyn Outbound>>,
        refusals: Arc<Refusals>,
        requests_max: u32,
    ) -> Hooks {
        Hooks {
            outbound,
            refusals,
            places: Arc::new(Semaphore::new(requests_max as usize)),
        }
    }
}

type ErasedSent = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<()>> + Send>,
);

/// Fields of a connection and not of a message, beside [`DEFAULT_FORBIDDEN_HEADERS`]: the host
/// writes them itself (RFC 9110 section 7.6.1).
const CONNECTION_FIELDS: [HeaderName; 2] = [http::header::TE, http::header::TRAILER];

fn is_forbidden(name: &HeaderName) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name) || CONNECTION_FIELDS.contains(name)
}

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_processed: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Result<ErasedSent>> + Send> {
        let (places, refusals) = (Arc::clone(&self.places), Arc::clone(&self.refusals));
        let Some(outbound) = self.outbound.clone() else {
            let (scheme, authority) = (request.uri().scheme_str(), request.uri().authority());
            let authority = authority.map_or("", |authority| authority.as_str());
            let target = format!("{}://{authority}", scheme.unwrap_or_default());
            refusals.note("requests to other hosts (allow_hosts)", &target);
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        Box::new(async move {
            let place = places.acquire_owned().await;
            let place = place.map_err(|_| Error::ConnectionLimitReached)?;
            let request = request.map(|body| {
                let body = body.map_err(|error| OutboundError::Body(error.to_string()));
                body.boxed_unsync()
            });
            match outbound.send(request, timeouts(options)).await {
                Ok(sent) => Ok(erased(sent, place)),
                Err(error) => {
                    note(&refusals, &error);
                    Err(error.into())
                }
            }
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }
}

fn timeouts(options: Option<RequestOptions>) -> OutboundTimeouts {
    let options = options.unwrap_or_default();
    OutboundTimeouts {
        connect: options.connect_timeout,
        first_byte: options.first_byte_timeout,
        between_bytes: options.between_bytes_timeout,
    }
}

/// The connection's own end is no news: what it did to the response is told by its body. The
/// crate would log each error as a warning, which a guest could have as many of as it likes.
fn erased(sent: Sent, place: OwnedSemaphorePermit) -> ErasedSent {
    let response = sent
        .response
        .map(|body| body.map_err(Error::from).boxed_unsync());
    let connection = async move {
        if let Err(error) = sent.connection.await {
            tracing::debug!(target: "guest", "a connection to another host failed: {error}");
        }
        drop(place);
        Ok(())
    };
    (response, Box::new(connection))
}

fn note(refusals: &Refusals, error: &OutboundError) {
    match error {
        OutboundError::Denied { target } => {
            refusals.note("requests to hosts not in allow_hosts", target);
        }
        OutboundError::AddressDenied { target } => {
            refusals.note("addresses not in allow_hosts", target);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
