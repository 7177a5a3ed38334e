//! Single TOML values as the types wanted, or a message for a person about why not.
//! Nothing here knows about keys or sections.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::units::{ShowDuration, parse_duration, parse_size};

/// A TOML value and where it stands.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// The text of a value, or what was expected in its place.
pub(super) fn expect_str<'v>(value: &'v Value<'_>, wanted: &str) -> Result<&'v str, String> {
    value
        .get_ref()
        .as_str()
        .ok_or_else(|| expected(wanted, value))
}

/// The message for a value of the wrong type.
pub(super) fn expected(wanted: &str, found: &Value<'_>) -> String {
    let found = match found.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    };
    format!("expected {wanted}, found {found}")
}

/// A whole number; none when it is negative or beyond 64 bits.
pub(super) fn as_number(value: &Value<'_>) -> Result<Option<u64>, String> {
    match value.get_ref() {
        DeValue::Integer(number) => Ok(u64::from_str_radix(number.as_str(), number.radix()).ok()),
        _ => Err(expected("a whole number", value)),
    }
}

/// A size in bytes; none when it is negative or beyond 64 bits.
pub(super) fn as_size(value: &Value<'_>) -> Result<Option<u64>, String> {
    match value.get_ref() {
        DeValue::Integer(_) => as_number(value),
        DeValue::String(text) => parse_size(text).map(Some),
        _ => Err(expected("a size such as \"64KiB\"", value)),
    }
}

/// A number with or without a fraction, within a range.
pub(super) fn as_fraction(value: &Value<'_>, range: &RangeInclusive<f64>) -> Result<f64, String> {
    let number = match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Integer(_) => as_number(value)?
            .and_then(|number| u32::try_from(number).ok())
            .map(f64::from),
        _ => return Err(expected("a number such as 0.5", value)),
    };
    // NaN lies in no range.
    let fits = number.filter(|number| range.contains(number));
    fits.ok_or_else(|| out_of_range(range.start(), range.end()))
}

/// A duration within a range.
pub(super) fn as_duration(
    value: &Value<'_>,
    range: &RangeInclusive<Duration>,
) -> Result<Duration, String> {
    let duration = parse_duration(expect_str(value, "a duration such as \"5s\"")?)?;
    if range.contains(&duration) {
        return Ok(duration);
    }
    Err(out_of_range(
        ShowDuration(*range.start()),
        ShowDuration(*range.end()),
    ))
}

/// The number as the type wanted, if it lies in the range and the type can hold it. `show` makes
/// the ends of the range readable.
pub(super) fn in_range<T: TryFrom<u64>, S: fmt::Display>(
    number: Option<u64>,
    range: &RangeInclusive<u64>,
    show: impl Fn(u64) -> S,
) -> Result<T, String> {
    let fits = number
        .filter(|number| range.contains(number))
        .and_then(|n| T::try_from(n).ok());
    fits.ok_or_else(|| out_of_range(show(*range.start()), show(*range.end())))
}

fn out_of_range(least: impl fmt::Display, most: impl fmt::Display) -> String {
    format!("must be from {least} to {most}")
}
