//! Which answer is for whom: windows bring them, listeners wait for them, and a sign-in's `state` brings both together.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entrada_core::Secret;
use url::form_urlencoded;

/// What ends a wait.
pub(crate) enum Signal {
    /// The redirect, with its parameters.
    Redirect(Secret),
    /// The user closed the window.
    Closed,
    /// There is no window, for this reason.
    Failed(String),
    /// Somebody gave up.
    Cancelled,
}

/// The sign-ins of one browser that are under way.
#[derive(Default)]
pub(crate) struct Desk {
    room: Mutex<Room>,
}

#[derive(Default)]
struct Room {
    listeners: Vec<Waiting>,
    windows: Vec<Shown>,
}

struct Waiting {
    number: u64,
    /// Known once it waits.
    state: Option<String>,
    signals: Sender<Signal>,
}

struct Shown {
    number: u64,
    /// Of the sign-in that it was opened for.
    state: String,
    /// What came of it before anybody waited.
    early: Option<Signal>,
}

impl Desk {
    /// A listener begins: its number, and where it hears of things.
    pub(crate) fn enter(&self) -> (u64, Receiver<Signal>) {
        let (signals, heard) = mpsc::channel();
        let mut room = self.lock();
        let number = number();
        room.listeners.push(Waiting { number, state: None, signals });
        (number, heard)
    }

    /// A window is about to open; `None` where no listener is left that it could be for.
    pub(crate) fn show(&self, state: &str) -> Option<u64> {
        let mut room = self.lock();
        if !room.listeners.iter().any(|waiting| waiting.state.as_deref().is_none_or(|of| of == state)) {
            return None;
        }
        let number = number();
        room.windows.push(Shown { number, state: state.to_owned(), early: None });
        Some(number)
    }

    /// Whether somebody may still be waiting for this window.
    pub(crate) fn expects(&self, window: u64) -> bool {
        self.lock().windows.iter().any(|shown| shown.number == window)
    }

    /// The listener waits for this state from now on, and hears at once of what has come already.
    pub(crate) fn await_state(&self, listener: u64, state: &str) {
        let mut room = self.lock();
        let Room { listeners, windows, .. } = &mut *room;
        let Some(waiting) = listeners.iter_mut().find(|waiting| waiting.number == listener) else { return };
        waiting.state = Some(state.to_owned());
        for shown in windows.iter_mut().filter(|shown| shown.state == state) {
            if let Some(early) = shown.early.take() {
                let _ = waiting.signals.send(early);
            }
        }
    }

    /// A window has come to the redirect URI with these parameters. They count if they have exactly one state, one that is
    /// awaited, and a code or an error.
    pub(crate) fn redirected(&self, window: u64, parameters: Secret) {
        let pairs = || form_urlencoded::parse(parameters.expose().as_bytes());
        let states: Vec<_> = pairs().filter(|(name, _)| name == "state").map(|(_, value)| value.into_owned()).collect();
        let [state] = &states[..] else { return };
        if !pairs().any(|(name, _)| name == "code" || name == "error") {
            return;
        }
        let mut room = self.lock();
        if let Some(waiting) = room.listeners.iter().find(|waiting| waiting.state.as_ref() == Some(state)) {
            let _ = waiting.signals.send(Signal::Redirect(parameters));
        } else if let Some(shown) =
            room.windows.iter_mut().find(|shown| shown.number == window && shown.state == *state)
        {
            shown.early = Some(Signal::Redirect(parameters));
        }
    }

    /// A window is gone, by the user's hand or because it could not be opened.
    pub(crate) fn lost(&self, window: u64, why: Signal) {
        let mut room = self.lock();
        let Room { listeners, windows, .. } = &mut *room;
        let Some(at) = windows.iter().position(|shown| shown.number == window) else { return };
        match listeners.iter().find(|waiting| waiting.state.as_ref() == Some(&windows[at].state)) {
            Some(waiting) => {
                let _ = waiting.signals.send(why);
                windows.remove(at);
            }
            // It may have brought the redirect before; that is what counts.
            None => {
                windows[at].early.get_or_insert(why);
            }
        }
    }

    /// The wait for this state has ended: the numbers of the windows that are to close.
    pub(crate) fn close(&self, state: &str) -> Vec<u64> {
        self.lock().take_windows(|shown| shown.state == state)
    }

