//! Trying again: how often, and how long to wait before.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use entrada::protocol::http_date;
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

use crate::failure::Failure;
use crate::notice::Notice;
use crate::sign_in;

/// The longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The tries of one call, and how it speaks meanwhile.
#[derive(Debug)]
pub(crate) struct Tries {
    failed: u32,
    most: u32,
    pub(crate) notice: Notice,
}

impl Tries {
    /// One try, and so many more.
    pub(crate) fn new(retry: u32, notice: Notice) -> Self {
        Self { failed: 0, most: retry, notice }
    }

    /// One has failed: waits, for as long as was named, and says so; `false` where no other is allowed, or where it would
    /// ask the user to sign in once more.
    pub(crate) fn after(&mut self, named: Option<Duration>) -> bool {
        if self.failed >= self.most || sign_in::was_in_vain() {
            return false;
        }
        let doubling = Duration::from_secs(1 << self.failed.min(6));
        let pause = named.unwrap_or(doubling).min(LONGEST_PAUSE);
        self.failed += 1;
        let (failed, all) = (self.failed, u64::from(self.most) + 1);
        self.notice.say(&format!("Try {failed} of {all} failed; next in {} s.", pause.as_secs()));
        std::thread::sleep(pause);
        true
    }

    /// Does that, and once more after each failure that passes, as often as is allowed.
    pub(crate) fn until_done<T>(&mut self, mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        loop {
            match attempt() {
                Err(failure) if failure.passes() && self.again(&failure) => {}
                result => return result,
            }
        }
    }

    /// The same for a failure that passes.
    pub(crate) fn again(&mut self, failure: &Failure) -> bool {
        self.after(failure.retry_after.map(|seconds| Duration::from_secs(seconds.into())))
    }
}

/// `Retry-After`, in seconds or as a date; that is compared with the app's own, as this computer's clock may be off.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.trim());
    let named = text(RETRY_AFTER)?;
    if let Ok(seconds) = named.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(named)?.as_secs();
    let now = text(DATE).and_then(http_date).map(|date| date.as_secs());
    let now = now.or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs()))?;
    Some(Duration::from_secs(until.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_says_how_long_in_seconds_or_until_when() {
        let read = |named: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, http::HeaderValue::from_static(named));
            if let Some(date) = date {
                headers.insert(DATE, http::HeaderValue::from_static(date));
            }
            retry_after(&headers).map(|pause| pause.as_secs())
        };
        let now = Some("Thu, 29 Feb 2024 23:59:57 GMT");
        assert_eq!(read(" 7 ", None), Some(7));
        assert_eq!(read("Fri, 01 Mar 2024 00:00:07 GMT", now), Some(10));
        assert_eq!(read("Thu, 29 Feb 2024 23:59:00 GMT", now), Some(0), "that is over");
        assert_eq!(read("Fri, 01 Mar 2024 00:00:07 GMT", None), Some(0), "by this computer's clock");
        assert_eq!(read("soon", now), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
