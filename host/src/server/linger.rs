//! The lingering close (RFC 9112 section 9.6), the one way in which the host ends a connection.
//!
//! Closing a socket that holds unread bytes, or that gets more of them later, makes the kernel
//! send RST, and an RST makes the client's kernel throw away what it has received of the response
//! and not yet handed over. So the host sends its FIN, goes on reading until the client's FIN
//! says that everything was read, and closes only then, or when a bound is hit: on all of it, on
//! one wait, on the bytes.

use tokio::time::Instant;

use super::settings::Settings;
use super::transport::{Read, Transport, Wait};

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LingerEnd {
    /// The client closed its side too: nothing was lost.
    Orderly,
    /// The client had already gone.
    Broken,
    /// A bound was hit and the host closed first.
    Bound(&'static str),
}

/// Ends the connection after everything was written to it. Memory: one scratch buffer.
pub(super) async fn close(mut transport: Transport, settings: &Settings) -> LingerEnd {
    if transport.shut_down_sending().is_err() {
        return LingerEnd::Broken;
    }
    if transport.has_ended() {
        return LingerEnd::Orderly;
    }
    let mut scratch = Vec::new();
    let mut bytes_left = settings.linger_bytes_max;
    let end_of_all = Instant::now() + settings.linger;
    loop {
        scratch.clear();
        let deadline = end_of_all.min(Instant::now() + settings.linger_idle);
        match transport.read(&mut scratch, deadline, Wait::Busy).await {
            Read::End => return LingerEnd::Orderly,
            Read::Broken => return LingerEnd::Broken,
            Read::Late | Read::Dismissed => break,
            Read::Bytes(bytes) => {
                let Some(left) = bytes_left.checked_sub(bytes as u64) else {
                    return LingerEnd::Bound("limits.linger_max");
                };
                bytes_left = left;
                if Instant::now() >= end_of_all {
                    break;
                }
            }
        }
    }
    // What came between the last read and now would still turn the close into a reset.
    scratch.resize(super::transport::READ_BYTES, 0);
    transport.discard_present(&mut scratch, bytes_left);
    LingerEnd::Bound(if Instant::now() >= end_of_all {
        "timeouts.linger"
    } else {
        "timeouts.linger_idle"
    })
}
