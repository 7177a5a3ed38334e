//! The lab's servers: each answers every connection with the same bytes and then ends it in
//! its own way. They are the mistakes the lab shows, so nothing may be learned from them
//! about how to write a server, and nothing else may use them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anyhow::Result;
use socket2::SockRef;

/// What a server does before it answers and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Never reads the request.
    ReadsNothing,
    /// Reads the first ten bytes of it.
    ReadsTen,
    /// Reads all of it.
    ReadsAll,
    /// Reads all of it, and aborts instead of closing (`SO_LINGER` with a timeout of zero).
    Aborts,
}

/// A 404 that says `Connection: close`, with `body_bytes` of body.
pub(crate) fn answer(body_bytes: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: {body_bytes}\r\n\
         Connection: close\r\n\r\n"
    );
    let mut answer = head.into_bytes();
    answer.resize(answer.len() + body_bytes, b'a');
    answer
}

/// Starts a server on a port of its own; it serves until the program ends.
///
/// # Errors
/// No port can be bound.
pub(crate) fn start(behaviour: Behaviour, answer: Vec<u8>) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that is gone is one of the lab's results, seen from its own side.
            let _ = serve(stream, behaviour, &answer);
        }
    });
    Ok(address)
}

/// Reads a request to its last byte: head, then the Content-Length it names.
///
/// # Errors
/// The client is gone or sends nothing for ten seconds.
pub(crate) fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut request = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while !is_whole(&request) {
        match stream.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(())
}

/// Answers and lets go: returning drops the stream, which is the `close` the lab is about.
fn serve(mut stream: TcpStream, behaviour: Behaviour, answer: &[u8]) -> std::io::Result<()> {
    match behaviour {
        Behaviour::ReadsNothing => {}
        Behaviour::ReadsTen => stream.read_exact(&mut [0; 10])?,
        Behaviour::ReadsAll | Behaviour::Aborts => read_request(&mut stream)?,
    }
    if behaviour == Behaviour::Aborts {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    stream.write_all(answer)
}

fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let field = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let body = field
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0);
    request.len() >= end + 4 + body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_the_last_byte_of_its_body() {
        assert!(!is_whole(b"GET / HTTP/1.1\r\n\r"));
        assert!(is_whole(b"GET / HTTP/1.1\r\n\r\n"));
        assert!(!is_whole(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n1"));
        assert!(is_whole(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n12"));
    }

    #[test]
    fn the_answer_has_the_body_it_promises() {
        let answer = String::from_utf8(answer(3)).unwrap();
        assert!(answer.contains("Content-Length: 3\r\n") && answer.ends_with("\r\n\r\naaa"));
    }
}
