//! One guest's requests: whether they may be sent, and how long they may take.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::connector::Connector;
use super::exchange::{self, Times};
use super::fields;
use super::policy::Policy;
use super::target::Target;
use crate::config::AllowedHost;
use crate::guest::{Outbound, OutboundBody, OutboundError, OutboundTimeouts, Sending, Sent};

/// What one guest may do with a [`Connector`].
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    connector: Arc<Connector>,
    policy: Policy,
    lookups: Arc<Semaphore>,
}

impl Client {
    /// The client of a guest that was granted these hosts.
    pub fn new(connector: &Arc<Connector>, allowed: &[AllowedHost]) -> Client {
        let lookups_max = connector.limits.lookups_max as usize;
        Client(Arc::new(Shared {
            connector: Arc::clone(connector),
            policy: Policy::new(allowed.to_vec()),
            lookups: Arc::new(Semaphore::new(lookups_max)),
        }))
    }
}

impl Outbound for Client {
    fn send(&self, request: Request<OutboundBody>, timeouts: OutboundTimeouts) -> Sending {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.send(request, timeouts).await })
    }
}

impl Shared {
    async fn send(
        &self,
        mut request: Request<OutboundBody>,
        timeouts: OutboundTimeouts,
    ) -> Result<Sent, OutboundError> {
        let target = Target::of(request.uri())?;
        if !self.policy.permits(&target) {
            let target = target.to_string();
            return Err(OutboundError::Denied { target });
        }
        fields::prepare(request.headers_mut(), &target)?;
        let limits = &self.connector.limits;
        let connect = shorter(timeouts.connect, limits.connect_timeout);
        let times = Times {
            first_byte: shorter(timeouts.first_byte, limits.first_byte_timeout),
            between_bytes: shorter(timeouts.between_bytes, limits.between_bytes_timeout),
        };
        let (lookups, deadline) = (&self.lookups, Instant::now() + connect);
        let connecting = self
            .connector
            .connect(&target, &self.policy, lookups, deadline);
        let connection = connecting.await?;
        exchange::send(connection, request, limits, times).await
    }
}

/// A guest may be less patient than the host, and not more.
fn shorter(wanted: Option<Duration>, allowed: Duration) -> Duration {
    wanted.map_or(allowed, |wanted| wanted.min(allowed))
}
