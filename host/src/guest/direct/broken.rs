//! The error of a guest that breaks the canonical ABI.

use std::borrow::Cow;
use std::fmt;

/// What is wrong with what a guest allocated or answered.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::guest) enum Broken {
    /// In words.
    Abi(Cow<'static, str>),
    /// The host would have to copy more than it may.
    TooMuch,
}

impl Broken {
    pub(super) fn abi(reason: &'static str) -> Broken {
        Broken::Abi(Cow::Borrowed(reason))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Broken::Abi(reason) => reason,
            Broken::TooMuch => "more than may be copied",
        })
    }
}

impl std::error::Error for Broken {}
