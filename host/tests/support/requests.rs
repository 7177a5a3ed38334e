//! Requests as the bytes of the wire.

/// A GET.
pub(crate) fn get(target: &str) -> String {
    head("GET", target, "")
}

/// A request line, a host and these further field lines, each ended by CR LF.
pub(crate) fn head(method: &str, target: &str, fields: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: test.example\r\n{fields}\r\n")
}

/// A POST whose body's length is told.
pub(crate) fn post(target: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = format!("content-length: {}\r\n", body.len());
    [head("POST", target, &length).as_bytes(), body].concat()
}

/// A POST with a chunk for each of these pieces, then the trailer lines, each ended by CR LF.
pub(crate) fn chunked(target: &str, pieces: &[&[u8]], trailers: &str) -> Vec<u8> {
    let mut bytes = head("POST", target, "transfer-encoding: chunked\r\n").into_bytes();
    for piece in pieces {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
    bytes
}

/// So many bytes that mean nothing.
pub(crate) fn zeros(count: usize) -> Vec<u8> {
    vec![b'0'; count]
}
