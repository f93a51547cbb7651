//! A token cache of entrada that lives in memory: for tests, for programs that must leave no trace, and
//! for those that keep the bytes somewhere themselves.
//!
//! ```
//! use entrada_cache_memory::MemoryCache;
//! use entrada_core::ports::blocking::Cache;
//!
//! let cache = MemoryCache::from_bytes(b"{}");
//! let other_handle = cache.clone();
//! cache.save(br#"{"AccessToken":{}}"#)?;
//! assert_eq!(other_handle.bytes().as_deref(), Some(&br#"{"AccessToken":{}}"#[..]));
//! # Ok::<(), entrada_core::ports::AdapterError>(())
//! ```

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entrada_core::Fault;
use entrada_core::cache::Snapshot;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Cache, TryLock};
use zeroize::Zeroizing;

/// A cache in memory, shared by its clones and wiped when the last of them is dropped.
#[derive(Clone, Default)]
pub struct MemoryCache {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    content: Mutex<Content>,
    locked: AtomicBool,
    /// The names of the sign-ins under way.
    signing_in: Mutex<HashSet<String>>,
}

#[derive(Default)]
struct Content {
    present: Option<Zeroizing<Vec<u8>>>,
    /// The present bytes, read, where somebody has looked already.
    snapshot: Option<Snapshot>,
    aside: Vec<Zeroizing<Vec<u8>>>,
}

impl Content {
    fn replace(&mut self, bytes: Option<Zeroizing<Vec<u8>>>) -> Option<Zeroizing<Vec<u8>>> {
        self.snapshot = None;
        std::mem::replace(&mut self.present, bytes)
    }
}

impl MemoryCache {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// With these bytes in it, as [`bytes`](Self::bytes) gave them once.
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Self {
        let cache = Self::new();
        cache.content().replace(Some(copy(bytes.as_ref())));
        cache
    }

    /// All bytes that are in it now; they hold tokens, and this copy of them is the caller's to wipe.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        self.content().present.as_ref().map(|bytes| bytes.to_vec())
    }

    /// What was set aside because it could not be read, oldest first.
    pub fn aside(&self) -> Vec<Vec<u8>> {
        self.content().aside.iter().map(|bytes| bytes.to_vec()).collect()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // A panic elsewhere cannot have left half a change here: each begins with the snapshot's end.
        self.shared.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache for MemoryCache {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        Ok(self.bytes())
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        let mut content = self.content();
        if let Some(snapshot) = &content.snapshot {
            return Ok(snapshot.clone());
        }
        let bytes = content.present.as_ref().map(|bytes| bytes.to_vec());
        Ok(content.snapshot.insert(Snapshot::of(bytes)).clone())
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        self.content().replace(Some(copy(bytes)));
        Ok(())
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        let mut content = self.content();
        let Some(bytes) = content.replace(None) else {
            return Err(AdapterError::new(Fault::NotFound, "the cache in memory is empty: nothing to set aside"));
        };
        content.aside.push(bytes);
        Ok(format!("memory (set aside, number {})", content.aside.len()))
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        if self.shared.locked.swap(true, Ordering::Acquire) {
            return Ok(TryLock::Busy);
        }
        Ok(TryLock::Held(Box::new(Guard { shared: Arc::clone(&self.shared) })))
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        if !self.shared.signing_in().insert(name.to_owned()) {
            return Ok(TryLock::Busy);
        }
        Ok(TryLock::Held(Box::new(SignInGuard { shared: Arc::clone(&self.shared), name: name.to_owned() })))
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }
}

/// Frees the lock when dropped.
struct Guard {
    shared: Arc<Shared>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.locked.store(false, Ordering::Release);
    }
}

/// The same for the sign-ins of a name.
struct SignInGuard {
    shared: Arc<Shared>,
    name: String,
}

impl Drop for SignInGuard {
    fn drop(&mut self) {
        self.shared.signing_in().remove(&self.name);
    }
}

impl Shared {
    fn signing_in(&self) -> MutexGuard<'_, HashSet<String>> {
        self.signing_in.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of the exact size, so that no growing leaves an unwiped copy behind.
fn copy(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.content().present.as_ref().map(|bytes| bytes.len());
        f.debug_struct("MemoryCache").field("length", &length).finish_non_exhaustive()
    }
}
