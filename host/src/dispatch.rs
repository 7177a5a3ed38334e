//! From a request to its response: route, guest, and the only table from failure to status.
//!
//! No sockets and no protocol here: requests come as text and bytes, and leave as an [`Answer`].

mod date;
mod id;
mod refusal;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::guest;
use crate::registry::{Registry, RegistryError, Target};
use crate::router::{Found, RouteConflict, Router};

pub use crate::guest::{FieldRef, Usage};
pub use date::http_date;
pub use id::{RequestId, RequestIds};
pub use refusal::Refusal;

/// A whole response, checked and ready to be encoded.
pub type Answer = guest::Response;

/// Routes and the guests behind them.
#[derive(Debug)]
pub struct Dispatch {
    router: Router,
    registry: Registry,
}

/// What is to be done with a request, known from its head alone.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Receive its body, then [`Dispatch::call`].
    Call(Plan<'a>),
    /// The host answers by itself.
    Answer(Answer),
    /// It is refused.
    Refuse(Refusal),
}

/// Which guest gets a request, and within which bounds.
#[derive(Debug)]
pub struct Plan<'a> {
    target: &'a Target,
    path: Cow<'a, str>,
    captures: Vec<(&'a str, String)>,
}

impl Plan<'_> {
    /// The name of the guest, as in the configuration.
    pub fn guest_name(&self) -> &str {
        self.target.guest.name()
    }

    /// How many bytes the request's body may have.
    pub fn body_max(&self) -> u64 {
        self.target.body_max
    }

    /// From the request's first byte to the last byte of the guest's answer.
    pub fn deadline(&self) -> Duration {
        self.target.deadline
    }
}

/// What a guest is told of a request, besides what the route says.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The request's id.
    pub id: &'a str,
    /// The peer's address and port.
    pub client: &'a str,
    /// The method as sent.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and optional port the client asked for.
    pub authority: Option<&'a str>,
    /// The query, not decoded.
    pub query: Option<&'a str>,
    /// The field lines in order, names in lower case.
    pub fields: &'a [FieldRef<'a>],
    /// The whole body.
    pub body: &'a [u8],
}

impl Dispatch {
    /// Makes the routes of a configuration and the guests behind them ready. Blocks for as long as
    /// the guests take to compile.
    ///
    /// # Errors
    ///
    /// Every guest that cannot be made ready.
    pub fn load(config: &Config) -> Result<Self, Vec<RegistryError>> {
        let pattern = |index: usize| config.routes[index].path.to_string();
        let router = Router::new(&config.routes).map_err(|conflicts| {
            let overlap = |conflict: &RouteConflict| RegistryError::Overlap {
                first: pattern(conflict.first),
                second: pattern(conflict.second),
            };
            conflicts.iter().map(overlap).collect::<Vec<_>>()
        })?;
        Ok(Self::new(router, Registry::load(config)?))
    }

    /// Routes of `router` with the guests that `registry` holds for them, in the same order.
    pub fn new(router: Router, registry: Registry) -> Self {
        Self { router, registry }
    }

    /// Decides from a head: method, authority (RFC 9110 section 7.2) and path of the target.
    pub fn decide<'a>(
        &'a self,
        method: &str,
        authority: Option<&str>,
        path: &'a str,
    ) -> Decision<'a> {
        match (method, path) {
            // The method of proxies; this host is none (RFC 9110 section 9.3.6).
            ("CONNECT", _) => {
                return Decision::Refuse(Refusal::MethodNotAllowed {
                    allow: String::new(),
                });
            }
            ("OPTIONS", "*") => return Decision::Answer(server_options()),
            _ => {}
        }
        match self.router.find(method, authority, path) {
            Found::Route {
                index,
                path,
                captures,
            } => match self.registry.target(index) {
                Some(target) => Decision::Call(Plan {
                    target,
                    path,
                    captures,
                }),
                None => Decision::Refuse(Refusal::NoRoute),
            },
            Found::NotFound => Decision::Refuse(Refusal::NoRoute),
            Found::MethodNotAllowed { allow } => {
                Decision::Refuse(Refusal::MethodNotAllowed { allow })
            }
            Found::BadPath(bad) => Decision::Refuse(Refusal::malformed(400, &bad)),
        }
    }

    /// Calls the guest of `plan`. Dropping the future stops the guest.
    ///
    /// # Errors
    ///
    /// What the client is to be told instead of an answer.
    pub async fn call(
        &self,
        plan: &Plan<'_>,
        incoming: Incoming<'_>,
        deadline: Instant,
    ) -> (Result<Answer, Refusal>, Usage) {
        let captures: Vec<_> = plan
            .captures
            .iter()
            .map(|(name, value)| guest::Capture { name, value })
            .collect();
        let request = guest::Request {
            id: incoming.id,
            client: incoming.client,
            method: incoming.method,
            scheme: incoming.scheme,
            authority: incoming.authority,
            path: &plan.path,
            query: incoming.query,
            fields: incoming.fields,
            captures: &captures,
            body: incoming.body,
        };
        let (result, usage) = plan.target.guest.call(request, deadline).await;
        (result.map_err(Refusal::Guest), usage)
    }
}

/// `OPTIONS *` asks about the server, not about a resource (RFC 9110 section 9.3.7).
fn server_options() -> Answer {
    Answer {
        status: 204,
        fields: Vec::new(),
        body: Vec::new(),
        content_length: None,
    }
}
