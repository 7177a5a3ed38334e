//! The server that this project must not be: it answers at once, in full and correctly, and closes
//! without having read the request.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

const ANSWER: &[u8] = b"HTTP/1.1 404 Not Found\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    connection: close\r\ncontent-length: 8\r\n\r\nnothing\n";

/// Starts it, for as long as this process lives.
pub(super) fn start() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("cannot listen");
    let address = listener
        .local_addr()
        .expect("a bound listener has an address");
    thread::spawn(move || listener.incoming().flatten().for_each(answer));
    address
}

/// A client that is gone by now got what it asked for.
fn answer(mut client: TcpStream) {
    // A look at the first byte leaves it where it is: unread.
    let _ = client.peek(&mut [0]);
    let _ = client.write_all(ANSWER);
}
