//! The least that a server on Tokio can do: it finds where heads end and answers each with the same
//! bytes. Nothing is parsed, so this is what the sockets and the runtime alone cost.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::GREETING;

const END: &[u8] = b"\r\n\r\n";

/// Answers a connection until its client closes it.
pub(crate) async fn serve(mut stream: TcpStream) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
         date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n{GREETING}",
        GREETING.len()
    );
    let (mut input, mut matched) = (vec![0; 8 * 1024], 0);
    loop {
        let read = match stream.read(&mut input).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let heads = ends(&input[..read], &mut matched);
        let answered = match heads {
            0 => Ok(()),
            1 => stream.write_all(answer.as_bytes()).await,
            more => stream.write_all(answer.repeat(more).as_bytes()).await,
        };
        if answered.is_err() {
            return;
        }
    }
}

/// How many heads end in `bytes`. `matched` is how much of an end came before them.
fn ends(bytes: &[u8], matched: &mut usize) -> usize {
    let mut count = 0;
    for byte in bytes {
        *matched = match () {
            () if *byte == END[*matched] => *matched + 1,
            () if *byte == END[0] => 1,
            () => 0,
        };
        if *matched == END.len() {
            count += 1;
            *matched = 0;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_wherever_the_bytes_are_cut() {
        let bytes = b"GET / HTTP/1.1\r\na: b\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        for cut in 0..bytes.len() {
            let mut matched = 0;
            let (first, second) = bytes.split_at(cut);
            assert_eq!(ends(first, &mut matched) + ends(second, &mut matched), 2);
        }
    }
}
