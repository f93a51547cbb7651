//! What each flow has seen last, as its save replaces that and nothing else.
//!
//! A flow loads and saves on one thread, or, driven asynchronously, wherever it happens to be. So a look is found by
//! the lock that it was made under, and else by the thread that made it. A wrong guess towards the older one costs
//! a merge and loses nothing.

use std::sync::Arc;
use std::thread::ThreadId;

use zeroize::Zeroizing;

/// More than any flow waits between a look and a save.
const KEPT: usize = 64;

/// A version and its bytes; an empty version is that of nothing.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) version: String,
    pub(crate) bytes: Arc<Zeroizing<Vec<u8>>>,
}

struct Look {
    thread: ThreadId,
    lock: Option<String>,
    seen: Seen,
}

#[derive(Default)]
pub(crate) struct Looks {
    looks: Vec<Look>,
    /// The lock that is had, until it is given back.
    held: Option<String>,
}

impl Looks {
    /// Whether somebody took the lock and has not given it back, expired or not.
    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    pub(crate) fn locked(&mut self, token: &str) {
        self.held = Some(token.to_owned());
    }

    pub(crate) fn unlocked(&mut self, token: &str) {
        self.looks.retain(|look| look.lock.as_deref() != Some(token));
        if self.held.as_deref() == Some(token) {
            self.held = None;
        }
    }

    /// A look with the lock held, if there is one.
    pub(crate) fn loaded(&mut self, seen: Seen) {
        let lock = self.held.clone();
        self.add(lock, seen);
    }

    /// A look without.
    pub(crate) fn peeked(&mut self, seen: Seen) {
        self.add(None, seen);
    }

    fn add(&mut self, lock: Option<String>, seen: Seen) {
        let thread = std::thread::current().id();
        self.looks.retain(|look| !(look.thread == thread && (look.lock.is_none() || look.lock == lock)));
        if self.looks.len() == KEPT {
            self.looks.remove(0);
        }
        self.looks.push(Look { thread, lock, seen });
    }

    /// What a save on this thread is to replace.
    pub(crate) fn base(&self) -> Seen {
        let thread = std::thread::current().id();
        let latest = |is_fit: &dyn Fn(&Look) -> bool| self.looks.iter().rev().find(|look| is_fit(look));
        let held = latest(&|look| look.lock.is_some() && look.lock == self.held);
        let look = held.or_else(|| latest(&|look| look.thread == thread)).or_else(|| self.looks.first());
        look.map(|look| look.seen.clone()).unwrap_or_default()
    }

    /// What was saved is what a further save replaces.
    pub(crate) fn saved(&mut self, base: &str, seen: Seen) {
        let thread = std::thread::current().id();
        let place = |look: &&mut Look| look.seen.version == base && (look.thread == thread || look.lock.is_some());
        match self.looks.iter_mut().rev().find(place) {
            Some(look) => look.seen = seen,
            None => self.peeked(seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(version: &str) -> Seen {
        Seen { version: version.into(), ..Seen::default() }
    }

    #[test]
    fn a_peek_beside_the_holder_does_not_change_what_its_save_replaces() {
        let mut looks = Looks::default();
        looks.locked("lock");
        looks.loaded(seen("1"));
        std::thread::scope(|scope| scope.spawn(|| looks.peeked(seen("2"))).join()).unwrap();
        assert_eq!(looks.base().version, "1");
        let elsewhere = std::thread::scope(|scope| scope.spawn(|| looks.base().version).join()).unwrap();
        assert_eq!(elsewhere, "1", "whichever thread the holder goes on with");
    }
}
