//! Time as an argument.

use core::fmt;
use core::time::Duration;

/// Wall-clock time: whole seconds since 1970-01-01T00:00:00Z, as the cache and the tokens carry it.
///
/// The core reads no clock. Whoever drives a flow passes the time in, so that a test runs a day in
/// a millisecond.
///
/// ```
/// use core::time::Duration;
/// use entrada_core::UnixTime;
///
/// let issued = UnixTime::from_secs(1_700_000_000);
/// let expires = issued + Duration::from_secs(3600);
/// assert_eq!(expires.since(issued), Duration::from_secs(3600));
/// assert_eq!(issued.since(expires), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// From seconds since the epoch.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// How long `earlier` lies back; nothing where it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// The operating system's clock. A clock before 1970 reads as the epoch.
    #[cfg(feature = "std")]
    pub fn now() -> Self {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since_epoch.unwrap_or_default().as_secs())
    }
}

impl core::ops::Add<Duration> for UnixTime {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later.as_secs()))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
