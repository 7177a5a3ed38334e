//! Ranges of bytes (RFC 9110 section 14): what a `range` field asks for, of a file of a known
//! length. Pure; whether ranges apply at all is for `conditions` to say.

/// More ranges than this are no download that goes on, and are answered with the whole.
const RANGES_MAX: usize = 16;

/// From the first to the last byte, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Range {
    pub(crate) fn length(self) -> u64 {
        self.last - self.first + 1
    }

    /// What `content-range` says of it.
    pub(crate) fn content_range(self, length: u64) -> String {
        format!("bytes {}-{}/{length}", self.first, self.last)
    }
}

/// What a client wants of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: it asked for no ranges, or in a way that is to be ignored.
    Whole,
    One(Range),
    Several(Vec<Range>),
    /// Only what lies beyond the end.
    None,
}

/// Reads a `range` field. One that cannot be read, or of another unit, is ignored.
pub(crate) fn parse(field: &str, length: u64) -> Wanted {
    let set = match field.split_once('=') {
        Some((unit, set)) if unit.eq_ignore_ascii_case("bytes") => set,
        _ => return Wanted::Whole,
    };
    let mut ranges = Vec::new();
    for item in set
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        match parse_range(item, length) {
            Some(range) if ranges.len() < RANGES_MAX => ranges.push(range),
            _ => return Wanted::Whole,
        }
    }
    if ranges.is_empty() {
        return Wanted::Whole;
    }
    let satisfiable: Vec<Range> = ranges.into_iter().flatten().collect();
    match satisfiable.as_slice() {
        [] => Wanted::None,
        [range] => Wanted::One(*range),
        several if overlap(several) => Wanted::Whole,
        _ => Wanted::Several(satisfiable),
    }
}

/// `None` for what is no range, and `Some(None)` for one that lies beyond the end.
fn parse_range(item: &str, length: u64) -> Option<Option<Range>> {
    let (first, last) = item.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let end = length.checked_sub(1);
    let range = match (first, last) {
        (None, None) => return None,
        (Some(first), Some(last)) if first > last => return None,
        (Some(first), last) => end.map(|end| Range {
            first,
            last: last.map_or(end, |last| last.min(end)),
        }),
        (None, Some(suffix)) => end.filter(|_| suffix > 0).map(|end| Range {
            first: length.saturating_sub(suffix),
            last: end,
        }),
    };
    Some(range.filter(|range| range.first <= range.last))
}

/// `Some(None)` for nothing. A number too large to be one is as good as the largest.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

/// Whoever asks for the same bytes twice wants to be sent much for little.
fn overlap(ranges: &[Range]) -> bool {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|range| range.first);
    sorted.windows(2).any(|pair| pair[1].first <= pair[0].last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> Range {
        Range { first, last }
    }

    #[test]
    fn one_range_in_all_its_forms() {
        for (field, first, last) in [
            ("bytes=0-0", 0, 0),
            ("bytes=2-5", 2, 5),
            ("BYTES=2-", 2, 9),
            ("bytes=5-99", 5, 9),
            ("bytes=-3", 7, 9),
            ("bytes=-99", 0, 9),
            ("bytes= 1-2 , ", 1, 2),
            ("bytes=99-, 4-4", 4, 4),
            ("bytes=0-99999999999999999999999", 0, 9),
        ] {
            assert_eq!(parse(field, 10), Wanted::One(range(first, last)), "{field}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=+1-2",
            "items=0-1",
            "bytes=0-1,x",
            "bytes=1",
            "bytes=0x1-2",
        ] {
            assert_eq!(parse(field, 10), Wanted::Whole, "{field}");
        }
    }

    #[test]
    fn several_ranges_are_kept_in_order_unless_they_overlap_or_are_too_many() {
        let several = Wanted::Several(vec![range(8, 9), range(0, 1)]);
        assert_eq!(parse("bytes=-2,0-1", 10), several);
        assert_eq!(parse("bytes=0-5,5-6", 10), Wanted::Whole);
        let many = (0..17).map(|n| format!("{}-{}", n * 2, n * 2));
        let many = format!("bytes={}", many.collect::<Vec<_>>().join(","));
        assert_eq!(parse(&many, 100), Wanted::Whole);
    }

    #[test]
    fn beyond_the_end_there_is_nothing() {
        for (field, length) in [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)] {
            assert_eq!(parse(field, length), Wanted::None, "{field} of {length}");
        }
        assert_eq!(range(2, 5).content_range(10), "bytes 2-5/10");
    }
}
