//! The wait for what a window brings.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::Listener;
use entrada_core::words::span;
use entrada_core::{Fault, Listening, Receive, Redirect};

use crate::desk::{Desk, Signal};
use crate::screen;

/// One sign-in's end of the window.
pub(crate) struct WindowListener {
    listening: Listening,
    desk: Arc<Desk>,
    number: u64,
    signals: Receiver<Signal>,
}

impl WindowListener {
    pub(crate) fn new(listening: Listening, desk: Arc<Desk>) -> Self {
        let (number, signals) = desk.enter();
        Self { listening, desk, number, signals }
    }
}

impl Listener for WindowListener {
    fn listening(&self) -> &Listening {
        &self.listening
    }

    /// However it ends, the window is closed.
    fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError> {
        self.desk.await_state(self.number, &query.state);
        let signal = self.signals.recv_timeout(query.timeout);
        screen::close(self.desk.close(&query.state));
        let (fault, sentence) = match signal {
            Ok(Signal::Redirect(parameters)) => return Ok(Redirect::Parameters(parameters)),
            Ok(Signal::Closed) => (Fault::Cancelled, "the sign-in's window was closed".to_owned()),
            Ok(Signal::Cancelled) => (Fault::Cancelled, "the sign-in was cancelled".to_owned()),
            Ok(Signal::Failed(why)) => (Fault::NotFound, why),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                (Fault::TimedOut, format!("nobody has signed in in the window within {}", span(query.timeout)))
            }
        };
        // Whoever gave up twice gave up this sign-in.
        while self.signals.try_recv().is_ok() {}
        Err(AdapterError::new(fault, sentence))
    }

    fn stopper(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        let (desk, number) = (Arc::clone(&self.desk), self.number);
        Some(Box::new(move || desk.cancel(|listener| listener == number)))
    }
}

impl Drop for WindowListener {
    fn drop(&mut self) {
        screen::close(self.desk.leave(self.number));
    }
}

impl fmt::Debug for WindowListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowListener").field("listening", &self.listening).finish_non_exhaustive()
    }
}
