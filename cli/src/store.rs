//! Where the tokens are kept: in a file that is encrypted with a key from the keyring, or in a plain one.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use entrada::cache::Snapshot;
use entrada::file_cache::FileCache;
use entrada::keyring_cache::{EncryptedFileCache, Keyring};
use entrada::ports::AdapterError;
use entrada::ports::blocking::{Cache, TryLock};
use entrada::{Client, ClientBuilder};
use zeroize::Zeroizing;

use crate::args::Store;
use crate::failure::{Failure, STORE};
use crate::notice::Notice;
use crate::settings::Settings;

/// Gives the builder the cache that the settings name. A keyring may ask the user where that is allowed.
pub(crate) fn with_cache(
    builder: ClientBuilder,
    settings: &Settings,
    may_ask: bool,
    notice: Notice,
) -> Result<ClientBuilder, Failure> {
    let keyring = Keyring::new().prompts(may_ask);
    Ok(match (settings.store, &settings.cache) {
        (Store::Memory, _) => builder.cache(entrada::memory_cache::MemoryCache::new()),
        (Store::Auto | Store::File, Some(path)) => builder.cache(FileCache::new(path)),
        (Store::Keyring, Some(path)) => builder.cache(EncryptedFileCache::with_keyring(path, keyring)),
        (Store::File, None) => builder.cache(plain()?),
        (Store::Auto, None) => builder.cache(Auto { plain: plain()?, encrypted: encrypted(keyring)?, notice }),
        (Store::Keyring, None) => builder.cache(TakingOver {
            plain: plain()?,
            encrypted: encrypted(keyring)?,
            found: Mutex::default(),
            notice,
        }),
    })
}

/// Says once per sign-in where the tokens are, if that is a file that is not encrypted and nobody asked for one.
pub(crate) fn tell(client: &Client, notice: Notice) {
    let location = client.cache_location();
    if FileCache::default_path().is_some_and(|path| path.display().to_string() == location) {
        let why = if Keyring::is_there() { "--store keyring encrypts them" } else { "there is no keyring here" };
        notice.say(&format!("The tokens are kept unencrypted in {location}, for this user alone; {why}."));
    }
}

/// What `auto` would read if there were a keyring here.
pub(crate) fn out_of_reach(settings: &Settings) -> Option<String> {
    let is_auto = settings.store == Store::Auto && settings.cache.is_none();
    let path = EncryptedFileCache::default_path().filter(|path| is_auto && exists(path) && !Keyring::is_there())?;
    Some(format!("the tokens in {} cannot be read here, as there is no keyring", path.display()))
}

fn plain() -> Result<FileCache, Failure> {
    FileCache::default_path().map(FileCache::new).ok_or_else(homeless)
}

fn encrypted(keyring: Keyring) -> Result<EncryptedFileCache, Failure> {
    let path = EncryptedFileCache::default_path().ok_or_else(homeless)?;
    Ok(EncryptedFileCache::with_keyring(path, keyring))
}

fn homeless() -> Failure {
    Failure::new(STORE, "store", "there is no home directory to keep tokens in".to_owned())
        .with_remedy("name a file with --cache, or use --store memory")
}

/// Also a link to nothing, which a save would fill.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The file that is there already, the encrypted one first; the first sign-in decides which one is made.
struct Auto {
    plain: FileCache,
    encrypted: EncryptedFileCache,
    notice: Notice,
}

impl Auto {
    fn present(&self) -> &dyn Cache {
        if self.is_encrypted() { &self.encrypted } else { &self.plain }
    }

    fn is_encrypted(&self) -> bool {
        exists(self.encrypted.path()) && Keyring::is_there()
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
        if !Keyring::is_there() || (exists(self.plain.path()) && !self.is_encrypted()) {
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

/// The encrypted file, which the first save begins with what the plain one holds; that is deleted then.
struct TakingOver {
    plain: FileCache,
    encrypted: EncryptedFileCache,
    /// What was in the plain file when it was last read in place of the other.
    found: Mutex<Option<Zeroizing<Vec<u8>>>>,
    notice: Notice,
}

impl TakingOver {
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
        let encrypted = match self.encrypted.try_lock()? {
            TryLock::Held(guard) if !self.has_begun() && exists(self.plain.path()) => guard,
            other => return Ok(other),
        };
        Ok(match self.plain.try_lock()? {
            TryLock::Held(plain) => TryLock::Held(Box::new((encrypted, plain))),
            TryLock::Busy => TryLock::Busy,
            TryLock::Unsupported => TryLock::Held(encrypted),
        })
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.encrypted.try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        self.encrypted.location()
    }
}
