//! From a target to a connection: a place among all connections, the lookup, a look at each
//! address, TCP and TLS, all within one time. The only addresses that are ever connected to are
//! those that the policy has seen, so that a name cannot mean something else a moment later.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, Error as TlsError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::policy::Policy;
use super::resolve::{Resolve, SystemResolver};
use super::target::{Host, Target};
use super::trust::{self, TrustError};
use crate::config::{Outbound as Limits, Scheme};
use crate::guest::OutboundError;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// What all guests share to reach others.
pub struct Connector {
    pub(super) limits: Limits,
    places: Arc<Semaphore>,
    resolver: Box<dyn Resolve>,
    tls: Arc<ClientConfig>,
}

/// A connection, and its place, which is free again when it is dropped.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Stream>,
    pub(super) place: OwnedSemaphorePermit,
}

/// Both ways of bytes, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connector {
    /// A connector that asks the system's resolver. It reads the certificates that TLS trusts.
    ///
    /// # Errors
    /// Certificates of `limits.ca` that cannot be used.
    pub fn new(limits: Limits) -> Result<Connector, TrustError> {
        Connector::with_resolver(limits, Box::new(SystemResolver))
    }

    /// A connector that asks a resolver of the caller's.
    ///
    /// # Errors
    /// As [`Connector::new`].
    pub fn with_resolver(
        limits: Limits,
        resolver: Box<dyn Resolve>,
    ) -> Result<Connector, TrustError> {
        Ok(Connector {
            places: Arc::new(Semaphore::new(limits.connections_max as usize)),
            tls: trust::client_config(limits.ca.as_deref())?,
            resolver,
            limits,
        })
    }

    /// Connects to a target that the policy permits. `lookups` bounds those of the guest.
    pub(super) async fn connect(
        &self,
        target: &Target,
        policy: &Policy,
        lookups: &Arc<Semaphore>,
        deadline: Instant,
    ) -> Result<Connection, OutboundError> {
        let place = timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            return Err(OutboundError::TooMany);
        };
        let addresses = self.addresses(target, policy, lookups, deadline).await?;
        let stream = tcp(&addresses, deadline).await?;
        let stream: Box<dyn Stream> = match target.scheme {
            Scheme::Http => Box::new(stream),
            Scheme::Https => self.tls(stream, target, deadline).await?,
        };
        Ok(Connection { stream, place })
    }

    /// The target's addresses that may be connected to, never none.
    async fn addresses(
        &self,
        target: &Target,
        policy: &Policy,
        lookups: &Arc<Semaphore>,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, OutboundError> {
        let mut addresses = match &target.host {
            Host::Address(address) => vec![SocketAddr::new(*address, target.port)],
            Host::Name(name) => self.lookup(name, target.port, lookups, deadline).await?,
        };
        if addresses.is_empty() {
            return Err(OutboundError::Lookup("it has no address".to_owned()));
        }
        addresses.retain(|address| policy.permits_address(target, address.ip()));
        addresses.truncate(ADDRESSES_MAX);
        if addresses.is_empty() {
            let target = target.to_string();
            return Err(OutboundError::AddressDenied { target });
        }
        Ok(addresses)
    }

    /// A lookup that takes too long goes on in the background, and keeps its place until it ends.
    async fn lookup(
        &self,
        name: &str,
        port: u16,
        lookups: &Arc<Semaphore>,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, OutboundError> {
        let late = |_| OutboundError::ConnectTimeout;
        let place = timeout_at(deadline, Arc::clone(lookups).acquire_owned());
        let place = place.await.map_err(late)?;
        let addresses = self.resolver.resolve(name, port);
        let lookup = tokio::spawn(async move {
            let _place = place;
            addresses.await
        });
        match timeout_at(deadline, lookup).await.map_err(late)? {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(OutboundError::Lookup(error.to_string())),
            Err(error) => Err(OutboundError::Lookup(error.to_string())),
        }
    }

    async fn tls(
        &self,
        stream: TcpStream,
        target: &Target,
        deadline: Instant,
    ) -> Result<Box<dyn Stream>, OutboundError> {
        let name = match &target.host {
            Host::Name(name) => ServerName::try_from(name.clone()),
            Host::Address(address) => Ok(ServerName::from(*address)),
        };
        let invalid = OutboundError::InvalidTarget("its host is no name that TLS can check");
        let name = name.map_err(|_| invalid)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let handshake = timeout_at(deadline, connector.connect(name, stream)).await;
        match handshake.map_err(|_| OutboundError::ConnectTimeout)? {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(tls_error(&error)),
        }
    }
}

/// Tries one address after the other. Each gets an equal part of the time that is left, so that
/// one which does not answer leaves some for the rest.
async fn tcp(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, OutboundError> {
    let mut failure = OutboundError::ConnectTimeout;
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let now = Instant::now();
        let part = deadline.saturating_duration_since(now) / u32::try_from(left).unwrap_or(1);
        match timeout_at(now + part, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small writes are whole messages here; waiting for more would only delay them.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => failure = OutboundError::Connect(error.to_string()),
            Err(_) => failure = OutboundError::ConnectTimeout,
        }
    }
    Err(failure)
}

fn tls_error(error: &std::io::Error) -> OutboundError {
    let source = error.get_ref().and_then(|inner| inner.downcast_ref());
    match source {
        Some(TlsError::InvalidCertificate(why)) => OutboundError::Certificate(why.to_string()),
        Some(TlsError::NoCertificatesPresented) => {
            OutboundError::Certificate("there is none".to_owned())
        }
        Some(other) => OutboundError::Tls(other.to_string()),
        None => OutboundError::Tls(error.to_string()),
    }
}
