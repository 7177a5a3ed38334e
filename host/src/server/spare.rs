//! What a connection needs while it serves requests: the protocol's state and buffers. Each thread
//! keeps a few for whichever connection comes next, so that waiting ones need none and busy ones do
//! not allocate them for every request.

use std::cell::RefCell;

use httpd_http1::{Connection, Limits};

use super::access::Asked;

/// How many a thread keeps. Most requests are served without a wait, so that a thread seldom has
/// more than one in use.
const SPARE_MAX: usize = 16;
/// A buffer that has grown past this is given back.
const BYTES_KEPT: usize = 32 * 1024;

thread_local! {
    static SPARE: RefCell<Vec<Lent>> = const { RefCell::new(Vec::new()) };
}

/// State and buffers of a connection at work.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) http: Box<Connection>,
    /// Wire bytes that are not written yet.
    pub(super) out: Vec<u8>,
    /// For the access log.
    pub(super) asked: Asked,
}

/// Those of a connection of which nothing was received.
pub(super) fn lend(limits: Limits) -> Lent {
    if let Some(mut lent) = SPARE.with_borrow_mut(Vec::pop) {
        lent.http.reset(limits);
        return lent;
    }
    Lent {
        http: Box::new(Connection::new(limits)),
        out: Vec::new(),
        asked: Asked::default(),
    }
}

/// Takes them back.
pub(super) fn give_back(mut lent: Lent) {
    if lent.http.memory_bytes() > BYTES_KEPT || lent.out.capacity() > BYTES_KEPT {
        return;
    }
    lent.out.clear();
    lent.asked.clear();
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < SPARE_MAX {
            spare.push(lent);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpd_http1::Event;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    #[test]
    fn what_was_received_and_not_sent_is_no_other_connections() {
        let mut lent = lend(Limits::default());
        lent.http.receive(REQUEST);
        lent.http.receive(b"POST /half-way");
        lent.http.receive_eof();
        assert!(matches!(lent.http.next_event(), Ok(Event::Head(_))));
        lent.http.close_after_response();
        lent.out.extend_from_slice(b"an answer");
        give_back(lent);
        let mut next = lend(Limits::default());
        assert!(next.out.is_empty() && next.out.capacity() > 0);
        assert!(next.http.is_untouched());
        assert_eq!(next.http.next_event(), Ok(Event::NeedData));
        next.http.receive(REQUEST);
        assert!(matches!(next.http.next_event(), Ok(Event::Head(_))));
    }

    #[test]
    fn what_has_grown_is_not_kept() {
        let mut lent = lend(Limits::default());
        lent.http.input().reserve(BYTES_KEPT + 1);
        give_back(lent);
        assert!(lend(Limits::default()).http.memory_bytes() <= BYTES_KEPT);
    }

    #[test]
    fn few_are_kept() {
        let lent: Vec<_> = (0..2 * SPARE_MAX)
            .map(|_| lend(Limits::default()))
            .collect();
        lent.into_iter().for_each(give_back);
        assert_eq!(SPARE.with_borrow(Vec::len), SPARE_MAX);
    }
}
