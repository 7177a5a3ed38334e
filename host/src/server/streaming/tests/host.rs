//! A host with one connection, whose requests go to a guest of the test's choice; and its client.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use httpd_http1::{BodyLength, Event};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::PATIENCE;
use crate::config::Config;
use crate::dispatch::{self, Dispatch, Refusal, Streamed, Upload};
use crate::server::access::Line;
use crate::server::driver::{Driver, Next};
use crate::server::idle::Idle;
use crate::server::linger::{self, LingerEnd};
use crate::server::listener::Listeners;
use crate::server::stream::Stream;
use crate::server::streaming::Bounds;
use crate::server::transport::{Read, Wait};
use crate::server::{Handle, Server};

/// What starts a guest for a request.
pub(super) type Open = Box<dyn FnMut(Upload) -> Opening + Send>;
pub(super) type Opening = Pin<Box<dyn Future<Output = Result<Streamed, Refusal>> + Send>>;

/// What is different from the defaults.
pub(super) struct Setup {
    /// Lines of a configuration.
    pub(super) toml: &'static str,
    pub(super) body_max: u64,
    pub(super) deadline: Duration,
    /// Bytes that the sockets hold for each other, so that nothing hides in them.
    pub(super) socket_bytes: Option<usize>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            toml: "",
            body_max: 1 << 40,
            deadline: PATIENCE,
            socket_bytes: None,
        }
    }
}

/// How a connection ended, and after how many requests.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Dropped(usize),
    Closed(usize, LingerEnd),
}

pub(super) struct Client {
    pub(super) socket: TcpStream,
    pub(super) host: JoinHandle<End>,
    pub(super) handle: Handle,
}

/// Starts a host and connects to it. `open` is asked for each request.
pub(super) async fn connect(
    setup: Setup,
    open: impl FnMut(Upload) -> Streamed + Send + 'static,
) -> Client {
    let mut open = open;
    connect_with(
        setup,
        Box::new(move |upload| {
            let opened = open(upload);
            Box::pin(async { Ok(opened) })
        }),
    )
    .await
}

pub(super) async fn connect_with(setup: Setup, open: Open) -> Client {
    let mut config = Config::welcome();
    if !setup.toml.is_empty() {
        let text = format!("{}\n[guests.a]\ncomponent = 'a.wasm'", setup.toml);
        config = Config::parse(&text, "config.toml".as_ref()).unwrap();
    }
    config.guests.clear();
    config.routes.clear();
    config.sandbox.instances_max = 1;
    let dispatch = Dispatch::load(&config).unwrap();
    let server = Server::over(Listeners(Vec::new()), &config, dispatch);
    let handle = server.handle();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = socket(setup.socket_bytes).connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    let (stream, _) = accepted.unwrap();
    if let Some(bytes) = setup.socket_bytes {
        SockRef::from(&stream).set_send_buffer_size(bytes).unwrap();
        SockRef::from(&stream).set_recv_buffer_size(bytes).unwrap();
    }
    stream.set_nodelay(true).unwrap();
    let slot = server.shared.connections.enter(None);
    let shared = Arc::clone(&server.shared);
    let driver = Driver::new(Box::new(Idle::new(
        Stream::Tcp(stream),
        "peer".into(),
        slot,
        shared,
    )));
    Client {
        socket: client.unwrap(),
        host: tokio::spawn(serve(driver, open, setup)),
        handle,
    }
}

fn socket(bytes: Option<usize>) -> tokio::net::TcpSocket {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    if let Some(bytes) = bytes {
        let bytes = u32::try_from(bytes).unwrap();
        socket.set_recv_buffer_size(bytes).unwrap();
        socket.set_send_buffer_size(bytes).unwrap();
    }
    socket
}

/// The life of a connection as the driver has it, but for the routes.
async fn serve(mut driver: Driver, mut open: Open, setup: Setup) -> End {
    let mut requests = 0;
    loop {
        let head = loop {
            match driver.http.next_event().unwrap() {
                Event::Head(head) => break head,
                Event::NeedData => {}
                _ => return End::Dropped(requests),
            }
            let until = Instant::now() + PATIENCE;
            let input = driver.http.input();
            match driver.idle.transport.read(input, until, Wait::Busy).await {
                Read::Bytes(_) => {}
                Read::End => driver.http.receive_eof(),
                other => panic!("{other:?}"),
            }
        };
        requests += 1;
        let first_byte = Instant::now();
        let mut line = Line::new(driver.idle.shared.ids.next(), first_byte);
        line.set_head(&head, &mut driver.asked);
        let bounds = Bounds {
            received: first_byte,
            length: head.body_length(),
            body_max: setup.body_max,
            deadline: first_byte + setup.deadline,
        };
        let (sender, upload) = dispatch::upload(match bounds.length {
            BodyLength::None => Some(0),
            BodyLength::Known(bytes) => Some(bytes),
            BodyLength::Chunked => None,
        });
        let mut opening = open(upload);
        let ended = driver.pump(opening.as_mut(), sender, &bounds).await;
        drop(opening);
        match driver.conclude(ended, &mut line).await {
            Next::Keep => {}
            Next::Drop => return End::Dropped(requests),
            Next::Close => break,
        }
    }
    let Idle {
        transport,
        settings,
        ..
    } = *driver.idle;
    End::Closed(requests, linger::close(transport, &settings).await)
}

impl Client {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.socket.write_all(bytes.as_ref());
        timeout(PATIENCE, sent).await.expect("it reads").unwrap();
    }

    /// Reads until what has come ends with `end`.
    pub(super) async fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = timeout(PATIENCE, self.socket.read_u8()).await;
            let Ok(Ok(byte)) = byte else {
                panic!("{byte:?} after {:?}", String::from_utf8_lossy(&read));
            };
            read.push(byte);
        }
        String::from_utf8(read).unwrap()
    }

    /// Reads a head.
    pub(super) async fn read_head(&mut self) -> String {
        self.read_until("\r\n\r\n").await
    }

    /// Reads to the end, which must be an orderly one.
    pub(super) async fn read_to_end(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        let end = self.socket.read_to_end(&mut read);
        timeout(PATIENCE, end)
            .await
            .expect("it ends")
            .expect("no reset");
        read
    }

    pub(super) async fn read_text_to_end(&mut self) -> String {
        String::from_utf8(self.read_to_end().await).unwrap()
    }

    /// Whether nothing comes for a while.
    pub(super) async fn hears_nothing(&mut self) -> bool {
        timeout(super::A_WHILE, self.socket.read_u8())
            .await
            .is_err()
    }

    /// Closes with a reset.
    pub(super) fn reset(self) -> JoinHandle<End> {
        SockRef::from(&self.socket)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        self.host
    }

    /// Closes, and returns how the host ended the connection.
    pub(super) async fn close(self) -> End {
        drop(self.socket);
        timeout(PATIENCE, self.host)
            .await
            .expect("it ends")
            .unwrap()
    }
}
