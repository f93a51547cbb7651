//! The cache in the keyring itself.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entrada_cache_file::FileCache;
use entrada_core::Fault;
use entrada_core::cache::Snapshot;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Cache, TryLock};

use crate::keyring::Keyring;
use crate::{parts, random};

/// The Credential Manager takes 2560 bytes; the others far more than a cache ever has.
const SPLIT_SIZE: usize = if cfg!(windows) { 2560 } else { 1 << 20 };

/// How often a save looks whether the one before it has ended.
const PAUSE: Duration = Duration::from_millis(2);

/// The token cache in the keyring, as one entry, or as several where one does not hold it.
///
/// For a few tokens: a keyring is slow, and Windows takes 2560 bytes in an entry. [`EncryptedFileCache`] has no such
/// limits.
///
/// [`EncryptedFileCache`]: crate::EncryptedFileCache
///
/// A keyring knows no locks and does not tell that it has changed. So there is a small file, with nothing secret in
/// it: the locks lie beside it, as [`FileCache`] has them, and it holds a random stamp that each save replaces. As long
/// as that is the same, [`snapshot`](Cache::snapshot) does not ask the keyring again. What is changed past this library,
/// such as in the keyring's own window, is seen by [`load`](Cache::load), and after the next save.
#[derive(Clone)]
pub struct KeyringCache {
    keyring: Keyring,
    name: String,
    stamp: FileCache,
    split_size: usize,
    memo: Arc<Mutex<Option<Stamped>>>,
}

/// A snapshot, and the stamp that it had.
type Stamped = (Vec<u8>, Snapshot);

impl KeyringCache {
    /// The cache under this name in the keyring, with its locks and its stamp at that path, which need not exist yet.
    pub fn new(keyring: Keyring, name: impl Into<String>, stamp: impl Into<PathBuf>) -> Self {
        Self { keyring, name: name.into(), stamp: FileCache::new(stamp), split_size: SPLIT_SIZE, memo: Arc::default() }
    }

    /// Where this user's stamp and locks are unless told otherwise: `keyring.stamp` in the folder of
    /// [`FileCache::default_path`]. `None` where the environment does not say where that is.
    pub fn default_stamp() -> Option<PathBuf> {
        Some(FileCache::default_path()?.with_file_name("keyring.stamp"))
    }

    /// The most bytes that one entry may hold: 2560 on Windows, elsewhere 1 MiB, and no fewer than 320.
    pub fn split_size(mut self, bytes: usize) -> Self {
        self.split_size = bytes.max(parts::SMALLEST);
        self
    }

    /// One save at a time, whoever makes it: its thread may outlive the wait for it, and so the cache's own lock.
    fn lock_saves(&self) -> Result<Option<Box<dyn Send>>, AdapterError> {
        let mut path = self.stamp.path().as_os_str().to_owned();
        path.push(".save");
        let lock = FileCache::new(path);
        let since = Instant::now();
        loop {
            match lock.try_lock()? {
                TryLock::Held(guard) => return Ok(Some(guard)),
                TryLock::Unsupported => return Ok(None),
                TryLock::Busy if since.elapsed() < self.keyring.limit() => std::thread::sleep(PAUSE),
                TryLock::Busy => {
                    let text = "another save to the keyring has not ended yet: see whether the keyring is locked";
                    return Err(AdapterError::new(Fault::TimedOut, text));
                }
            }
        }
    }

    /// Says beforehand that the content may change at any moment, and afterwards that it is another one. Whoever
    /// breaks off in between leaves no stamp behind that anybody trusts.
    fn changing<T: Send + 'static>(
        &self,
        change: impl FnOnce(&dyn crate::system::Entries, &str) -> Result<T, AdapterError> + Send + 'static,
    ) -> Result<T, AdapterError> {
        let guard = self.lock_saves()?;
        let (name, stamp) = (self.name.clone(), self.stamp.clone());
        self.keyring.ask(move |entries| {
            let _guard = guard;
            stamp.save(UNDER_WAY)?;
            let result = change(entries, &name)?;
            stamp.save(random::hex_id()?.as_bytes())?;
            Ok(result)
        })
    }
}

/// The stamp while the content changes.
const UNDER_WAY: &[u8] = b"changing";

impl Cache for KeyringCache {
    /// All bytes; `None` where the keyring has no such entry.
    ///
    /// # Errors
    ///
    /// No keyring ([`Fault::NotFound`]), a locked one that may not ask or that nobody unlocked
    /// ([`Fault::Denied`]), no answer in time ([`Fault::TimedOut`]), an entry that is damaged or not ours
    /// ([`Fault::Corrupt`]).
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        let name = self.name.clone();
        self.keyring.ask(move |entries| parts::load(entries, &name))
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        // The stamp before the content: what changes in between has another one.
        let stamp = self.stamp.load()?.filter(|stamp| stamp != UNDER_WAY);
        let memo = || self.memo.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(stamp), Some((last, snapshot))) = (&stamp, &*memo())
            && stamp == last
        {
            return Ok(snapshot.clone());
        }
        let snapshot = Snapshot::of(self.load()?);
        *memo() = stamp.map(|stamp| (stamp, snapshot.clone()));
        Ok(snapshot)
    }

    /// # Errors
    ///
    /// Those of [`load`](Cache::load), and of a stamp that cannot be written.
    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        let (bytes, limit) = (zeroize::Zeroizing::new(bytes.to_vec()), self.split_size);
        self.changing(move |entries, name| parts::save(entries, name, &bytes, limit))
    }

    /// Renames the entry to `<name>.corrupt-<n>`, with the first number that is free.
    fn set_aside(&self) -> Result<String, AdapterError> {
        let aside = self.changing(parts::set_aside)?;
        Ok(format!("the keyring, as {aside:?}"))
    }

    /// The lock lies beside the stamp.
    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        self.stamp.try_lock()
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.stamp.try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        format!("the keyring, as {:?}", self.name)
    }
}

impl fmt::Debug for KeyringCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringCache").field("name", &self.name).field("stamp", &self.stamp).finish_non_exhaustive()
    }
}
