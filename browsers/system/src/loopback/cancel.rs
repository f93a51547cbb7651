//! Ending a wait from another thread.

use std::fmt;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use super::{Signal, lock};

/// Ends the sign-ins of a browser that are under way, from any thread, at once.
///
/// Each open listener's wait, present or to come, ends with
/// [`Fault::Cancelled`](entrada_core::Fault::Cancelled). Sign-ins that begin later are not touched.
#[derive(Clone, Default)]
pub struct Canceller {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    next: u64,
    listeners: Vec<(u64, Sender<Signal>)>,
}

impl Canceller {
    /// Gives up what is under way.
    pub fn cancel(&self) {
        for (_, signals) in &lock(&self.open).listeners {
            // One that has just gone needs no telling.
            let _ = signals.send(Signal::Cancelled);
        }
    }

    /// Takes a listener in; it is out again when the returned value is dropped.
    pub(super) fn enter(&self, signals: Sender<Signal>) -> Entered {
        let mut open = lock(&self.open);
        let number = open.next;
        open.next += 1;
        open.listeners.push((number, signals));
        Entered { number, canceller: self.clone() }
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canceller({} under way)", lock(&self.open).listeners.len())
    }
}

/// A listener's entry.
pub(super) struct Entered {
    number: u64,
    canceller: Canceller,
}

impl Drop for Entered {
    fn drop(&mut self) {
        lock(&self.canceller.open).listeners.retain(|(number, _)| *number != self.number);
    }
}