    /// A listener has gone: the numbers of the windows that nobody waits for any more.
    pub(crate) fn leave(&self, listener: u64) -> Vec<u64> {
        let mut room = self.lock();
        room.listeners.retain(|waiting| waiting.number != listener);
        // Any window may be for one that has not said yet what it waits for.
        if room.listeners.iter().any(|waiting| waiting.state.is_none()) {
            return Vec::new();
        }
        let awaited: Vec<String> = room.listeners.iter().filter_map(|waiting| waiting.state.clone()).collect();
        room.take_windows(|shown| !awaited.contains(&shown.state))
    }

    /// Gives up this listener's wait, present or to come.
    pub(crate) fn cancel(&self, is_meant: impl Fn(u64) -> bool) {
        for waiting in self.lock().listeners.iter().filter(|waiting| is_meant(waiting.number)) {
            // One that has just gone needs no telling.
            let _ = waiting.signals.send(Signal::Cancelled);
        }
    }

    /// A thread that panicked while it held the lock left nothing half done: every change is one step.
    fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All desks share one screen, so no two windows of the process have the same number.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Room {
    fn take_windows(&mut self, is_over: impl Fn(&Shown) -> bool) -> Vec<u64> {
        let over = self.windows.iter().filter(|shown| is_over(shown)).map(|shown| shown.number).collect();
        self.windows.retain(|shown| !is_over(shown));
        over
    }
}

/// Ends the sign-ins of a browser that are under way, from any thread, at once.
///
/// Each open listener's wait, present or to come, ends with [`Fault::Cancelled`](entrada_core::Fault::Cancelled), and its
/// window closes. Sign-ins that begin later are not touched.
#[derive(Clone)]
pub struct Canceller {
    desk: Arc<Desk>,
}

impl Canceller {
    pub(crate) fn new(desk: &Arc<Desk>) -> Self {
        Self { desk: Arc::clone(desk) }
    }

    /// Gives up what is under way.
    pub fn cancel(&self) {
        self.desk.cancel(|_| true);
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canceller({} under way)", self.desk.lock().listeners.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [u64; 0] = [];

    fn heard(signals: &Receiver<Signal>) -> Vec<String> {
        let word = |signal| match signal {
            Signal::Redirect(parameters) => parameters.expose().to_owned(),
            Signal::Closed => "closed".to_owned(),
            Signal::Failed(why) => why,
            Signal::Cancelled => "cancelled".to_owned(),
        };
        signals.try_iter().map(word).collect()
    }

    #[test]
    fn what_comes_before_the_wait_is_kept_and_goes_to_its_own_sign_in() {
        let desk = Desk::default();
        let ((first, to_first), (second, to_second)) = (desk.enter(), desk.enter());
        let (one, two) = (desk.show("s1").unwrap(), desk.show("s2").unwrap());
        desk.redirected(one, Secret::new("code=a&state=s1"));
        desk.lost(one, Signal::Closed);
        desk.lost(two, Signal::Closed);
        // The second listener's sign-in is the one that was shown first.
        desk.await_state(second, "s1");
        desk.await_state(first, "s2");
        assert_eq!(
            (heard(&to_first), heard(&to_second)),
            (vec!["closed".to_owned()], vec!["code=a&state=s1".to_owned()])
        );
    }

    #[test]
    fn a_window_closes_when_nobody_can_be_waiting_for_it() {
        let desk = Desk::default();
        assert_eq!(desk.show("s0"), None, "nobody listens");
        let ((first, _), (second, _)) = (desk.enter(), desk.enter());
        let one = desk.show("s1").unwrap();
        assert_eq!(desk.leave(first), NONE, "it may be the second one's");
        assert_eq!(desk.leave(second), [one]);

        let (waiting, _) = desk.enter();
        desk.await_state(waiting, "s2");
        assert_eq!(desk.show("s3"), None, "the only one waits for something else");
        let two = desk.show("s2").unwrap();
        let (third, _) = desk.enter();
        assert_eq!(desk.leave(third), NONE, "the other one's window stays");
        assert_eq!(desk.close("s2"), [two]);
        assert_eq!(desk.leave(waiting), NONE);
    }
}
