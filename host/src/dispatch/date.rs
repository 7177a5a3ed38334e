//! The `date` field, made once a second (RFC 9110 section 6.6.1).

use std::cell::Cell;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The length of an IMF-fixdate.
const DATE_BYTES: usize = 29;

/// A date, and for how long it is the right one.
#[derive(Clone, Copy)]
struct Dated {
    from: Instant,
    until: Instant,
    text: [u8; DATE_BYTES],
}

thread_local! {
    /// The last one asked for.
    static LAST: Cell<Option<Dated>> = const { Cell::new(None) };
}

/// The time at `now`, which is now, as an IMF-fixdate (RFC 9110 section 5.6.7). The system's clock
/// is read once a second, so that one that is set shows a second later.
pub fn http_date(now: Instant) -> [u8; DATE_BYTES] {
    if let Some(last) = LAST.get()
        && (last.from..last.until).contains(&now)
    {
        return last.text;
    }
    let dated = date(now, SystemTime::now());
    LAST.set(Some(dated));
    dated.text
}

fn date(now: Instant, time: SystemTime) -> Dated {
    let time = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let rest = Duration::from_secs(1) - Duration::from_nanos(time.subsec_nanos().into());
    Dated {
        from: now,
        until: now + rest,
        text: imf_fixdate(time.as_secs()),
    }
}

fn imf_fixdate(unix_seconds: u64) -> [u8; DATE_BYTES] {
    /// The last second of the year 9999, where the format's four digits end.
    const SECONDS_MAX: u64 = 253_402_300_799;
    let time = UNIX_EPOCH + Duration::from_secs(unix_seconds.min(SECONDS_MAX));
    let mut text = [b' '; DATE_BYTES];
    // The format is exactly this long, so the write cannot fall short.
    let _ = write!(&mut text[..], "{}", httpdate::HttpDate::from(time));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfc_example() {
        assert_eq!(&imf_fixdate(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn the_end_of_the_format() {
        assert_eq!(&imf_fixdate(u64::MAX), b"Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn a_date_is_right_until_its_second_is_over() {
        let now = Instant::now();
        for (millis, left) in [(0, 1000), (250, 750), (999, 1)] {
            let time = UNIX_EPOCH + Duration::from_millis(784_111_777_000 + millis);
            let dated = date(now, time);
            assert_eq!(&dated.text, b"Sun, 06 Nov 1994 08:49:37 GMT");
            assert_eq!(dated.from, now);
            assert_eq!(dated.until, now + Duration::from_millis(left));
        }
        let made = || LAST.get().map(|last| (last.from, last.until)).unwrap();
        http_date(now);
        let (from, until) = made();
        assert_eq!(from, now);
        http_date(until - Duration::from_nanos(1));
        assert_eq!(made(), (from, until), "it was taken once more");
        http_date(until);
        assert_eq!(made().0, until, "it was made anew");
    }

    #[test]
    fn now_is_a_date() {
        let text = http_date(Instant::now());
        let parsed = httpdate::parse_http_date(std::str::from_utf8(&text).unwrap()).unwrap();
        assert!(parsed.elapsed().unwrap() < Duration::from_secs(60));
        assert_eq!(text[25..], *b" GMT");
    }
}
