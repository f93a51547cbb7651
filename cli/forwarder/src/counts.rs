//! What has gone through, for whoever wants to show it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that grow while the forwarder runs.
#[derive(Debug, Default)]
pub struct Counts {
    pub(crate) requests: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) up: AtomicU64,
    pub(crate) down: AtomicU64,
    pub(crate) errors: AtomicU64,
    /// Seconds since 1970, for each app; 0 where there is no token.
    token_ends: Box<[AtomicU64]>,
}

impl Counts {
    /// Requests so far, those among them that were turned away.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests whose answer is not complete, and tunnels.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Bytes of bodies and tunnels that clients have sent.
    pub fn bytes_up(&self) -> u64 {
        self.up.load(Ordering::Relaxed)
    }

    /// Bytes of bodies and tunnels that clients were sent.
    pub fn bytes_down(&self) -> u64 {
        self.down.load(Ordering::Relaxed)
    }

    /// Answers of 500 and above, and requests that were turned away.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// When the token in use ends, in seconds since 1970: of several apps', the first to end. `None` where one is missing.
    pub fn first_token_ends(&self) -> Option<u64> {
        self.token_ends.iter().map(|ends| ends.load(Ordering::Relaxed)).min().filter(|ends| *ends > 0)
    }

    pub(crate) fn of(apps: usize) -> Self {
        Self { token_ends: (0..apps).map(|_| AtomicU64::new(0)).collect(), ..Self::default() }
    }

    pub(crate) fn token_ends(&self, app: usize, ends: u64) {
        if let Some(known) = self.token_ends.get(app) {
            known.store(ends, Ordering::Relaxed);
        }
    }

    pub(crate) fn add(number: &AtomicU64, count: usize) {
        number.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// One of those that are open, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Open(pub(crate) std::sync::Arc<Counts>);

impl Open {
    pub(crate) fn new(counts: &std::sync::Arc<Counts>) -> Self {
        counts.open.fetch_add(1, Ordering::Relaxed);
        Self(std::sync::Arc::clone(counts))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
