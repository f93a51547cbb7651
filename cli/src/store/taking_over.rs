//! The cache of `--store keyring`.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use entrada::cache::{Snapshot, TokenCache};
use entrada::file_cache::FileCache;
use entrada::keyring_cache::EncryptedFileCache;
use entrada::ports::AdapterError;
use entrada::ports::blocking::{Cache, TryLock};
use zeroize::Zeroizing;

use super::{exists, try_lock_both};
use crate::notice::Notice;

/// How often a plain file is looked at that was whole a moment ago and is no more.
const TRIES: u32 = 3;

/// The encrypted file, together with what the plain one holds; that is deleted once a save has taken it over.
pub(super) struct TakingOver {
    plain: FileCache,
    encrypted: EncryptedFileCache,
    /// What was in the plain file when it was last read, and is in what was loaded.
    found: Mutex<Option<Zeroizing<Vec<u8>>>>,
    notice: Notice,
}

/// The bytes of the plain file, and the cache in them.
type Plain = (Zeroizing<Vec<u8>>, TokenCache);

/// What is in both files.
struct Loaded {
    bytes: Option<Vec<u8>>,
    /// What of it is in the plain file.
    found: Option<Zeroizing<Vec<u8>>>,
}

impl TakingOver {
    pub(super) fn new(plain: FileCache, encrypted: EncryptedFileCache, notice: Notice) -> Self {
        Self { plain, encrypted, found: Mutex::default(), notice }
    }

    fn has_begun(&self) -> bool {
        exists(self.encrypted.path())
    }

    fn found(&self) -> MutexGuard<'_, Option<Zeroizing<Vec<u8>>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in the plain file. One that is no cache stays where it is, for whoever made it.
    fn plain_cache(&self) -> Result<Option<Plain>, AdapterError> {
        for _ in 0..TRIES {
            // A snapshot waits for whoever fills the file just now.
            if self.plain.snapshot()?.is_corrupt() {
                break;
            }
            let Some(bytes) = self.plain.load()?.map(Zeroizing::new) else { break };
            if let Ok(cache) = TokenCache::parse(&bytes) {
                return Ok(Some((bytes, cache)));
            }
        }
        Ok(None)
    }

    /// Of two tokens for the same the newer one.
    fn load_both(&self) -> Result<Loaded, AdapterError> {
        let kept = if self.has_begun() { self.encrypted.load()? } else { None };
        let Some(kept) = kept else {
            let found = self.plain_cache()?.map(|(bytes, _)| bytes);
            return Ok(Loaded { bytes: found.as_ref().map(|bytes| bytes.to_vec()), found });
        };
        let alone = |kept| Loaded { bytes: Some(kept), found: None };
        // Tokens that can be used are not given up for a plain file that cannot be read: a save warns of it.
        let Ok(Some((found, plain))) = self.plain_cache() else { return Ok(alone(kept)) };
        let Ok(mut cache) = TokenCache::parse(&kept) else { return Ok(alone(kept)) };
        let both = if cache.absorb(&plain) == 0 { kept } else { cache.to_bytes() };
        Ok(Loaded { bytes: Some(both), found: Some(found) })
    }

    /// Deletes the plain file if there is still in it what was taken over.
    fn delete_plain(&self, found: &[u8], saved: &[u8]) {
        let path = self.plain.path();
        let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
        let is_same = is_file && self.plain.load().is_ok_and(|now| now.as_deref() == Some(found));
        let is_safe = is_same && self.encrypted.load().is_ok_and(|kept| kept.as_deref() == Some(saved));
        let (from, to) = (path.display(), self.encrypted.location());
        if is_safe && fs::remove_file(path).is_ok() {
            self.notice.say(&format!("What was in {from} is now encrypted in {to}; the plain file is deleted."));
        } else {
            self.notice.warn(&format!("what is in {from} was taken over into {to}, but the plain file is still there"));
        }
    }
}

impl Cache for TakingOver {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        *self.found() = None;
        let Loaded { bytes, found } = self.load_both()?;
        *self.found() = found;
        Ok(bytes)
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        if self.has_begun() && !exists(self.plain.path()) {
            *self.found() = None;
            self.encrypted.snapshot()
        } else {
            Ok(Snapshot::of(self.load()?))
        }
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        self.encrypted.save(bytes)?;
        let found = self.found().take();
        if let Some(found) = found {
            self.delete_plain(&found, bytes);
        } else if !matches!(self.plain.load(), Ok(None)) {
            let (from, to) = (self.plain.location(), self.encrypted.location());
            self.notice.warn(&format!("what is in {from} is not taken over into {to}, and stays there unencrypted"));
        }
        Ok(())
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        self.encrypted.set_aside()
    }

    /// Both locks where one file follows the other, or is yet to.
    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        if exists(self.plain.path()) { try_lock_both(&self.encrypted, &self.plain) } else { self.encrypted.try_lock() }
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.encrypted.try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        self.encrypted.location()
    }
}
