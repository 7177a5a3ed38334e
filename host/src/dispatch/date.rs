//! The `date` field, made once a second (RFC 9110 section 6.6.1).

use std::cell::Cell;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The length of an IMF-fixdate.
const DATE_BYTES: usize = 29;

thread_local! {
    /// The last second asked for, and its text.
    static LAST: Cell<(u64, [u8; DATE_BYTES])> =
        const { Cell::new((u64::MAX, [b' '; DATE_BYTES])) };
}

/// Now, as an IMF-fixdate (RFC 9110 section 5.6.7).
pub fn http_date() -> [u8; DATE_BYTES] {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (second, text) = LAST.get();
    if second == now {
        return text;
    }
    let text = imf_fixdate(now);
    LAST.set((now, text));
    text
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
    fn now_is_a_date() {
        let text = http_date();
        let parsed = httpdate::parse_http_date(std::str::from_utf8(&text).unwrap()).unwrap();
        assert!(parsed.elapsed().unwrap() < Duration::from_secs(60));
        assert_eq!(text[25..], *b" GMT");
    }
}
