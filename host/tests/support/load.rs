//! Clients that are never idle, until the host shows them that it stops. Not one of their requests
//! may be lost on the way.

use std::io;
use std::net::{SocketAddr, TcpStream};

use super::client::Client;
use super::requests::{get, head};

/// Sends one request after the other on a connection until a response says that it is the last
/// one, and sees the connection end after that. Returns the number of responses.
///
/// # Errors
/// What a lost request looks like: a reset, an early end, silence.
pub(crate) fn ask_on(mut client: Client) -> io::Result<u64> {
    let mut answered = 0;
    loop {
        client.try_send(get("/hello"))?;
        answered += 1;
        if client.try_response("GET")?.expect(200).closes() {
            client.expect_end();
            return Ok(answered);
        }
    }
}

/// Sends one request after the other, each on a connection of its own, until nobody listens.
/// Returns the number of responses.
///
/// # Errors
/// What a lost request looks like, as above. That a connection is refused loses none.
pub(crate) fn come_and_go(address: SocketAddr) -> io::Result<u64> {
    let mut answered = 0;
    while let Ok(stream) = TcpStream::connect(address) {
        let mut client = Client::over(stream);
        client.try_send(head("GET", "/hello", "connection: close\r\n"))?;
        client.try_response("GET")?.expect(200);
        answered += 1;
    }
    Ok(answered)
}
