//! How far a long transfer has come: one line on a terminal, which goes when the transfer does.

use std::io::{self, IsTerminal, Read, Write, stderr};
use std::time::{Duration, Instant};

use crate::notice::Notice;

/// What is over by then shows nothing.
const FIRST: Duration = Duration::from_millis(500);
const NEXT: Duration = Duration::from_millis(100);

/// A reader whose bytes are counted and shown.
pub(crate) struct Watched<R> {
    inner: R,
    transfer: Transfer,
    shown: bool,
    since: Instant,
    drawn: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Transfer {
    /// What there was before.
    had: u64,
    done: u64,
    total: Option<u64>,
}

impl<R: Read> Watched<R> {
    /// For a reader of so many bytes, where that is known, which come after so many others.
    pub(crate) fn new(inner: R, had: u64, left: Option<u64>, notice: Notice) -> Self {
        let total = left.and_then(|left| left.checked_add(had));
        let shown = !notice.is_quiet() && stderr().is_terminal();
        Self { inner, transfer: Transfer { had, done: had, total }, shown, since: Instant::now(), drawn: None }
    }

    fn draw(&mut self) {
        let now = Instant::now();
        let due = self.drawn.map_or(self.since + FIRST, |drawn| drawn + NEXT);
        if self.shown && now >= due {
            self.drawn = Some(now);
            let _ = write!(stderr(), "\r{}\x1b[K", self.transfer.line(now - self.since));
        }
    }

    fn erase(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.transfer.done += count as u64;
        if count == 0 {
            self.erase()
        } else {
            self.draw()
        }
        Ok(count)
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

impl Transfer {
    /// At most 72 columns.
    fn line(self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(0.001);
        let speed = (self.done - self.had) as f64 / seconds;
        let rate = format!("{}/s", bytes(speed));
        let Some(total) = self.total.filter(|total| *total >= self.done && *total > 0) else {
            return format!("{}  {rate}", bytes(self.done as f64));
        };
        let share = self.done as f64 / total as f64;
        let filled = "=".repeat((share * 20.0) as usize);
        let left = (total - self.done) as f64 / speed.max(1.0);
        let percent = (share * 100.0) as u32;
        let (done, total) = (bytes(self.done as f64), bytes(total as f64));
        format!("{percent:3}% [{filled:<20}] {done} of {total}  {rate}  {} left", clock(left))
    }
}

/// `999 B`, `1.2 MB`: thousands, as files are measured.
pub(crate) fn bytes(count: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut size = count;
    for unit in units {
        if size < 999.5 {
            return if unit == "B" || size >= 99.95 {
                format!("{size:.0} {unit}")
            } else {
                format!("{size:.1} {unit}")
            };
        }
        size /= 1000.0;
    }
    format!("{size:.0} ZB")
}

fn clock(seconds: f64) -> String {
    let whole = seconds.ceil().min(359_999.0) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_it_is_and_how_long_it_takes() {
        let line = |had, done, total, seconds| Transfer { had, done, total }.line(Duration::from_secs(seconds));
        assert_eq!(line(0, 0, Some(10), 1), "  0% [                    ] 0 B of 10 B  0 B/s  0:10 left");
        assert_eq!(
            line(0, 42_000_000, Some(100_000_000), 10),
            " 42% [========            ] 42.0 MB of 100 MB  4.2 MB/s  0:14 left"
        );
        assert_eq!(
            line(50, 100, Some(100), 1),
            "100% [====================] 100 B of 100 B  50 B/s  0:00 left",
            "what was there before is no speed"
        );
        assert_eq!(line(0, 1_500_000_000, None, 100), "1.5 GB  15.0 MB/s");
        assert_eq!(line(0, 20, Some(10), 1), "20 B  20 B/s", "more than was announced");
        assert!(line(0, 1, Some(u64::MAX), 1_000_000).len() <= 72, "{}", line(0, 1, Some(u64::MAX), 1_000_000));
    }

    #[test]
    fn sizes_and_times_are_short() {
        for (count, text) in [
            (999.4, "999 B"),
            (999.5, "1.0 kB"),
            (99_949.0, "99.9 kB"),
            (99_950.0, "100 kB"),
            (u64::MAX as f64, "18.4 EB"),
        ] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(
            (clock(3661.0), clock(0.2), clock(f64::INFINITY)),
            ("1:01:01".into(), "0:01".into(), "99:59:59".into())
        );
    }
}
