//! Writes 64 MiB to stdout, a line of a mebibyte first and then very many short ones, and answers
//! as if nothing had happened.

use httpd_guest::wasi::wasi::cli::stdout;
use httpd_guest::wasi::wit_stream;
use httpd_guest::{Body, Request, Response, handler, spawn};

const BYTES: usize = 64 << 20;
const PIECE_BYTES: usize = 1 << 20;

#[handler]
async fn handle(_: Request<Body>) -> Response {
    let (mut out, stream) = wit_stream::new();
    let ended = stdout::write_via_stream(stream);
    spawn(async move {
        for number in 0..BYTES / PIECE_BYTES {
            if !out.write_all(piece(number)).await.is_empty() {
                break;
            }
        }
    });
    // Whatever became of it.
    let _ = ended.await;
    Response::text("done\n")
}

/// A mebibyte: in one line, or in lines of seven letters with a carriage return among them.
fn piece(number: usize) -> Vec<u8> {
    let line: &[u8] = if number == 0 {
        b"longlong"
    } else {
        b"a\rline.\n"
    };
    line.repeat(PIECE_BYTES / line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_long_and_many_are_short() {
        assert_eq!(piece(0).len(), PIECE_BYTES);
        assert!(!piece(0).contains(&b'\n'));
        assert_eq!(
            piece(1).iter().filter(|byte| **byte == b'\n').count(),
            131_072
        );
    }
}
