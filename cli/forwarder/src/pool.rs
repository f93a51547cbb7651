//! The connections to one app that are kept, by each worker its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::worker::Worker;

/// Idle connections of each worker, the one that was used last at the end.
pub(crate) struct Pool {
    idle: Box<[Mutex<Idle>]>,
    most: usize,
}

type Idle = Vec<(Connection, Instant)>;

/// How many are kept in all, and by each its share.
const MOST: usize = 256;

/// How long one is kept: servers close theirs sooner or later, and the later it is, the likelier.
const LONGEST: Duration = Duration::from_secs(15);

impl Pool {
    pub(crate) fn new(workers: usize) -> Self {
        Self { idle: (0..workers).map(|_| Mutex::default()).collect(), most: MOST.div_ceil(workers) }
    }

    /// One that is still open; another worker's where this one has none.
    pub(crate) fn take(&self) -> Option<Connection> {
        let (others, own) = self.idle.split_at(self.own());
        own.iter().chain(others).find_map(|idle| {
            loop {
                let (mut connection, since) = locked(idle).pop()?;
                if since.elapsed() < LONGEST && connection.is_open() {
                    return Some(connection);
                }
            }
        })
    }

    /// The place of the worker on whose thread this is called; another forwarder's may have a higher number.
    fn own(&self) -> usize {
        Worker::current().map_or(0, |worker| worker.number % self.idle.len())
    }

    /// Keeps it, where it can be used again. One whose request is still being sent cannot: the answer came before its end.
    pub(crate) fn put(&self, mut connection: Connection) {
        if !connection.is_open() {
            return;
        }
        let mut idle = locked(&self.idle[self.own()]);
        if idle.len() < self.most {
            idle.push((connection, Instant::now()));
        }
    }

    /// Closes those that were kept too long.
    pub(crate) fn sweep(&self) {
        for idle in &self.idle {
            let mut idle = locked(idle);
            let fresh = idle.partition_point(|(_, since)| since.elapsed() >= LONGEST);
            let old: Vec<_> = idle.drain(..fresh).collect();
            drop(idle);
            drop(old);
        }
    }
}

fn locked(idle: &Mutex<Idle>) -> MutexGuard<'_, Idle> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
