//! A cache as it was at one moment, shared by all who look into it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::TokenCache;
use crate::Authority;
use crate::protocol::PublishedApp;

/// What was found where the cache is kept, read once; a copy of it costs next to nothing.
///
/// Whoever drives a flow by hand makes one of the bytes that they loaded. A store that can tell cheaply that
/// its bytes are still the same hands out the same snapshot again, and saves reading them.
///
/// ```
/// use entrada_core::cache::Snapshot;
///
/// assert!(!Snapshot::of(Some(b"{}".to_vec())).is_corrupt());
/// assert!(Snapshot::of(Some(b"half a cach".to_vec())).is_corrupt());
/// ```
#[derive(Clone, Default)]
pub struct Snapshot(State);

#[derive(Clone, Default)]
enum State {
    #[default]
    Nothing,
    Known(Arc<TokenCache>),
    Corrupt,
}

impl Snapshot {
    /// Of the cache's bytes; `None` where there are none yet.
    pub fn of(bytes: Option<Vec<u8>>) -> Self {
        Self(match bytes.map(TokenCache::from_bytes) {
            None => State::Nothing,
            Some(Ok(cache)) => State::Known(Arc::new(cache)),
            Some(Err(_)) => State::Corrupt,
        })
    }

    /// Whether the bytes are no cache.
    pub fn is_corrupt(&self) -> bool {
        matches!(self.0, State::Corrupt)
    }

    /// What was learnt earlier of the published app that a URL is of, with the scope that its proxy has accepted.
    ///
    /// Where an authority is named, only what was learnt at that one; else what was learnt at one of Microsoft's.
    pub fn published_app(&self, url: &str, named: Option<&Authority>) -> Option<PublishedApp> {
        match &self.0 {
            State::Known(cache) => cache.published_app(url, named),
            State::Nothing | State::Corrupt => None,
        }
    }

    /// The cache, be it empty; `None` where the bytes are none.
    pub(crate) fn into_cache(self) -> Option<Arc<TokenCache>> {
        match self.0 {
            State::Nothing => Some(Arc::default()),
            State::Known(cache) => Some(cache),
            State::Corrupt => None,
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Nothing => f.write_str("Snapshot(nothing)"),
            State::Known(cache) => f.debug_tuple("Snapshot").field(cache).finish(),
            State::Corrupt => f.write_str("Snapshot(corrupt)"),
        }
    }
}
