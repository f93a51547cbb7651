//! A token cache of entrada in one file, which Microsoft's libraries can share.
//!
//! ```
//! use entrada_cache_file::FileCache;
//! use entrada_core::ports::blocking::Cache;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("tokens.json");
//!
//! let cache = FileCache::new(&path);
//! assert_eq!(cache.load()?, None);
//! cache.save(b"{}")?;
//! assert_eq!(cache.load()?.as_deref(), Some(&b"{}"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who may read it
//!
//! The user alone: the file is made with the mode 0600, folders that have to be made with 0700, and a
//! file with a wider mode is narrowed when it is read. The tokens in it are not encrypted; on Windows
//! and macOS the user's profile folder is what protects them.
//!
//! # All or nothing
//!
//! [`save`](Cache::save) writes a temporary file beside the old one and renames it over. A full disk, a
//! crash or a folder that cannot be written to leaves the old content as it was. Where the path is a
//! symbolic link, it stays one: its target is replaced.
//!
//! # The lock
//!
//! It is the file `<path>.lockfile`, as in MSAL: locked by the operating system (`flock`) against MSAL
//! .NET, MSAL Python with portalocker, and other processes and threads of this library; made and
//! deleted with the lock, with `"{pid} entrada"` in it, against MSAL Node, for which its mere existence
//! is the lock. A lockfile that a crash left behind, its process gone or a minute old, holds nobody up.

mod load;
mod location;
mod lock;
mod memo;
mod process;
mod save;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entrada_core::cache::Snapshot;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Cache, TryLock};

pub use crate::lock::abandon_locks;

/// The token cache in one file.
///
/// It opens nothing until it is used; two values with the same path are the same cache. Clones share what was
/// read last, and look at the file's times before they use it: as long as nobody has changed the file, it is not
/// read again.
#[derive(Clone)]
pub struct FileCache {
    path: PathBuf,
    memo: Arc<memo::Memo>,
}

impl FileCache {
    /// The cache in this file, which need not exist yet, nor its folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), memo: Arc::default() }
    }

    /// Where this user's tokens are kept unless told otherwise.
    ///
    /// | system | path |
    /// | --- | --- |
    /// | Linux and other Unix | `$XDG_STATE_HOME/entrada/tokens.json`, or `~/.local/state/entrada/tokens.json` |
    /// | macOS | `~/Library/Application Support/entrada/tokens.json` |
    /// | Windows | `%LOCALAPPDATA%\entrada\tokens.json` |
    ///
    /// `None` where the environment does not say where that is.
    pub fn default_path() -> Option<PathBuf> {
        location::default_path(location::System::this(), |name| std::env::var_os(name))
    }

    /// The path that it was made with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// [`snapshot`](Cache::snapshot) for a store that keeps the cache's bytes in this file in another form: `decode`
    /// makes them of those in the file, and is asked only when that has changed. One handle has one form.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Cache::load), and those of `decode`.
    pub fn snapshot_decoded(
        &self,
        decode: impl Fn(Vec<u8>) -> Result<Vec<u8>, AdapterError>,
    ) -> Result<Snapshot, AdapterError> {
        self.memo.snapshot(&self.path, &decode)
    }
}

impl Cache for FileCache {
    /// All bytes; `None` where there is no file, or an empty one.
    ///
    /// # Errors
    ///
    /// More than 512 MiB ([`Fault::TooLarge`](entrada_core::Fault::TooLarge)); something else than a
    /// regular file, or one that may not be read ([`Fault::Denied`](entrada_core::Fault::Denied)).
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        load::load(&self.path)
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        self.memo.snapshot(&self.path, &Ok)
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        save::save(&self.path, bytes)
    }

    /// Renames the file to `<name>.corrupt-<n>`, with the first number that is free.
    fn set_aside(&self) -> Result<String, AdapterError> {
        save::set_aside(&self.path).map(|aside| aside.display().to_string())
    }

    /// Tries for the lock; [`TryLock::Unsupported`] where the file system has none, or the folder
    /// cannot be written to, so that nobody could save anyway.
    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        lock::try_lock(&self.path, lock::SUFFIX)
    }

    /// The lock is `<path>.sign-in-<name>.lockfile`, of the same kind.
    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        lock::try_lock(&self.path, &format!(".sign-in-{name}.lockfile"))
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }
}

impl fmt::Debug for FileCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileCache").field("path", &self.path).finish_non_exhaustive()
    }
}
