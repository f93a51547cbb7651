//! The time limits of a client's connection, with one timer for all of them.
//!
//! A timer for each request would cost more than the request's own system calls.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::serve::Place;

/// What a connection waits for, and since when.
pub(crate) struct Watch {
    begun: Instant,
    phase: AtomicU8,
    /// Milliseconds after it began.
    since: AtomicU64,
    /// The client had no room for what was to be written last: an answer is not over before it has.
    is_behind: AtomicBool,
    _place: Option<Place>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// For the head of a request.
    Idle,
    /// For a token, which has limits of its own, or for nothing: bodies and tunnels may rest.
    Free,
    /// For the head of an answer.
    Answer,
    /// For that, and too long.
    Late,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tick {
    /// Look again, after that long at the latest.
    After(Duration),
    /// The client has nothing to say: close.
    Close,
}

impl Watch {
    /// Of the connection in that place, which it keeps.
    pub(crate) fn of(place: Place) -> Self {
        Self { _place: Some(place), ..Self::new() }
    }

    pub(crate) fn new() -> Self {
        let (phase, since, is_behind) = (AtomicU8::new(Phase::Idle as u8), AtomicU64::new(0), AtomicBool::new(false));
        Self { begun: Instant::now(), phase, since, is_behind, _place: None }
    }

    /// Begins to wait for that.
    pub(crate) fn enter(&self, phase: Phase) {
        self.touch();
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Something has moved.
    pub(crate) fn touch(&self) {
        self.since.store(self.now(), Ordering::Relaxed);
    }

    /// The client takes what is written to it, or has no room for it.
    pub(crate) fn wrote(&self, is_taken: bool) {
        if self.is_behind.swap(!is_taken, Ordering::Relaxed) && is_taken {
            self.touch();
        }
    }

    /// Whether the answer is too late.
    pub(crate) fn is_late(&self) -> bool {
        self.phase.load(Ordering::Acquire) == Phase::Late as u8
    }

    pub(crate) fn tick(&self, limits: &Limits) -> Tick {
        let waited = Duration::from_millis(self.now().saturating_sub(self.since.load(Ordering::Relaxed)));
        let phase = self.phase.load(Ordering::Acquire);
        let limit = if phase == Phase::Idle as u8 && !self.is_behind.load(Ordering::Relaxed) {
            limits.idle
        } else if phase == Phase::Answer as u8 {
            limits.answer
        } else {
            return Tick::After(coarse(limits));
        };
        match limit.checked_sub(waited).filter(|rest| !rest.is_zero()) {
            Some(rest) => Tick::After(rest.min(coarse(limits))),
            None if phase == Phase::Idle as u8 => Tick::Close,
            None => {
                self.phase.store(Phase::Late as u8, Ordering::Release);
                Tick::After(coarse(limits))
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// How long a look may be put off: what it is for can begin right after the last one.
fn coarse(limits: &Limits) -> Duration {
    limits.idle.min(limits.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_has_its_limit() {
        let limits = Limits { idle: Duration::from_secs(50), answer: Duration::from_secs(200), ..Limits::default() };
        let watch = Watch::new();
        let after = |seconds: u64| watch.since.store(watch.now().wrapping_sub(seconds * 1000), Ordering::Relaxed);
        let late = Watch { begun: Instant::now().checked_sub(Duration::from_secs(500)).unwrap(), ..Watch::new() };
        assert_eq!(late.tick(&limits), Tick::Close);
        late.enter(Phase::Free);
        late.since.store(0, Ordering::Relaxed);
        assert_eq!(late.tick(&limits), Tick::After(Duration::from_secs(50)));
        late.enter(Phase::Answer);
        assert!(matches!(late.tick(&limits), Tick::After(_)) && !late.is_late());
        late.since.store(0, Ordering::Relaxed);
        late.tick(&limits);
        assert!(late.is_late());
        after(0);
        assert!(matches!(watch.tick(&limits), Tick::After(rest) if rest <= Duration::from_secs(50)));
    }
}
