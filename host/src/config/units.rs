//! Sizes and durations as people write them, both ways: text to number and number to text.
//! Nothing here knows about keys or sections.

use std::fmt;
use std::time::Duration;

/// Units of sizes, in bytes; the largest that divides a size is the one it is shown in.
const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// Units of durations, in microseconds, largest first.
const DURATION_UNITS: [(&str, u64); 5] = [
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// A number of bytes that displays as the configuration would write it: `64KiB`.
#[derive(Clone, Copy, Debug)]
pub struct ShowSize(
    /// Bytes.
    pub u64,
);

/// A duration that displays as the configuration would write it: `250ms`.
#[derive(Clone, Copy, Debug)]
pub struct ShowDuration(
    /// Shown in whole microseconds; what is shorter is dropped.
    pub Duration,
);

impl fmt::Display for ShowSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, &SIZE_UNITS)
    }
}

impl fmt::Display for ShowDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            // Microseconds would look as if they mattered.
            return f.write_str("0ms");
        }
        let micros = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        show(f, micros, &DURATION_UNITS)
    }
}

/// Bytes from `64KiB`, `10 MB` or, without a unit, `512`.
///
/// # Errors
/// What is wrong with the text, for a person.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text, "a size such as \"64KiB\"")?;
    let unit = if unit.is_empty() { "B" } else { unit };
    let Some(factor) = factor(unit, &SIZE_UNITS) else {
        return Err(format!(
            "unknown unit {unit:?}; sizes are in B, kB, MB, GB (powers of 1000), \
             KiB, MiB or GiB (powers of 1024)"
        ));
    };
    number
        .checked_mul(factor)
        .ok_or_else(|| format!("{text:?} is too large"))
}

/// A duration from `500us`, `250ms`, `5s`, `2m` or `1h`.
///
/// # Errors
/// What is wrong with the text, for a person.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text, "a duration such as \"250ms\" or \"5s\"")?;
    if unit.is_empty() {
        return Err(format!("{text:?} needs a unit: us, ms, s, m or h"));
    }
    let Some(factor) = factor(unit, &DURATION_UNITS) else {
        return Err(format!(
            "unknown unit {unit:?}; durations are in us, ms, s, m or h"
        ));
    };
    let micros = number
        .checked_mul(factor)
        .ok_or_else(|| format!("{text:?} is too long"))?;
    Ok(Duration::from_micros(micros))
}

/// The digits a text starts with, as a number, and the unit behind them.
fn split<'t>(text: &'t str, wanted: &str) -> Result<(u64, &'t str), String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = unit.trim_start_matches(' ');
    if digits.is_empty() || unit.starts_with(['.', ',']) {
        return Err(format!(
            "{text:?} is not {wanted}: a whole number and a unit"
        ));
    }
    let number = digits
        .parse()
        .map_err(|_| format!("{text:?} is too large"))?;
    Ok((number, unit))
}

fn factor(unit: &str, units: &[(&str, u64)]) -> Option<u64> {
    units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
}

/// Writes a number in the largest unit that divides it; zero in the smallest.
fn show(f: &mut fmt::Formatter<'_>, number: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fits = |factor: u64| factor == 1 || (number >= factor && number.is_multiple_of(factor));
    match units.iter().find(|(_, factor)| fits(*factor)) {
        Some((unit, factor)) => write!(f, "{}{unit}", number / factor),
        None => write!(f, "{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_every_unit() {
        let cases = [
            ("0", 0),
            ("512", 512),
            ("512B", 512),
            ("3kB", 3_000),
            ("3KiB", 3_072),
            ("2MB", 2_000_000),
            ("2MiB", 2_097_152),
            ("1GB", 1_000_000_000),
            ("1 GiB", 1_073_741_824),
            ("18446744073709551615", u64::MAX),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn bad_sizes_say_why() {
        let cases = [
            ("", "whole number"),
            ("KiB", "whole number"),
            ("-1KiB", "whole number"),
            ("+1KiB", "whole number"),
            ("1.5GiB", "whole number"),
            ("64K", "KiB, MiB or GiB"),
            ("64kib", "KiB, MiB or GiB"),
            ("64KiB extra", "unknown unit"),
            ("18446744073709551616", "too large"),
            ("18446744073709551615KiB", "too large"),
        ];
        for (text, why) in cases {
            let error = parse_size(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn durations_are_read_in_every_unit() {
        let cases = [
            ("500us", Duration::from_micros(500)),
            ("250ms", Duration::from_millis(250)),
            ("5s", Duration::from_secs(5)),
            ("2m", Duration::from_mins(2)),
            ("1 h", Duration::from_hours(1)),
        ];
        for (text, duration) in cases {
            assert_eq!(parse_duration(text), Ok(duration), "{text}");
        }
    }

    #[test]
    fn bad_durations_say_why() {
        let cases = [
            ("5", "needs a unit"),
            ("5d", "us, ms, s, m or h"),
            ("5 S", "ms, s, m or h"),
            ("0.5s", "whole number"),
            ("soon", "whole number"),
            ("18446744073709551615h", "too long"),
        ];
        for (text, why) in cases {
            let error = parse_duration(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        for bytes in [
            0,
            1,
            1_000,
            1_024,
            65_536,
            10 << 20,
            1_500_000,
            4 << 30,
            u64::MAX,
        ] {
            assert_eq!(parse_size(&ShowSize(bytes).to_string()), Ok(bytes));
        }
        for micros in [
            1,
            500,
            1_000,
            1_500,
            250_000,
            5_000_000,
            90_000_000,
            86_400_000_000,
        ] {
            let duration = Duration::from_micros(micros);
            assert_eq!(
                parse_duration(&ShowDuration(duration).to_string()),
                Ok(duration)
            );
        }
        assert_eq!(ShowSize(65_536).to_string(), "64KiB");
        assert_eq!(
            ShowDuration(Duration::from_millis(90_000)).to_string(),
            "90s"
        );
    }
}
