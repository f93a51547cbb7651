//! The stage's time: the real clock and an offset that only grows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Every lifetime on the stage is measured by this clock.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead_ms: AtomicU64,
}

impl Clock {
    /// Milliseconds since 1970-01-01T00:00:00Z, offset included.
    pub(crate) fn millis(&self) -> u64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        real.as_millis() as u64 + self.ahead_ms.load(Ordering::SeqCst)
    }

    /// Seconds since 1970-01-01T00:00:00Z, offset included.
    pub(crate) fn now(&self) -> u64 {
        self.millis() / 1000
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.ahead_ms.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
    }

    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst))
    }
}

/// Year, month (1-12), day, weekday (0 = Thursday, as 1970-01-01 was) of a day count since 1970-01-01, in the
/// proleptic Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64, usize) {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1, (days % 7) as usize)
}

/// `2026-11-23 11:22:15Z`, as in the `timestamp` of an Entra error.
pub(crate) fn entra_timestamp(unix: u64) -> String {
    let (y, m, d, _) = civil(unix / 86_400);
    let s = unix % 86_400;
    format!("{y:04}-{m:02}-{d:02} {:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60)
}

/// The IMF-fixdate of RFC 9110 section 5.6.7, for `Date` and `Retry-After`.
pub(crate) fn http_date(unix: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (y, m, d, w) = civil(unix / 86_400);
    let s = unix % 86_400;
    let (day, month) = (DAYS[w], MONTHS[m as usize - 1]);
    format!("{day}, {d:02} {month} {y:04} {:02}:{:02}:{:02} GMT", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(entra_timestamp(1_709_164_800), "2024-02-29 00:00:00Z");
    }
}
