//! Servers that say exactly what a test wants, names that resolve to what it wants, and a client.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::response::Parts;
use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::{Addresses, Client, Connector, Resolve};
pub(super) use crate::config::Outbound as Limits;
use crate::config::{AllowedHost, Config};
use crate::guest::{Outbound as _, OutboundBody, OutboundError, OutboundTimeouts, Sent};

/// Bounds of a patient host, so that a slow machine fails no test.
pub(super) fn limits() -> Limits {
    Limits {
        connect_timeout: Duration::from_secs(20),
        ..Limits::default()
    }
}

pub(super) fn granted(entries: &[&str]) -> Vec<AllowedHost> {
    let text = format!("[guests.a]\ncomponent = 'a'\nallow_hosts = {entries:?}");
    let config = Config::parse(&text, Path::new("config.toml")).unwrap();
    config.guests["a"].capabilities.allow_hosts.clone()
}

pub(super) fn client(entries: &[&str]) -> Client {
    client_with(entries, limits(), Names::default())
}

pub(super) fn client_with(entries: &[&str], limits: Limits, names: Names) -> Client {
    let connector = Connector::with_resolver(limits, Box::new(names)).unwrap();
    Client::new(&Arc::new(connector), &granted(entries))
}

pub(super) fn text(text: &str) -> OutboundBody {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes()));
    body.map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn get(uri: &str) -> Request<OutboundBody> {
    Request::get(uri).body(text("")).unwrap()
}

pub(super) async fn send(
    client: &Client,
    request: Request<OutboundBody>,
) -> Result<Sent, OutboundError> {
    client.send(request, OutboundTimeouts::default()).await
}

/// Sends a request and reads the whole response.
pub(super) async fn exchange(
    client: &Client,
    request: Request<OutboundBody>,
) -> Result<(Parts, String), OutboundError> {
    let sent = send(client, request).await?;
    let connection = tokio::spawn(sent.connection);
    let (parts, body) = sent.response.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.await.unwrap()?;
    Ok((parts, String::from_utf8(body.to_vec()).unwrap()))
}

/// Names that resolve to what a test says; all others do not.
#[derive(Clone, Default)]
pub(super) struct Names {
    names: Vec<(String, Vec<IpAddr>)>,
    pub(super) asked: Arc<AtomicUsize>,
}

impl Names {
    pub(super) fn of(names: &[(&str, &[&str])]) -> Names {
        let parse = |address: &&str| address.parse().unwrap();
        let names = names
            .iter()
            .map(|(name, addresses)| ((*name).to_owned(), addresses.iter().map(parse).collect()));
        Names {
            names: names.collect(),
            asked: Arc::default(),
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: &str, port: u16) -> Addresses {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let found = self.names.iter().find(|(known, _)| known == name);
        let addresses = found.map(|(_, addresses)| addresses.clone());
        Box::pin(async move {
            let addresses = addresses.ok_or(io::Error::other("no such name"))?;
            let with_port = |address| SocketAddr::new(address, port);
            Ok(addresses.into_iter().map(with_port).collect())
        })
    }
}

/// A server that treats each connection the same.
pub(super) struct Server<T> {
    pub(super) address: SocketAddr,
    results: AsyncMutex<UnboundedReceiver<T>>,
    pub(super) accepted: Arc<AtomicUsize>,
}

impl<T: Send + 'static> Server<T> {
    pub(super) async fn start<F>(serve: impl Fn(Peer) -> F + Send + 'static) -> Server<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, results) = unbounded_channel();
        let accepted = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (served, sender) = (serve(Peer { stream }), sender.clone());
                tokio::spawn(async move { sender.send(served.await) });
            }
        });
        Server {
            address,
            results: AsyncMutex::new(results),
            accepted,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The entry that grants it.
    pub(super) fn grant(&self) -> String {
        self.url("")
    }

    /// What the next connection came to.
    pub(super) async fn result(&self) -> T {
        self.results.lock().await.recv().await.unwrap()
    }
}

/// A server's end of a connection.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
}

impl Peer {
    /// Reads up to the end of a head.
    pub(super) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    pub(super) async fn say(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes()).await;
    }
}

type Served = std::pin::Pin<Box<dyn Future<Output = String> + Send>>;

/// Answers the head of a request with a text, and gives the head.
pub(super) fn answering(text: &str) -> impl Fn(Peer) -> Served + Send + use<> {
    let text = text.to_owned();
    move |mut peer| {
        let text = text.clone();
        Box::pin(async move {
            let head = peer.head().await;
            peer.say(&text).await;
            head
        })
    }
}

/// Holds on to connections for as long as the test runs.
pub(super) type Held = Arc<Mutex<Vec<Peer>>>;

/// Answers with a text, and leaves the connection open.
pub(super) fn holding(text: &str, held: &Held) -> impl Fn(Peer) -> Served + Send + use<> {
    let (text, held) = (text.to_owned(), Arc::clone(held));
    move |mut peer| {
        let (text, held) = (text.clone(), Arc::clone(&held));
        Box::pin(async move {
            let head = peer.head().await;
            peer.say(&text).await;
            held.lock().unwrap().push(peer);
            head
        })
    }
}
