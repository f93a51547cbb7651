//! What is said while it forwards, and the live line: what goes through, on one line of a terminal.

use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use entrada::UnixTime;
use entrada_forwarder::Counts;

use crate::aside::ASIDE;
use crate::columns::columns;
use crate::notice::Notice;
use crate::progress::bytes;

/// Five times a second at most.
const EVERY: Duration = Duration::from_millis(200);

/// From now on a thread of its own says what is to be said, so that no request waits for whoever reads it; below that it
/// shows the numbers, where there are any, on a terminal, unless the user wants less to be said, or more.
pub(crate) fn begin(notice: Notice, counts: Option<Arc<Counts>>) {
    let counts = counts.filter(|_| !notice.is_quiet() && notice.verbosity == 0 && stderr().is_terminal());
    let speak = move || match counts {
        Some(counts) => ASIDE.speak(stderr(), Some((EVERY, &|| fitting(text(&counts, UnixTime::now()))))),
        None => ASIDE.speak(stderr(), None),
    };
    ASIDE.begin();
    if thread::Builder::new().name("entrada-says".into()).spawn(speak).is_err() {
        ASIDE.cancel();
    }
}

/// Leaves the terminal as it was. What is said from now on is said at once.
pub(crate) fn end() {
    ASIDE.end();
}

/// One less than the terminal's columns, so that the line never wraps.
fn fitting(text: String) -> String {
    text.chars().take(columns(stderr()) - 1).collect()
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
