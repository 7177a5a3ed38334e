//! Names to addresses. A seam, so that tests can have a name resolve to whatever they like.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// The addresses of a name, when they are known.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of names.
pub trait Resolve: Send + Sync {
    /// The addresses of a name, with a port, best first.
    fn resolve(&self, name: &str, port: u16) -> Addresses;
}

/// The system's resolver. It occupies a thread for each name until it has an answer, even if nobody
/// waits for it any more: bound how many are asked for.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str, port: u16) -> Addresses {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
    }
}
