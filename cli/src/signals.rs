//! The signals that ask for an end.

use async_signal::{Signal, Signals};
use futures::StreamExt as _;

use crate::failure::{Failure, OTHER};

/// Those that arrive from now on, in place of what they would do by themselves. One of a terminal that went away stays
/// ignored where `nohup` has said so.
pub(crate) fn caught() -> Result<Signals, Failure> {
    let hup = (!is_ignored(Signal::Hup)).then_some(Signal::Hup);
    Signals::new([Signal::Int, Signal::Term].into_iter().chain(hup))
        .map_err(|error| Failure::new(OTHER, "signals", format!("signals cannot be waited for: {error}")))
}

/// Whether whoever started this wants the signal to be ignored; Linux alone tells so without `unsafe`.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (number(signal) - 1) & 1 == 1)
}

/// The next one that arrives.
pub(crate) async fn next(signals: &mut Signals) -> Signal {
    loop {
        if let Some(Ok(signal)) = signals.next().await {
            return signal;
        }
    }
}

/// How a process exits that a signal ends, as a shell tells it.
pub(crate) fn exit_code(signal: Signal) -> u8 {
    128 + number(signal)
}

fn number(signal: Signal) -> u8 {
    match signal {
        Signal::Hup => 1,
        Signal::Int => 2,
        _ => 15,
    }
}
