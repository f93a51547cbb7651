//! The cache of `--store keyring`.

use std::fs;
use std::sync::{Mutex, PoisonError};

use entrada::cache::Snapshot;
use entrada::file_cache::FileCache;
use entrada::keyring_cache::EncryptedFileCache;
use entrada::ports::AdapterError;
use entrada::ports::blocking::{Cache, TryLock};
use zeroize::Zeroizing;

use super::{exists, try_lock_both};
use crate::notice::Notice;

/// The encrypted file, which the first save begins with what the plain one holds; that is deleted then.
pub(super) struct TakingOver {
    plain: FileCache,
    encrypted: EncryptedFileCache,
    /// What was in the plain file when it was last read in place of the other.
    found: Mutex<Option<Zeroizing<Vec<u8>>>>,
    notice: Notice,
}

impl TakingOver {
    pub(super) fn new(plain: FileCache, encrypted: EncryptedFileCache, notice: Notice) -> Self {
        Self { plain, encrypted, found: Mutex::default(), notice }
    }

    fn has_begun(&self) -> bool {
        exists(self.encrypted.path())
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Option<Zeroizing<Vec<u8>>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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
        if self.has_begun() {
            return self.encrypted.load();
        }
        // A plain file that is no cache stays where it is, for whoever made it.
        let found = self.plain.load().unwrap_or_default();
        let found = found.filter(|bytes| !Snapshot::of(Some(bytes.clone())).is_corrupt());
        *self.found() = found.clone().map(Zeroizing::new);
        Ok(found)
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        if self.has_begun() { self.encrypted.snapshot() } else { Ok(Snapshot::of(self.load()?)) }
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        let had_begun = self.has_begun();
        self.encrypted.save(bytes)?;
        if let Some(found) = self.found().take().filter(|_| !had_begun) {
            self.delete_plain(&found, bytes);
        }
        Ok(())
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        self.encrypted.set_aside()
    }

    /// Both locks where one file follows the other.
    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        if !self.has_begun() && exists(self.plain.path()) {
            try_lock_both(&self.encrypted, &self.plain)
        } else {
            self.encrypted.try_lock()
        }
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.encrypted.try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        self.encrypted.location()
    }
}
