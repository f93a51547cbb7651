//! Standard error for those who must not wait for whoever reads it.
//!
//! A terminal that is stopped, or a pipe that nobody reads, takes a line when it pleases. While a thread [speaks](Aside::speak)
//! for all others, they hand their lines to it and go on; what nobody reads in time is left out, the oldest first.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// As many bytes may wait as a pipe holds.
const MOST: usize = 64 * 1024;

/// How long the end waits for what is not written yet.
const PATIENCE: Duration = Duration::from_millis(500);

/// To the line's beginning, and what was there gone.
const CLEAR: &str = "\r\x1b[K";

/// Of this process.
pub(crate) static ASIDE: Aside = Aside::new();

/// Lines on their way to the thread that speaks.
pub(crate) struct Aside {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    phase: Phase,
    lines: VecDeque<String>,
    bytes: usize,
    left_out: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nobody speaks for others.
    Off,
    On,
    /// No more than what is there already.
    Ending,
}

/// What is to be done next by the thread that speaks.
enum Next {
    Say(String),
    Draw,
    End,
}

impl Aside {
    const fn new() -> Self {
        let state = State { phase: Phase::Off, lines: VecDeque::new(), bytes: 0, left_out: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Takes a line, with its end, from whoever must not wait; gives it back where nobody speaks for others.
    pub(crate) fn take(&self, line: String) -> Result<(), String> {
        let mut state = self.state();
        if state.phase == Phase::Off {
            return Err(line);
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        while state.bytes > MOST
            && let Some(oldest) = state.lines.pop_front()
        {
            state.bytes -= oldest.len();
            state.left_out += 1;
        }
        self.changed.notify_all();
        Ok(())
    }

    /// From now on lines are taken, for the thread that is about to speak.
    pub(crate) fn begin(&self) {
        self.state().phase = Phase::On;
    }

    /// Nobody speaks for others after all.
    pub(crate) fn cancel(&self) {
        self.state().phase = Phase::Off;
    }

    /// Says what it takes until the end, and below that the line that is drawn anew each time, as often as that.
    pub(crate) fn speak(&self, mut out: impl Write, line: Option<(Duration, &dyn Fn() -> String)>) {
        let every = line.as_ref().map(|(every, _)| *every);
        let mut shown = String::new();
        loop {
            let next = self.next(every);
            let clear = if shown.is_empty() { "" } else { CLEAR };
            // That nobody reads it is no failure.
            let _ = match &next {
                Next::Say(text) => {
                    shown.clear();
                    out.write_all(format!("{clear}{text}").as_bytes())
                }
                Next::Draw => line.as_ref().map_or(Ok(()), |(_, draw)| redraw(&mut out, &mut shown, draw())),
                Next::End => out.write_all(clear.as_bytes()),
            };
            if matches!(next, Next::End) {
                self.cancel();
                return self.changed.notify_all();
            }
        }
    }

    /// Has the thread that speaks come to its end, and what was shown gone; waits for it for a while, but not where nobody
    /// reads.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        if state.phase == Phase::On {
            state.phase = Phase::Ending;
            self.changed.notify_all();
        }
        let is_speaking = |state: &mut State| state.phase != Phase::Off;
        drop(self.changed.wait_timeout_while(state, PATIENCE, is_speaking));
    }

    fn next(&self, every: Option<Duration>) -> Next {
        let since = Instant::now();
        let mut state = self.state();
        loop {
            if state.left_out > 0 {
                let count = std::mem::take(&mut state.left_out);
                let lines = if count == 1 { "line" } else { "lines" };
                return Next::Say(format!("({count} {lines} left out here, as nobody read in time)\n"));
            }
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                return Next::Say(line);
            }
            if state.phase != Phase::On {
                return Next::End;
            }
            state = match every.map(|every| every.saturating_sub(since.elapsed())) {
                Some(Duration::ZERO) => return Next::Draw,
                Some(rest) => self.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Draws what is new.
fn redraw(out: &mut impl Write, shown: &mut String, text: String) -> io::Result<()> {
    if *shown == text {
        return Ok(());
    }
    let drawn = out.write_all(format!("{CLEAR}{text}").as_bytes());
    *shown = text;
    drawn
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread;

    use super::*;

    /// A writer that waits, each time, until it is let on.
    struct Stopped {
        let_on: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Stopped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.let_on.recv();
            let _ = self.written.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_nobody_reads_is_left_out_the_oldest_first() {
        let (let_on, waits) = mpsc::channel();
        let (written, texts) = mpsc::channel();
        let aside = Aside::new();
        assert_eq!(aside.take("direct\n".into()), Err("direct\n".into()));
        aside.begin();
        thread::scope(|scope| {
            aside.take("first\n".into()).unwrap();
            scope.spawn(|| aside.speak(Stopped { let_on: waits, written }, None));
            // It is taken, and no longer among those that may be left out.
            while !aside.state().lines.is_empty() {
                thread::yield_now();
            }
            let line = format!("{}\n", "x".repeat(1023));
            (0..100).for_each(|_| aside.take(line.clone()).unwrap());
            let bytes = aside.state().bytes;
            assert_eq!(bytes, MOST);
            aside.end();
            aside.take("last\n".into()).unwrap();
            drop(let_on);
            aside.end();
            assert!(aside.take("direct\n".into()).is_err(), "it has ended");
        });
        let texts: Vec<String> = texts.iter().collect();
        assert_eq!(texts[..2], ["first\n", "(37 lines left out here, as nobody read in time)\n"]);
        assert_eq!((texts.len(), texts[65].as_str()), (66, "last\n"));
    }

    #[test]
    fn the_line_is_drawn_where_it_is_new_and_makes_room_for_what_is_said() {
        let (written, texts) = mpsc::channel();
        let aside = Aside::new();
        aside.begin();
        let numbers = Mutex::new("1");
        let draw = || (*numbers.lock().unwrap()).to_owned();
        thread::scope(|scope| {
            let out = Stopped { let_on: mpsc::channel().1, written };
            scope.spawn(|| aside.speak(out, Some((Duration::from_millis(1), &draw))));
            assert_eq!(texts.recv().unwrap(), "\r\x1b[K1");
            *numbers.lock().unwrap() = "2";
            assert_eq!(texts.recv().unwrap(), "\r\x1b[K2");
            aside.take("said\n".into()).unwrap();
            assert_eq!(texts.recv().unwrap(), "\r\x1b[Ksaid\n");
            assert_eq!(texts.recv().unwrap(), "\r\x1b[K2");
            aside.end();
        });
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["\r\x1b[K"], "the same is not drawn again");
    }
}
