//! The executor with futures of its own kind, without any guest.

use super::portion::{self, Portion};
use super::*;
use std::future::{pending, poll_fn};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::task::Poll;
use std::thread::ThreadId;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn one_thread() -> Background {
    let background = Background::start(1, 0).unwrap();
    // On a busy machine others would serve in its place.
    lock(&background.shared.queue).standing.is_watched = false;
    background
}

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// Waits, yielding, for something that another thread is about to do.
fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let end = soon();
    while Instant::now() < end {
        if condition() {
            return true;
        }
        thread::yield_now();
    }
    false
}

/// Keeps the only thread busy until the returned sender is dropped.
fn block(background: &Background) -> (Cancel, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let task = async move {
        begun.send(()).unwrap();
        let _ = released.recv();
    };
    let cancel = background.lane().start(soon().into(), Box::pin(task));
    has_begun.recv_timeout(PATIENCE).unwrap();
    (cancel, release)
}

/// Tells on which thread it is dropped.
struct Dropped(mpsc::Sender<ThreadId>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(thread::current().id());
    }
}

/// Pending once, awake at once: a call whose turn is over.
async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts its turns for ever.
fn counter(turns: &Arc<AtomicU64>) -> Task {
    let turns = Arc::clone(turns);
    Box::pin(async move {
        loop {
            turns.fetch_add(1, Relaxed);
            give_way().await;
        }
    })
}

#[test]
fn a_guest_with_one_call_gets_as_much_as_one_with_many() {
    let background = one_thread();
    let (many, one) = (background.lane(), background.lane());
    let (many_turns, one_turns) = (Arc::default(), Arc::default());
    let (blocker, release) = block(&background);
    let calls: Vec<_> = (0..8)
        .map(|_| many.start(soon().into(), counter(&many_turns)))
        .chain([one.start(soon().into(), counter(&one_turns))])
        .collect();
    drop(release);
    assert!(eventually(|| one_turns.load(Relaxed) >= 1000));
    // Both still count while they are read.
    let (before, many) = (one_turns.load(Relaxed), many_turns.load(Relaxed));
    let after = one_turns.load(Relaxed);
    assert!(
        (before - 2..=after + 2).contains(&many),
        "{many} of {before}"
    );
    drop((calls, blocker));
}

#[test]
fn a_call_that_waits_for_something_is_woken() {
    let background = one_thread();
    let (ask, asked) = tokio::sync::oneshot::channel();
    let (answer, answered) = mpsc::channel();
    let task = async move { answer.send(asked.await.unwrap() + 1).unwrap() };
    let _call = background.lane().start(soon().into(), Box::pin(task));
    // With this done the thread has nothing left to do and sleeps.
    drop(block(&background));
    ask.send(1).unwrap();
    assert_eq!(answered.recv_timeout(PATIENCE), Ok(2));
}

#[tokio::test]
async fn a_call_has_the_runtime_it_came_from() {
    let background = one_thread();
    let (done, is_done) = tokio::sync::oneshot::channel();
    let task = async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        done.send(is_here()).unwrap();
    };
    let _call = background.lane().start(soon().into(), Box::pin(task));
    assert!(is_done.await.unwrap());
    assert!(!is_here());
}

#[test]
fn a_panic_ends_its_own_call_only() {
    let background = one_thread();
    let (told, dropped) = mpsc::channel();
    let guard = Dropped(told);
    let panicking = async move {
        let _guard = guard;
        give_way().await;
        panic!("for the test")
    };
    let _panicked = background.lane().start(soon().into(), Box::pin(panicking));
    dropped.recv_timeout(PATIENCE).unwrap();
    // Its only thread still works.
    drop(block(&background));
}

#[test]
fn a_waiting_call_is_cancelled_at_once_by_who_drops_it() {
    let background = one_thread();
    let lane = background.lane();
    let (_blocker, release) = block(&background);
    let (told, dropped) = mpsc::channel();
    let queued = Dropped(told.clone());
    let queued = lane.start(soon().into(), Box::pin(async move { drop(queued) }));
    drop(queued);
    assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
    drop(release);

    let (suspended, (begun, has_begun)) = (Dropped(told), mpsc::channel());
    let task = async move {
        let _suspended = suspended;
        begun.send(()).unwrap();
        pending::<()>().await;
    };
    let suspended = lane.start(soon().into(), Box::pin(task));
    has_begun.recv_timeout(PATIENCE).unwrap();
    drop(block(&background));
    drop(suspended);
    assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
}

