//! The signals that ask for an end.

use async_signal::{Signal, Signals};

use crate::failure::{Failure, OTHER};

/// Those that arrive from now on, in place of what they would do by themselves.
pub(crate) fn signals() -> Result<Signals, Failure> {
    Signals::new([Signal::Int, Signal::Term, Signal::Hup])
        .map_err(|error| Failure::new(OTHER, "signals", format!("signals cannot be waited for: {error}")))
}

/// The signal's number: a process that it ends exits with 128 and that.
pub(crate) fn number(signal: Signal) -> u8 {
    match signal {
        Signal::Hup => 1,
        Signal::Int => 2,
        _ => 15,
    }
}
