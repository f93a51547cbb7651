//! The connections that are kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Connection;
use super::connect::Route;
use super::outgoing::Writes;

/// Idle connections, by where they lead.
pub(super) struct Pool<C> {
    idle: Mutex<HashMap<Route, Vec<Idle<C>>>>,
}

struct Idle<C> {
    connection: C,
    writes: Writes,
    since: Instant,
}

/// How many are kept for each route.
const MOST: usize = 8;

/// How long one is kept: servers close theirs sooner or later, and the later it is, the likelier.
const LONGEST: Duration = Duration::from_secs(15);

impl<C: Connection> Pool<C> {
    pub(super) fn new() -> Self {
        Self { idle: Mutex::new(HashMap::new()) }
    }

    /// The connection on this route that was used last, of those that are still open.
    pub(super) fn take(&self, route: &Route) -> Option<(C, Writes)> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(route)?;
        while let Some(mut last) = kept.pop() {
            if last.since.elapsed() < LONGEST && last.connection.is_open() {
                return Some((last.connection, last.writes));
            }
        }
        idle.remove(route);
        None
    }

    /// Keeps a connection, and lets go of those that were kept too long.
    pub(super) fn put(&self, route: &Route, connection: C, writes: Writes) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, kept| {
            kept.retain(|one| one.since.elapsed() < LONGEST);
            !kept.is_empty()
        });
        let kept = idle.entry(route.clone()).or_default();
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push(Idle { connection, writes, since: Instant::now() });
    }
}
