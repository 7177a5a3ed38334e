//! Every bound of the protocol that a caller may choose, in one place.
//!
//! Bounds that no sensible deployment changes are constants beside the code that enforces them.

/// What a [`Connection`](crate::Connection) accepts before it refuses a request. Sizes are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest head: request line, fields and the empty line that ends them. Past it the
    /// request is refused with 431. The trailer section of a chunked body has the same bound.
    /// Values past 1 GiB count as 1 GiB.
    pub head_bytes_max: usize,
    /// The longest request-target; past it the request is refused with 414, also when its line
    /// has not ended yet.
    pub target_bytes_max: usize,
    /// The most field lines in a head, and again in a trailer section; past it 431.
    pub fields_max: usize,
    /// The most bytes of chunk extensions in one body, all chunks together; past it 400. Without
    /// this bound a client could make one byte of content cost any number of bytes read.
    pub chunk_extension_bytes_max: usize,
    /// A request body of which at most this much is unread when the response begins is read to
    /// its end so that the connection can be kept; a longer one costs the connection.
    pub drain_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes_max: 64 * 1024,
            target_bytes_max: 8 * 1024,
            fields_max: 100,
            chunk_extension_bytes_max: 16 * 1024,
            drain_bytes_max: 64 * 1024,
        }
    }
}
