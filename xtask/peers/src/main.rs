//! Native servers that the bench compares the host with: `bench-peers bare`, `bench-peers hyper`.
//! Each listens on a free port of the loopback, says which, and serves until it is killed.

mod bare;
mod native;

use std::io;

use tokio::net::{TcpListener, TcpStream};

/// What `/hello` is answered with, in all servers that are compared.
const GREETING: &str = "Hello world!";

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    match std::env::args().nth(1).as_deref() {
        Some("bare") => serve(listener, bare::serve).await,
        Some("hyper") => serve(listener, native::serve).await,
        _ => Err(io::Error::other("usage: bench-peers bare|hyper")),
    }
}

/// Gives each connection a task of its own.
async fn serve<F>(listener: TcpListener, connection: fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream));
    }
}