#[test]
fn a_running_call_is_cancelled_when_its_turn_ends() {
    let background = one_thread();
    let (told, dropped) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (guard, went_on) = (Dropped(told), Arc::new(AtomicBool::new(false)));
    let goes_on = Arc::clone(&went_on);
    let task = async move {
        let _guard = guard;
        begun.send(()).unwrap();
        let _ = released.recv();
        give_way().await;
        goes_on.store(true, Relaxed);
    };
    let call = background.lane().start(soon().into(), Box::pin(task));
    has_begun.recv_timeout(PATIENCE).unwrap();
    drop(call);
    assert!(dropped.try_recv().is_err(), "it still runs");
    drop(release);
    let thread = dropped.recv_timeout(PATIENCE).unwrap();
    assert_ne!(thread, thread::current().id());
    assert!(!went_on.load(Relaxed));
}

#[test]
fn the_threads_end_with_their_owner_and_take_what_waits_along() {
    let background = Background::start(3, 19).unwrap();
    let shared = Arc::downgrade(&background.shared);
    let (told, dropped) = mpsc::channel();
    let guard = Dropped(told);
    let task = async move {
        let _guard = guard;
        loop {
            give_way().await;
        }
    };
    let call = background.lane().start(soon().into(), Box::pin(task));
    drop(background);
    dropped.recv_timeout(PATIENCE).unwrap();
    drop(call);
    assert!(
        eventually(|| shared.strong_count() == 0),
        "a thread still runs"
    );
}

/// The names of the threads that serve a call which ends when nobody listens any more.
fn servers(background: &Background) -> (Cancel, mpsc::Receiver<String>) {
    let (name, names) = mpsc::channel();
    let task = async move {
        while name
            .send(thread::current().name().unwrap().to_owned())
            .is_ok()
        {
            give_way().await;
        }
    };
    let call = background.lane().start(soon().into(), Box::pin(task));
    (call, names)
}

/// Waits until a thread of such a name serves.
fn comes(names: &mpsc::Receiver<String>, who: &str) -> bool {
    eventually(|| names.recv_timeout(PATIENCE).unwrap().starts_with(who))
}

/// What was had of a thousand processors and of none.
fn watch(little: bool) -> Watch {
    let processors = if little { 1000 } else { 0 };
    let long_ago = Instant::now().checked_sub(STARVED).unwrap();
    Watch::since(Portion::new(processors, long_ago, portion::used()))
}

/// Looks at calls that have waited for long, and says whether they are forsaken then.
fn look(background: &Background, watch: &mut Watch) -> bool {
    let now = Instant::now();
    let mut queue = lock(&background.shared.queue);
    queue.standing.is_watched = true;
    queue.waits = now.checked_sub(STARVED);
    background.shared.look_for_forsaken(&mut queue, watch, now);
    queue.standing.is_watched = false;
    queue.standing.is_forsaken()
}

#[test]
fn calls_are_forsaken_when_the_process_has_little_and_nobody_comes() {
    let background = one_thread();
    assert!(!look(&background, &mut watch(true)), "nobody waits");
    let (_blocker, release) = block(&background);
    let (_call, names) = servers(&background);
    assert!(
        !look(&background, &mut Watch::default()),
        "it is not known yet"
    );
    assert!(
        !look(&background, &mut watch(false)),
        "it is its own guests"
    );
    assert!(look(&background, &mut watch(true)));
    assert!(comes(&names, "guest-forsaken-"));
    drop((names, release));
}

#[test]
fn a_thread_that_gets_a_processor_again_serves_on() {
    let background = one_thread();
    let (_blocker, release) = block(&background);
    let (_call, names) = servers(&background);
    assert!(look(&background, &mut watch(true)));
    assert!(comes(&names, "guest-forsaken-"));
    drop(release);
    // It comes back when it has seen for itself that it gets one, or is told so.
    drop(background.shared.come_back());
    assert!(comes(&names, "guest-slow-"));
    assert!(!lock(&background.shared.queue).standing.is_forsaken());
}
