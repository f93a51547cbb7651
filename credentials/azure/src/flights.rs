//! Single flight: who asks for what somebody is already getting waits for that.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot::{Receiver, Sender, channel};

/// The work that is under way, and who waits for it.
pub(crate) struct Flights<K: Eq + Hash, V: Clone> {
    waiting: Mutex<HashMap<K, Vec<Sender<V>>>>,
}

impl<K: Eq + Hash, V: Clone> Default for Flights<K, V> {
    fn default() -> Self {
        Self { waiting: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Flights<K, V> {
    /// The answer to wait for; and where nobody is at it yet, the work itself, which is now the caller's.
    pub(crate) fn join(self: &Arc<Self>, key: &K) -> (Receiver<V>, Option<Flight<K, V>>) {
        let (sender, receiver) = channel();
        let mut waiting = self.locked();
        if let Some(others) = waiting.get_mut(key) {
            others.push(sender);
            return (receiver, None);
        }
        waiting.insert(key.clone(), vec![sender]);
        (receiver, Some(Flight { flights: Arc::clone(self), key: Some(key.clone()) }))
    }
}

impl<K: Eq + Hash, V: Clone> Flights<K, V> {
    fn locked(&self) -> MutexGuard<'_, HashMap<K, Vec<Sender<V>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A piece of work; dropped before it has landed, nobody waits for it any more.
pub(crate) struct Flight<K: Eq + Hash, V: Clone> {
    flights: Arc<Flights<K, V>>,
    key: Option<K>,
}

impl<K: Eq + Hash, V: Clone> Flight<K, V> {
    /// Gives the answer to all who still wait. Whoever comes from here on asks anew.
    pub(crate) fn land(mut self, answer: &V) {
        for sender in self.take_waiting() {
            let _ = sender.send(answer.clone());
        }
    }

    /// Once only: after that the key may be somebody else's flight.
    fn take_waiting(&mut self) -> Vec<Sender<V>> {
        self.key.take().and_then(|key| self.flights.locked().remove(&key)).unwrap_or_default()
    }
}

impl<K: Eq + Hash, V: Clone> Drop for Flight<K, V> {
    fn drop(&mut self) {
        self.take_waiting();
    }
}
