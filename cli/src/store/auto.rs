//! The cache of `--store auto`.

use entrada::Fault;
use entrada::cache::Snapshot;
use entrada::file_cache::FileCache;
use entrada::keyring_cache::EncryptedFileCache;
use entrada::ports::AdapterError;
use entrada::ports::blocking::{Cache, TryLock};

use super::{exists, try_lock_both};
use crate::notice::Notice;

/// The file that is there already, the encrypted one first; the first sign-in decides which one is made.
pub(super) struct Auto {
    plain: FileCache,
    encrypted: EncryptedFileCache,
    has_keyring: bool,
    notice: Notice,
}

impl Auto {
    pub(super) fn new(plain: FileCache, encrypted: EncryptedFileCache, has_keyring: bool, notice: Notice) -> Self {
        Self { plain, encrypted, has_keyring, notice }
    }

    fn present(&self) -> &dyn Cache {
        if self.is_encrypted() { &self.encrypted } else { &self.plain }
    }

    fn is_encrypted(&self) -> bool {
        exists(self.encrypted.path()) && self.has_keyring
    }
}

impl Cache for Auto {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        self.present().load()
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        self.present().snapshot()
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        // Programs that share the plain file must not lose sight of what is in it.
        if !self.has_keyring || (exists(self.plain.path()) && !self.is_encrypted()) {
            return self.plain.save(bytes);
        }
        let had_begun = exists(self.encrypted.path());
        let Err(error) = self.encrypted.save(bytes) else { return Ok(()) };
        if had_begun || exists(self.encrypted.path()) {
            return Err(error);
        }
        if is_absent(&error) {
            self.notice.say(&format!("No keyring is used: {error}"));
            return self.plain.save(bytes);
        }
        // A keyring that is locked is there: what is put in clear now would stay so.
        self.notice.warn(&format!("nothing is kept: {error}"));
        Err(error)
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        self.present().set_aside()
    }

    /// Both locks where the first save has yet to decide.
    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        if self.has_keyring && !exists(self.encrypted.path()) && !exists(self.plain.path()) {
            try_lock_both(&self.encrypted, &self.plain)
        } else {
            self.present().try_lock()
        }
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.present().try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        self.present().location()
    }
}

/// Whether no keyring answers.
fn is_absent(error: &AdapterError) -> bool {
    matches!(error.fault(), Fault::NotFound | Fault::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Color;
    use crate::store::taking_over::TakingOver;

    #[test]
    fn as_long_as_neither_file_is_there_both_are_locked() {
        let folder = tempfile::tempdir().unwrap();
        let plain = FileCache::new(folder.path().join("tokens.json"));
        let sealed = folder.path().join("tokens.sealed");
        let encrypted = EncryptedFileCache::new(&sealed);
        let notice = Notice::new(true, 0, Color::Never);
        let auto = |has_keyring| Auto::new(plain.clone(), encrypted.clone(), has_keyring, notice);
        let taking_over = TakingOver::new(plain.clone(), encrypted.clone(), notice);
        let is_free = |lock: Result<TryLock, AdapterError>| matches!(lock.unwrap(), TryLock::Held(_));

        let held = auto(true).try_lock().unwrap();
        assert!(!is_free(encrypted.try_lock()) && !is_free(plain.try_lock()) && !is_free(taking_over.try_lock()));
        drop(held);
        let held = taking_over.try_lock().unwrap();
        assert!(!is_free(auto(true).try_lock()), "both may make the encrypted file");
        assert!(is_free(auto(false).try_lock()), "without a keyring that is not made");
        drop(held);
        plain.save(b"{}").unwrap();
        let held = encrypted.try_lock().unwrap();
        assert!(is_free(auto(true).try_lock()), "the plain file stays the one");
        drop(held);
        std::fs::write(&sealed, "").unwrap();
        let _held = plain.try_lock().unwrap();
        assert!(is_free(auto(true).try_lock()), "the encrypted file stays the one");
    }
}
