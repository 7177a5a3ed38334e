//! Comma-separated field values (RFC 9110 5.6.1).

use crate::class::trim_ows;

/// The members of a list, without white space around them. Empty members are given too: whether
/// they matter depends on the field.
///
/// Quoted strings are not honoured: no list read here has members that may hold one.
pub(crate) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim_ows)
}
