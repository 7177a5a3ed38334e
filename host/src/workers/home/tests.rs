//! Threads that come home and go away, and when.

use super::*;
use std::thread;

const LONG: Duration = Duration::from_millis(3);
const SHORT: Duration = Duration::from_micros(200);

fn homes() -> Homes {
    let process = getpid();
    Homes(Arc::new(Street {
        process,
        wait_max: 2 * SHORT,
        vacant: Mutex::new(kernel::listed(&sched_getaffinity(Some(process)).unwrap())),
    }))
}

/// Runs this in a thread of its own, which is at home if there are several processors.
fn at_home(work: impl FnOnce(&Homes, CpuSet) + Send) {
    let homes = homes();
    thread::scope(|scope| {
        scope.spawn(|| {
            let everywhere = sched_getaffinity(None).unwrap();
            // The kernel counts when it lets a thread go.
            thread::sleep(Duration::from_millis(1));
            homes.begin();
            work(&homes, everywhere);
        });
    });
}

fn with_home<T>(with: impl FnOnce(&mut Home) -> T) -> T {
    HOME.with_borrow_mut(|home| with(home.as_mut().unwrap().as_mut().unwrap()))
}

/// Where this thread may run, and whether it is of the batch class. Its nice value stays.
fn here() -> (CpuSet, bool) {
    assert_eq!(getpriority_process(None), Ok(0));
    (
        sched_getaffinity(None).unwrap(),
        kernel::is_of(Class::Batch),
    )
}

/// Has the thread find so many times that it waited for long.
fn wait(homes: &Homes, long: u32) {
    for _ in 0..long {
        with_home(|home| home.before = home.waited().and_then(|it| it.checked_sub(LONG)));
        homes.begin();
    }
}

/// Has it wake so long after it woke last.
fn begin_after(homes: &Homes, after: Duration) {
    with_home(|home| home.begin(&homes.0, home.woke + after));
}

#[test]
fn a_thread_is_at_home_while_it_does_not_wait_and_then_as_any_other() {
    at_home(|homes, everywhere| {
        let home = with_home(|home| kernel::only(home.processor));
        let several = everywhere.count() > 1;
        let at_home = if several {
            (home, true)
        } else {
            (everywhere, false)
        };
        assert_eq!(here(), at_home);
        // As if it had waited for that before.
        with_home(|home| home.schedstat = waited());
        wait(homes, LONG_WAITS - 1);
        assert_eq!(here(), at_home);
        wait(homes, 1);
        assert_eq!(here(), (everywhere, false));
        begin_after(homes, AWAY.0);
        assert_eq!(
            here(),
            (everywhere, false),
            "it stays for twice as long now"
        );
        begin_after(homes, AWAY.0);
        assert_eq!(here(), at_home);
    });
}

/// Says of a thread that it has run and waited for a second each.
fn waited() -> Schedstat {
    use std::io::Write as _;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"1000000000 1000000000 10\n").unwrap();
    Schedstat::in_file(file)
}

#[test]
fn what_begins_in_a_thread_that_is_at_home_is_not() {
    at_home(|homes, everywhere| {
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(here().1, everywhere.count() > 1);
                homes.enter();
                assert_eq!(here(), (everywhere, false));
            });
        });
    });
}

#[test]
fn a_thread_stays_where_somebody_else_has_bound_it() {
    at_home(|homes, everywhere| {
        let home = with_home(|home| home.processor);
        // With one processor there is no other place.
        for other in kernel::listed(&everywhere)
            .into_iter()
            .filter(|it| *it != home)
        {
            sched_setaffinity(None, &kernel::only(other)).unwrap();
            with_home(|home| home.before = home.waited());
            homes.begin();
            assert_eq!(here(), (kernel::only(other), false));
            begin_after(homes, AWAY.1);
            assert_eq!(here(), (kernel::only(other), false));
        }
    });
}

#[test]
fn each_thread_has_a_home_of_its_own() {
    let homes = homes();
    let all = kernel::listed(&homes.0.everywhere().unwrap());
    let mut given: Vec<_> = all
        .iter()
        .map(|_| homes.0.home().unwrap().processor)
        .collect();
    given.sort_unstable();
    assert_eq!(given, all);
    assert!(homes.0.home().is_none(), "there are no more");
}

#[test]
fn there_are_homes_for_as_many_threads_as_processors() {
    let processors = kernel::listed(&sched_getaffinity(None).unwrap()).len();
    assert_eq!(Homes::new(processors).is_some(), processors > 1);
    assert!(Homes::new(processors + 1).is_none() && Homes::new(0).is_none());
}

#[test]
fn long_waits_count_while_they_come_often() {
    let is_fine = |waits: &[Duration]| {
        let mut tally = Tally::default();
        waits.iter().all(|wait| tally.is_fine(*wait, 2 * SHORT))
    };
    let apart = |short| [&[LONG][..], &vec![SHORT; short]].concat().repeat(3);
    assert!(!is_fine(&apart(0)) && !is_fine(&apart(60)));
    assert!(is_fine(&apart(64)) && is_fine(&[SHORT; 1000]));
}

#[test]
fn who_goes_away_again_and_again_stays_for_longer() {
    let (first, most) = AWAY;
    let long = |away| LONG_AT_HOME * away;
    assert_eq!(next_away(first, first), 2 * first);
    assert_eq!(next_away(2 * first, long(2 * first) - first), 4 * first);
    assert_eq!(next_away(2 * first, long(2 * first)), first);
    assert_eq!(next_away(most, first), most);
}
