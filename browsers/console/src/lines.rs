//! Reading lines with a deadline, from a reader that knows none.

use std::fmt;
use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use zeroize::Zeroizing;

/// The longest line; what is longer is read to its end and not kept.
const LINE_LIMIT: usize = 64 * 1024;

/// What comes to whoever waits.
pub(crate) enum Signal {
    /// A line without its end. It may be a secret, wanted or not.
    Line(Zeroizing<String>),
    /// A line beyond the limit.
    TooLong,
    /// There will be no more lines.
    End,
    /// Reading failed.
    Failed(io::Error),
    /// Somebody gave up.
    Cancelled,
}

/// A reader with a thread of its own, started at the first need, that reads one line when one is wanted.
pub(crate) struct Lines {
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Until the thread takes it.
    reader: Option<Box<dyn Read + Send>>,
    /// Who waits.
    waiting: Option<Sender<Signal>>,
    /// Whether a line is to be read, or is being read.
    is_wanted: bool,
    /// Whether nobody will want any more.
    is_closed: bool,
    /// How many sign-ins are under way, and whether those were given up before they waited.
    open: usize,
    is_cancelled: bool,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    pub(crate) fn new(reader: Box<dyn Read + Send>) -> Self {
        let lines = Self { desk: Arc::default() };
        lines.desk.lock().reader = Some(reader);
        lines
    }

    pub(crate) fn canceller(&self) -> Canceller {
        Canceller { desk: Arc::clone(&self.desk) }
    }

    /// A sign-in begins: from here on it can be given up.
    pub(crate) fn enter(&self) {
        self.desk.lock().open += 1;
    }

    /// It has ended.
    pub(crate) fn leave(&self) {
        let mut state = self.desk.lock();
        state.open -= 1;
        state.is_cancelled &= state.open > 0;
    }

    /// Waits from now on; `None` where somebody else does already, as two cannot share a keyboard.
    pub(crate) fn wait(&self) -> io::Result<Option<Waiting<'_>>> {
        let mut state = self.desk.lock();
        if state.waiting.is_some() {
            return Ok(None);
        }
        if let Some(reader) = state.reader.take() {
            let desk = Arc::clone(&self.desk);
            thread::Builder::new().name("entrada-lines".into()).spawn(move || read_on_demand(reader, &desk))?;
        }
        let (sender, signals) = mpsc::channel();
        if std::mem::take(&mut state.is_cancelled) {
            let _ = sender.send(Signal::Cancelled);
        }
        state.waiting = Some(sender);
        Ok(Some(Waiting { desk: &self.desk, signals }))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.desk.lock().is_closed = true;
        self.desk.changed.notify_all();
    }
}

/// Somebody who waits for lines.
pub(crate) struct Waiting<'a> {
    desk: &'a Desk,
    signals: Receiver<Signal>,
}

impl Waiting<'_> {
    /// Asks for one line. What comes of it, and whatever else happens, comes through the channel.
    pub(crate) fn ask(&self) -> &Receiver<Signal> {
        self.desk.lock().is_wanted = true;
        self.desk.changed.notify_all();
        &self.signals
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.desk.lock().waiting = None;
    }
}

/// Ends the sign-ins of a terminal that are under way, from any thread, at once.
///
/// The wait, present or to come, ends with [`Fault::Cancelled`](entrada_core::Fault::Cancelled).
/// Sign-ins that begin later are not touched.
#[derive(Clone)]
pub struct Canceller {
    desk: Arc<Desk>,
}

impl Canceller {
    /// Gives up what is under way.
    pub fn cancel(&self) {
        let mut state = self.desk.lock();
        match &state.waiting {
            Some(waiting) => {
                let _ = waiting.send(Signal::Cancelled);
            }
            None => state.is_cancelled = state.open > 0,
        }
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canceller({} under way)", self.desk.lock().open)
    }
}

fn read_on_demand(mut reader: Box<dyn Read + Send>, desk: &Desk) {
    loop {
        let is_idle = |state: &mut State| !state.is_wanted && !state.is_closed;
        let state = desk.changed.wait_while(desk.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return;
        }
        drop(state);
        let signal = read_line(&mut reader);
        let mut state = desk.lock();
        state.is_wanted = false;
        // A line that nobody waits for any more was for a sign-in that is over.
        if let Some(waiting) = &state.waiting {
            let _ = waiting.send(signal);
        }
    }
}

/// Byte by byte: what follows the line belongs to whoever reads next.
fn read_line(reader: &mut impl Read) -> Signal {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_LIMIT));
    let mut is_too_long = false;
    let mut has_begun = false;
    loop {
        let mut byte = [0];
        match reader.read(&mut byte) {
            Ok(0) if !has_begun => return Signal::End,
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if line.len() == LINE_LIMIT => is_too_long = true,
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Signal::Failed(error),
        }
        has_begun = true;
    }
    if is_too_long {
        return Signal::TooLong;
    }
    Signal::Line(Zeroizing::new(String::from_utf8_lossy(&line).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_the_line() {
        let mut reader = io::Cursor::new(b"one\r\ntwo".to_vec());
        assert!(matches!(read_line(&mut reader), Signal::Line(line) if *line == "one\r"));
        assert_eq!(reader.position(), 5);
        assert!(matches!(read_line(&mut reader), Signal::Line(line) if *line == "two"));
        assert!(matches!(read_line(&mut reader), Signal::End));
    }

    #[test]
    fn a_long_line_is_skipped_whole() {
        let mut reader = io::Cursor::new(format!("{}\nnext\n", "x".repeat(LINE_LIMIT + 1)).into_bytes());
        assert!(matches!(read_line(&mut reader), Signal::TooLong));
        assert!(matches!(read_line(&mut reader), Signal::Line(line) if *line == "next"));
        let mut reader = io::Cursor::new("x".repeat(LINE_LIMIT).into_bytes());
        assert!(matches!(read_line(&mut reader), Signal::Line(line) if line.len() == LINE_LIMIT));
    }
}
