//! The live line: what goes through, on one line of a terminal.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use entrada::UnixTime;
use entrada_forwarder::Counts;

use crate::columns::columns;
use crate::notice::Notice;
use crate::progress::bytes;

/// Five times a second at most.
const EVERY: Duration = Duration::from_millis(200);

/// To the line's beginning, and what was there gone.
const CLEAR: &str = "\r\x1b[K";

/// Speaks on standard error, and shows the numbers below what it has said where that is a terminal.
#[derive(Clone)]
pub(crate) struct Live {
    notice: Notice,
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    shown: String,
    has_ended: bool,
}

impl Live {
    pub(crate) fn new(notice: Notice) -> Self {
        Self { notice, line: Arc::default() }
    }

    /// Shows the numbers from now on: on a terminal, unless the user wants less to be said, or more.
    pub(crate) fn follow(&self, counts: Arc<Counts>) {
        if self.notice.is_quiet() || self.notice.verbosity > 0 || !stderr().is_terminal() {
            return;
        }
        let live = self.clone();
        let draw = move || {
            while live.draw(&text(&counts, UnixTime::now())) {
                thread::sleep(EVERY);
            }
        };
        // Without a thread there is no line.
        let _ = thread::Builder::new().name("entrada-live".into()).spawn(draw);
    }

    pub(crate) fn say(&self, text: &str) {
        self.aside(|notice| notice.say(text));
    }

    pub(crate) fn warn(&self, text: &str) {
        self.aside(|notice| notice.warn(text));
    }

    /// Leaves the terminal as it was.
    pub(crate) fn end(&self) {
        let mut line = self.line();
        line.has_ended = true;
        clear(&mut line);
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn aside(&self, speak: impl FnOnce(Notice)) {
        let mut line = self.line();
        clear(&mut line);
        speak(self.notice);
    }

    /// Draws what is new; `false` after the end.
    fn draw(&self, text: &str) -> bool {
        let mut line = self.line();
        if !line.has_ended && line.shown != text {
            text.clone_into(&mut line.shown);
            // One less than the terminal's columns, so that the line never wraps.
            let text: String = text.chars().take(columns(stderr()) - 1).collect();
            let _ = stderr().write_all(format!("{CLEAR}{text}").as_bytes());
        }
        !line.has_ended
    }
}

fn clear(line: &mut Line) {
    if !std::mem::take(&mut line.shown).is_empty() {
        let _ = stderr().write_all(CLEAR.as_bytes());
    }
}

fn text(counts: &Counts, now: UnixTime) -> String {
    let requests = counts.requests();
    let token = match counts.first_token_ends() {
        Some(ends) if ends > now.as_secs() => format!("token good for {} min", (ends - now.as_secs()) / 60),
        Some(_) => "token at its end".to_owned(),
        None if requests > 0 => "no token".to_owned(),
        None => "token ready".to_owned(),
    };
    format!(
        "{requests} {}, {} open  {} up  {} down  {} {}  {token}",
        plural(requests, "request"),
        counts.open(),
        bytes(counts.bytes_up() as f64),
        bytes(counts.bytes_down() as f64),
        counts.errors(),
        plural(counts.errors(), "error"),
    )
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_goes_through() {
        let text = text(&Counts::default(), UnixTime::from_secs(0));
        assert_eq!(text, "0 requests, 0 open  0 B up  0 B down  0 errors  token ready");
    }
}
