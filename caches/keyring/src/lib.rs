//! Token caches of entrada that rest on the operating system's keyring: Secret Service on Linux, Keychain on macOS,
//! Credential Manager on Windows.
//!
//! ```
//! use entrada_cache_keyring::{EncryptedFileCache, Keyring};
//! use entrada_core::ports::blocking::Cache;
//! use std::time::Duration;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("tokens.sealed");
//!
//! let keyring = Keyring::new().timeout(Duration::from_secs(10));
//! let cache = EncryptedFileCache::with_keyring(&path, keyring);
//! assert_eq!(cache.load()?, None); // no file yet: the keyring is not even asked
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which of the two
//!
//! [`EncryptedFileCache`] keeps the tokens in a file and its key in the keyring. It is as fast as a file once the key
//! is known, and has no limit of size: the one to take. [`KeyringCache`] keeps the tokens themselves in the keyring,
//! for those who want no file with tokens at all, and have few.
//!
//! Both keep tokens from whoever gets at the user's files: a stolen disk, a backup, a home on a share. Neither keeps
//! them from a program that runs as the user, which can ask the keyring as well. An older copy of the file in place of
//! the present one is not noticed.
//!
//! # A keyring that does not answer
//!
//! A keyring may hang, or be locked and ask for a password. Each call is made on a thread of its own and waited for
//! three seconds, or as [`Keyring::timeout`] says, and ends with [`Fault::TimedOut`](entrada_core::Fault::TimedOut)
//! then. A user who is asked has two minutes, or as [`Keyring::unlock_timeout`] says, and it ends with
//! [`Fault::Denied`](entrada_core::Fault::Denied) then.

mod bounded;
mod cache;
mod encrypted;
mod keyring;
mod parts;
mod random;
mod seal;
mod system;

pub use crate::cache::KeyringCache;
pub use crate::encrypted::EncryptedFileCache;
pub use crate::keyring::Keyring;
