//! The connections to one app that are kept.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::connection::Connection;

/// Idle connections, the one that was used last at the end.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<(Connection, Instant)>>,
}

/// How many are kept.
const MOST: usize = 256;

/// How long one is kept: servers close theirs sooner or later, and the later it is, the likelier.
const LONGEST: Duration = Duration::from_secs(15);

impl Pool {
    /// One that is still open.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() < LONGEST && connection.is_open() {
                return Some(connection);
            }
        }
    }

    /// Keeps it, where it can be used again. One whose request is still being sent cannot: the answer came before its end.
    pub(crate) fn put(&self, mut connection: Connection) {
        if !connection.is_open() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST {
            idle.push((connection, Instant::now()));
        }
    }

    /// Closes those that were kept too long.
    pub(crate) fn sweep(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = idle.partition_point(|(_, since)| since.elapsed() >= LONGEST);
        let old: Vec<_> = idle.drain(..fresh).collect();
        drop(idle);
        drop(old);
    }
}
