//! A server inside the test's own process, on a runtime and a port of its own.

use std::net::SocketAddr;
use std::sync::{Mutex, mpsc};
use std::thread;

use httpd_host::config::{Config, Listen};
use httpd_host::dispatch::Dispatch;
use httpd_host::server::{Ended, Server};
use httpd_host::workers::Threads;
use tokio::sync::oneshot;

use super::client::Client;
use super::configs::{complete, root};
use super::{PATIENCE, Response};

/// A server that runs. Dropped, it stops, and nobody waits for that.
#[derive(Debug)]
pub(crate) struct TestServer {
    /// Where it listens, in the configuration's order.
    pub(crate) addresses: Vec<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    /// In a mutex so that tests can share a server.
    ended: Mutex<mpsc::Receiver<Ended>>,
}

impl TestServer {
    /// Starts a server with these sections of a configuration.
    #[track_caller]
    pub(crate) fn start(sections: &str) -> TestServer {
        let config = Config::parse(&complete(sections), &root().join("test.toml"));
        TestServer::run(config.unwrap_or_else(|error| panic!("{error}")))
    }

    /// Starts a server with a configuration that was made otherwise.
    pub(crate) fn run(config: Config) -> TestServer {
        let dispatch = Dispatch::load(&config).expect("a guest does not load");
        let (stop, stopped) = oneshot::channel();
        let (bound, addresses) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        thread::spawn(move || {
            let threads = Threads::start(2, false, || (), || ()).expect("no threads");
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            let how = runtime.block_on(async move {
                let server = Server::bind(&config, dispatch).expect("cannot listen");
                bound.send(server.places()).unwrap();
                let stopped = async move { drop(stopped.await) };
                server.run(threads.workers(), stopped).await
            });
            // A test that does not ask has gone by now.
            let _ = end.send(how);
        });
        let places = addresses.recv_timeout(PATIENCE).expect("did not start");
        let address = |place| match place {
            Listen::Tcp(address) => Some(address),
            Listen::Unix(_) => None,
        };
        TestServer {
            addresses: places.into_iter().filter_map(address).collect(),
            stop: Some(stop),
            ended: Mutex::new(ended),
        }
    }

    /// Its first address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// A new connection to it.
    #[track_caller]
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// A request on a connection of its own.
    #[track_caller]
    pub(crate) fn request(&self, bytes: impl AsRef<[u8]>) -> Response {
        self.connect().request(bytes)
    }

    /// Begins the shutdown and goes on.
    pub(crate) fn begin_stop(&mut self) {
        // A server that has ended already tells so in `stop`.
        drop(self.stop.take());
    }

    /// Shuts down and says how that ended.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Ended {
        self.begin_stop();
        let ended = self.ended.lock().unwrap();
        ended.recv_timeout(PATIENCE).expect("it did not stop")
    }
}
