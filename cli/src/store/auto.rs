//! The cache of `--store auto`.

use entrada::cache::Snapshot;
use entrada::file_cache::FileCache;
use entrada::keyring_cache::EncryptedFileCache;
use entrada::ports::AdapterError;
use entrada::ports::blocking::{Cache, TryLock};

use super::exists;
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
        match self.encrypted.save(bytes) {
            Err(error) if !had_begun => {
                self.notice.say(&format!("No keyring is used: {error}"));
                self.plain.save(bytes)
            }
            result => result,
        }
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        self.present().set_aside()
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        self.present().try_lock()
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.present().try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        self.present().location()
    }
}
