//! Asking until a line is of use.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Instant;

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::Listener;
use entrada_core::words::span;
use entrada_core::{Fault, Listening, Receive, Redirect};
use url::Url;

use crate::browser::Screen;
use crate::lines::{Lines, Signal};
use crate::pasted::{Reading, read};

/// The wait for a pasted redirect.
pub(crate) struct Paste {
    listening: Listening,
    redirect_uri: Url,
    screen: Screen,
    lines: Arc<Lines>,
}

impl Paste {
    pub(crate) fn new(listening: Listening, redirect_uri: Url, screen: Screen, lines: Arc<Lines>) -> Self {
        lines.enter();
        Self { listening, redirect_uri, screen, lines }
    }
}

impl Listener for Paste {
    fn listening(&self) -> &Listening {
        &self.listening
    }

    fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError> {
        let since = Instant::now();
        let waiting = self.lines.wait().map_err(|error| AdapterError::io("starting to read lines", error))?;
        let Some(waiting) = waiting else {
            let sentence = "another sign-in waits for a line here: finish that one first";
            return Err(AdapterError::new(Fault::Denied, sentence));
        };
        loop {
            let left = query.timeout.saturating_sub(since.elapsed());
            let complaint = match waiting.ask().recv_timeout(left) {
                Ok(Signal::Line(line)) => match read(&line, &self.redirect_uri, &query.state) {
                    Reading::Redirect(redirect) => return Ok(redirect),
                    Reading::Nothing => continue,
                    Reading::Unusable(why) => why,
                },
                Ok(Signal::TooLong) => "That line is too long to be the address.",
                Ok(Signal::End) => {
                    return Err(AdapterError::new(Fault::Cancelled, "the input ended before the address was pasted"));
                }
                Ok(Signal::Failed(error)) => return Err(AdapterError::io("reading the pasted address", error)),
                Ok(Signal::Cancelled) => return Err(AdapterError::new(Fault::Cancelled, "the sign-in was cancelled")),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let sentence = format!("nothing of use was pasted within {}", span(query.timeout));
                    return Err(AdapterError::new(Fault::TimedOut, sentence));
                }
            };
            self.screen.show(&format!("{complaint}\nPaste the address, or the value of `code` in it:\n"))?;
        }
    }

    /// A terminal has one who waits, so that what ends any wait ends this one.
    fn stopper(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        let canceller = self.lines.canceller();
        Some(Box::new(move || canceller.cancel()))
    }
}

impl Drop for Paste {
    fn drop(&mut self) {
        self.lines.leave();
    }
}

impl fmt::Debug for Paste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paste").field("listening", &self.listening).finish_non_exhaustive()
    }
}
