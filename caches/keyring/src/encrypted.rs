//! The cache in a file, encrypted with a key from the keyring.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrada_cache_file::FileCache;
use entrada_core::Fault;
use entrada_core::cache::Snapshot;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Cache, TryLock};
use zeroize::Zeroizing;

use crate::keyring::Keyring;
use crate::seal::{self, KEY_LENGTH, Key, KeyId, Unreadable};

/// The token cache in one file, encrypted with a key that is kept in the keyring.
///
/// Locks, saves that are all or nothing, and what is set aside are those of [`FileCache`]. Each file has a key of its
/// own, which it names: a copy of it can be read wherever the keyring is the same, and two that make a file at once do
/// not take each other's key away.
///
/// The keyring is asked once: as long as the file has the same key, that is kept in memory, and wiped at the end.
/// Clones share it.
#[derive(Clone)]
pub struct EncryptedFileCache {
    file: FileCache,
    keyring: Keyring,
    key: Arc<Mutex<Option<KnownKey>>>,
}

type KnownKey = (KeyId, Arc<Key>);

impl EncryptedFileCache {
    /// The cache in this file, which need not exist yet, nor its folder; the key is in the user's keyring.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_keyring(path, Keyring::new())
    }

    /// The same with another keyring, or other waits.
    pub fn with_keyring(path: impl Into<PathBuf>, keyring: Keyring) -> Self {
        Self { file: FileCache::new(path), keyring, key: Arc::default() }
    }

    /// Where this user's tokens are kept, encrypted, unless told otherwise: `tokens.sealed` in the folder of
    /// [`FileCache::default_path`]. `None` where the environment does not say where that is.
    pub fn default_path() -> Option<PathBuf> {
        Some(FileCache::default_path()?.with_file_name("tokens.sealed"))
    }

    /// The path that it was made with.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    fn open(&self, sealed: Vec<u8>) -> Result<Vec<u8>, AdapterError> {
        let (_, key) = self.key_of(&sealed)?;
        let damaged = || self.unreadable(Unreadable::Damaged);
        seal::open(&key, sealed)?.ok_or_else(damaged)
    }

    /// The key that a file was encrypted with.
    fn key_of(&self, sealed: &[u8]) -> Result<KnownKey, AdapterError> {
        let id = seal::key_id(sealed).map_err(|why| self.unreadable(why))?;
        if let Some((known, key)) = &*self.known()
            && *known == id
        {
            return Ok((id, Arc::clone(key)));
        }
        let entry = id.entry();
        let found = self.keyring.ask(move |entries| entries.get(&entry))?;
        let Some(text) = found else {
            return Err(
                self.corrupt("its key is not in this keyring: was the file, or the keyring, brought from elsewhere?")
            );
        };
        let bytes = STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
        let Some(key) = bytes.ok().and_then(|bytes| Key::from_bytes(&bytes)) else {
            return Err(self.corrupt("its key in the keyring is damaged"));
        };
        Ok(self.keep(id, key))
    }

    /// A key for a file that has none yet, kept in the keyring before anything is encrypted with it.
    fn new_key(&self) -> Result<KnownKey, AdapterError> {
        let (id, key) = (KeyId::new()?, Key::new()?);
        let entry = id.entry();
        let mut text = Zeroizing::new(String::with_capacity(KEY_LENGTH * 2));
        STANDARD.encode_string(key.bytes(), &mut text);
        self.keyring.ask(move |entries| entries.set(&entry, &text))?;
        Ok(self.keep(id, key))
    }

    fn keep(&self, id: KeyId, key: Key) -> KnownKey {
        let key = Arc::new(key);
        *self.known() = Some((id, Arc::clone(&key)));
        (id, key)
    }

    fn known(&self) -> MutexGuard<'_, Option<KnownKey>> {
        // Each change is one assignment, so that a panic elsewhere has left none half done.
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreadable(&self, why: Unreadable) -> AdapterError {
        match why {
            Unreadable::Damaged => {
                self.corrupt("it was truncated or changed, or is encrypted with another key than the keyring's")
            }
            // Somebody's good tokens: to be left as they are, and not even set aside.
            Unreadable::Plain => AdapterError::new(
                Fault::Denied,
                format!(
                    "the token cache {} is not encrypted: use it as a plain file, or name another one",
                    self.file.location()
                ),
            ),
            Unreadable::Newer => AdapterError::new(
                Fault::Denied,
                format!("the token cache {} was written by a newer version: update this one", self.file.location()),
            ),
        }
    }

    fn corrupt(&self, why: &str) -> AdapterError {
        let text = format!("the token cache {} cannot be decrypted: {why}", self.file.location());
        AdapterError::new(Fault::Corrupt, text)
    }
}

impl Cache for EncryptedFileCache {
    /// All bytes; `None` where there is no file, or an empty one: then the keyring is not asked.
    ///
    /// # Errors
    ///
    /// Those of [`FileCache`]. A file that was truncated or changed, or whose key the keyring does not have
    /// ([`Fault::Corrupt`]); one that is not encrypted ([`Fault::Denied`]). No keyring ([`Fault::NotFound`]), a locked
    /// one that may not ask or that nobody unlocked ([`Fault::Denied`]), no answer in time
    /// ([`Fault::TimedOut`]).
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        self.file.load()?.map(|sealed| self.open(sealed)).transpose()
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        self.file.snapshot_decoded(|sealed| self.open(sealed))
    }

    /// # Errors
    ///
    /// Those of [`load`](Cache::load): what cannot be decrypted is not overwritten. It has to be set aside first.
    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        let (id, key) = match self.file.load()? {
            Some(sealed) => {
                let known = self.key_of(&sealed)?;
                drop(Zeroizing::new(self.open(sealed)?));
                known
            }
            None => self.new_key()?,
        };
        self.file.save(&seal::seal(id, &key, bytes)?)
    }

    /// Renames the file to `<name>.corrupt-<n>`, with the first number that is free. Its key stays in the keyring.
    fn set_aside(&self) -> Result<String, AdapterError> {
        self.file.set_aside()
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        self.file.try_lock()
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.file.try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        self.file.location()
    }
}

impl fmt::Debug for EncryptedFileCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedFileCache").field("path", &self.path()).finish_non_exhaustive()
    }
}
