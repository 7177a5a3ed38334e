//! How long a response is needed, and who is woken when it no longer is.

use super::*;
use http_body_util::{BodyExt, Full};
use std::sync::atomic::AtomicUsize;
use std::task::{Wake, Waker};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A response whose head was taken, what says whether it was taken whole, and what that wakes.
fn begun() -> (Download, Needed, Breaking, Arc<Wakes>) {
    let limits = AnswerLimits {
        body_max: 100,
        head_max: 100,
        fields_max: 1,
    };
    let (reply, mut download) = download(limits, false);
    let breaking = reply.breaking();
    let (reply, needed) = reply.split();
    let body = Full::new(Bytes::from_static(b"a")).map_err(|never| match never {});
    reply.send(http::Response::new(body.boxed_unsync()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(download.poll_head(&mut context).is_ready());
    (download, needed, breaking, Arc::default())
}

fn poll(needed: &mut Needed, wakes: &Arc<Wakes>) -> Poll<bool> {
    let waker = Waker::from(Arc::clone(wakes));
    Pin::new(needed).poll(&mut Context::from_waker(&waker))
}

fn take_all(download: &mut Download) {
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Piece::Data(_)) = download.poll_piece(&mut context) {}
}

#[test]
fn a_response_is_needed_until_it_was_taken_or_nobody_wants_it() {
    for is_taken in [true, false] {
        let (mut download, mut needed, _breaking, wakes) = begun();
        assert!(poll(&mut needed, &wakes).is_pending());
        if is_taken {
            take_all(&mut download);
        }
        drop(download);
        assert_eq!(wakes.0.load(SeqCst), 1);
        assert_eq!(poll(&mut needed, &wakes), Poll::Ready(is_taken));
    }
}

#[test]
fn a_response_of_a_call_that_failed_is_not_taken() {
    let (mut download, mut needed, breaking, wakes) = begun();
    drop(breaking);
    take_all(&mut download);
    assert_eq!(poll(&mut needed, &wakes), Poll::Ready(false));
}

#[test]
fn nobody_is_woken_who_looks_anyway() {
    for looks in [true, false] {
        let (mut download, mut needed, _breaking, wakes) = begun();
        assert!(poll(&mut needed, &wakes).is_pending());
        let mut woken = Woken::default();
        woken.hold(|| take_all(&mut download));
        assert_eq!(wakes.0.load(SeqCst), 0);
        if looks {
            assert_eq!(poll(&mut needed, &wakes), Poll::Ready(true));
        }
        drop(woken);
        assert_eq!(wakes.0.load(SeqCst), usize::from(!looks));
    }
}
