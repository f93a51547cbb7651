//! What an adapter could not do, as far as the core must know.

use core::fmt;

/// Why an [`Ask`](crate::Ask) could not be answered.
///
/// The core decides on this word alone; the adapter's own error, with its text and its causes, stays
/// with the driver and comes back as the `source()` of the flow's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The other side cannot be reached: no route, no name, connection refused or cut.
    Unreachable,
    /// The connection is there but not to be trusted: a TLS or certificate failure.
    Untrusted,
    /// No answer within the time allowed.
    TimedOut,
    /// The operating system or the store forbids it.
    Denied,
    /// What was asked for is not there: no browser, no terminal, no keyring.
    NotFound,
    /// What is there cannot be read.
    Corrupt,
    /// More than the limit that the question set.
    TooLarge,
    /// The user, or the program that embeds this, gave up.
    Cancelled,
    /// Anything else.
    Other,
}

impl Fault {
    /// Whether the same may well succeed when tried again later.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Unreachable | Self::TimedOut)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "it cannot be reached",
            Self::Untrusted => "its certificate or TLS set-up is not trusted",
            Self::TimedOut => "it did not answer in time",
            Self::Denied => "access is denied",
            Self::NotFound => "it is not there",
            Self::Corrupt => "it cannot be read",
            Self::TooLarge => "it is larger than the limit",
            Self::Cancelled => "it was cancelled",
            Self::Other => "it failed",
        })
    }
}
