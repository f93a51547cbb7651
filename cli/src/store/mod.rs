//! Where the tokens are kept: in a file that is encrypted with a key from the keyring, or in a plain one.

mod auto;
mod taking_over;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use entrada::Client;
use entrada::file_cache::FileCache;
use entrada::keyring_cache::{EncryptedFileCache, Keyring};
use entrada::ports::AdapterError;
use entrada::ports::blocking::{Cache, TryLock};

use self::auto::Auto;
use self::taking_over::TakingOver;

use crate::args::Store;
use crate::failure::{Failure, STORE};
use crate::notice::Notice;
use crate::settings::Settings;

/// How long a user may take to unlock the keyring: as long as for a sign-in, and no longer than this.
const UNLOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// The cache that the settings name. A keyring may ask the user where that is allowed.
pub(crate) fn cache(settings: &Settings, may_ask: bool, notice: Notice) -> Result<Arc<dyn Cache>, Failure> {
    let keyring = Keyring::new().prompts(may_ask).unlock_timeout(settings.sign_in_timeout.min(UNLOCK_TIMEOUT));
    Ok(match (settings.store, &settings.cache) {
        (Store::Memory, _) => Arc::new(entrada::memory_cache::MemoryCache::new()),
        (Store::Auto | Store::File, Some(path)) => Arc::new(FileCache::new(path)),
        (Store::Keyring, Some(path)) => Arc::new(EncryptedFileCache::with_keyring(path, keyring)),
        (Store::File, None) => Arc::new(plain()?),
        (Store::Auto, None) => Arc::new(Auto::new(plain()?, encrypted(keyring)?, Keyring::is_there(), notice)),
        (Store::Keyring, None) => Arc::new(TakingOver::new(plain()?, encrypted(keyring)?, notice)),
    })
}

/// Says once per sign-in where the tokens are, if that is a file that is not encrypted and nobody asked for one.
pub(crate) fn tell(client: &Client, notice: Notice) {
    let location = client.cache_location();
    if FileCache::default_path().is_some_and(|path| exists(&path) && path.display().to_string() == location) {
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

/// The settings for each file that is there, as without a keyring `auto` may have made a second one; else those settings.
pub(crate) fn each(settings: &Settings) -> Vec<Settings> {
    let named = |(store, path): (Store, Option<PathBuf>)| {
        let path = path.filter(|path| exists(path))?;
        Some(Settings { store, cache: Some(path), ..settings.clone() })
    };
    let files = [(Store::Keyring, EncryptedFileCache::default_path()), (Store::File, FileCache::default_path())];
    let is_auto = settings.store == Store::Auto && settings.cache.is_none();
    let there: Vec<Settings> = files.into_iter().filter(|_| is_auto).filter_map(named).collect();
    if there.is_empty() { vec![settings.clone()] } else { there }
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

/// Both locks, for whoever may write to either file: the encrypted one's first, so that no two wait for each other.
fn try_lock_both(encrypted: &EncryptedFileCache, plain: &FileCache) -> Result<TryLock, AdapterError> {
    let first = match encrypted.try_lock()? {
        TryLock::Held(guard) => guard,
        other => return Ok(other),
    };
    Ok(match plain.try_lock()? {
        TryLock::Held(second) => TryLock::Held(Box::new((first, second))),
        TryLock::Busy => TryLock::Busy,
        TryLock::Unsupported => TryLock::Held(first),
    })
}
