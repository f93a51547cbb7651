//! A token cache of entrada in a Redis server, or one that speaks its protocol (Valkey): for fleets, where many
//! processes on many hosts have the tokens of many users.
//!
//! ```no_run
//! use entrada_cache_redis::RedisServer;
//! use entrada_core::ports::blocking::Cache;
//!
//! let server = RedisServer::builder("redis://web:secret@cache.contoso.example").prefix("hr:").build()?;
//! let cache = server.cache("ada@contoso.example")?; // to `Client::builder(…).cache(cache)`
//! assert_eq!(cache.load()?, None);
//! # Ok::<(), entrada_core::ports::AdapterError>(())
//! ```
//!
//! # Partitions
//!
//! A partition is the cache of one user, or of whoever else has tokens of their own. Its keys are, with `entrada:`
//! for a prefix:
//!
//! | key | what is there |
//! | --- | --- |
//! | `entrada:{partition}` | a hash: `v`, the random name of the version, and `b`, the bytes |
//! | `entrada:{partition}:lock` | the lock, with its holder's random number |
//! | `entrada:{partition}:sign-in:NAME` | the same for a sign-in |
//! | `entrada:{partition}:aside:NUMBER` | bytes that were set aside, for 30 days |
//!
//! The braces are a hash tag: in a cluster (feature `cluster`) a partition's keys are in one slot. Characters other
//! than letters, digits and `-._~@:/` are percent-encoded.
//!
//! # How the server is set up
//!
//! - Tokens must not be evicted: `maxmemory-policy noeviction`, or a `volatile-` one, which takes nothing but locks,
//!   what was set aside, and partitions with an [expiry](RedisServerBuilder::partition_expiry).
//! - What is not persisted (`appendonly yes`, or `save`) is gone with the server, and its users sign in again.
//!   The same goes for what a failover to a replica leaves behind: at worst a refresh is done twice.
//! - Tokens cross the network: take `rediss://` (feature `tls`: rustls with ring, the system's roots).
//! - Tokens lie in the server in clear, in its memory and its files, unless there is an encryption key (feature
//!   `encryption`: `RedisServerBuilder::encryption_key`, AES-256-GCM, bound to the key in the server; an older value in
//!   place of the present one is not noticed). Without it, whoever
//!   can read the server or its backups is every user: give it a disk that is encrypted, and nobody's access but
//!   the fleet's.
//! - A user of its own, with no right but these (in a cluster also `+cluster|slots +readonly`, with a database other than 0 also `+select`):
//!
//! ```text
//! ACL SETUSER web on >secret ~hr:* resetchannels -@all +eval +get +set +del +hget +hmget +hset +exists +rename +pexpire +persist
//! ```
//!
//! # What happens when
//!
//! - **a holder of the lock dies:** the lock expires, after 40 seconds.
//! - **a holder outlives its lock:** its save replaces only the version that it had loaded. Where another has saved
//!   meanwhile, both are put together ([`TokenCache::absorb`]), and saved; where one of them has
//!   signed somebody out, which that would undo, the save fails, and a token that it was for is given with a warning.
//! - **the server cannot be reached, or hangs:** each wait ends in time ([`RedisServerBuilder::connect_timeout`],
//!   [`response_timeout`](RedisServerBuilder::response_timeout)) with [`Fault::Unreachable`] or [`Fault::TimedOut`]. A lost connection is
//!   opened again and the command sent once more: each does its work once, however often it is sent.
//! - **another server has become the primary:** the connections to the old one, which takes no writes any more, are
//!   given up, and the URL's address is asked again.
//! - **something else is at the key:** [`Fault::Corrupt`], and what is there stays.
//! - **the encryption key is another:** [`Fault::Denied`], and what is there stays: a host that was given a wrong key
//!   gets its tokens with a warning, and does not take theirs from the others.
//!
//! No password is in an error, nor in `Debug`. The client library is `redis`, its blocking part: no asynchronous
//! runtime comes along. `AsyncClient` has this cache on threads of their own.
//!
//! [`TokenCache::absorb`]: entrada_core::cache::TokenCache::absorb

mod connection;
mod errors;
mod keys;
mod looks;
mod merge;
mod scripts;
mod seal;
mod server;

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entrada_core::Fault;
use entrada_core::cache::Snapshot;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Cache, TryLock};
use redis::{Cmd, cmd};
use zeroize::Zeroizing;

use crate::keys::Keys;
use crate::looks::{Looks, Seen};
use crate::merge::Merged;
pub use crate::server::{RedisServer, RedisServerBuilder};

/// How often a save that others forestall is tried with theirs in it.
const TRIES: usize = 64;

/// How long what was set aside is kept.
const ASIDE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The token cache of one partition, from [`RedisServer::cache`].
///
/// Clones are cheap and share what was read last: as long as the server has the same version, which is one round
/// trip to ask, it is not read again.
#[derive(Clone)]
pub struct RedisCache {
    server: RedisServer,
    keys: Keys,
    partition: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    looks: Looks,
    /// What was read last, and its reading.
    memo: Option<(Seen, Snapshot)>,
}

impl RedisCache {
    pub(crate) fn new(server: RedisServer, keys: Keys, partition: String) -> Self {
        Self { server, keys, partition, shared: Arc::default() }
    }

    /// The name that it was made with.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<Option<Seen>, AdapterError> {
        let mut question = cmd("HMGET");
        question.arg(self.keys.cache()).arg("v").arg("b");
        let found: (Option<String>, Option<Vec<u8>>) = self.server.run("the token cache cannot be read", &question)?;
        self.seen(found)
    }

    fn seen(&self, found: (Option<String>, Option<Vec<u8>>)) -> Result<Option<Seen>, AdapterError> {
        match found {
            (None, None) => Ok(None),
            (Some(version), Some(bytes)) => {
                let bytes = self.server.shared.settings.seal.open(bytes, self.keys.cache())?;
                Ok(Some(Seen { version, bytes: Arc::new(Zeroizing::new(bytes)) }))
            }
            _ => Err(AdapterError::new(
                Fault::Corrupt,
                format!(
                    "the hash at {} is not a token cache, and is left alone: choose another prefix",
                    self.location()
                ),
            )),
        }
    }

    /// Replaces that version, and keeps it aside where that is said, or tells what is there instead.
    fn replace(&self, version: &str, new: &Seen, aside: Option<Duration>) -> Result<Option<Seen>, AdapterError> {
        let settings = &self.server.shared.settings;
        let bytes = settings.seal.close(&new.bytes, self.keys.cache())?;
        let mut question = script(scripts::SAVE, &[self.keys.cache(), &self.keys.aside(version)]);
        question
            .arg(version)
            .arg(&new.version)
            .arg(bytes)
            .arg(milliseconds(settings.partition_expiry))
            .arg(milliseconds(aside));
        let there: Vec<Option<Vec<u8>>> = self.server.run("the token cache cannot be saved", &question)?;
        let mut there = there.into_iter();
        match (there.next(), there.next()) {
            (None, _) => Ok(None),
            (Some(version), bytes) => {
                let version = version.map(|version| String::from_utf8_lossy(&version).into_owned());
                self.seen((version, bytes.flatten()))
            }
        }
    }

    fn lock(&self, key: String, expiry: Duration, is_caches: bool) -> Result<TryLock, AdapterError> {
        // One holder at a time among the clones, be its lock expired: by it what was loaded is told apart.
        if is_caches && self.shared().looks.is_held() {
            return Ok(TryLock::Busy);
        }
        let token = random_name()?;
        let mut question = script(scripts::LOCK, &[&key]);
        question.arg(&token).arg(milliseconds(Some(expiry)));
        let doing = "the lock of the token cache cannot be taken";
        if !self.server.run::<bool>(doing, &question)? {
            return Ok(TryLock::Busy);
        }
        if is_caches {
            self.shared().looks.locked(&token);
        }
        Ok(TryLock::Held(Box::new(Guard { cache: self.clone(), key, token })))
    }
}

impl Cache for RedisCache {
    /// All bytes; `None` where there is no such partition.
    ///
    /// # Errors
    ///
    /// Something else at its key ([`Fault::Corrupt`]), or another encryption key ([`Fault::Denied`]); and what holds
    /// for every method:
    /// [`Fault::Unreachable`], [`Fault::TimedOut`], [`Fault::Untrusted`] for TLS, [`Fault::Denied`] for a wrong
    /// password or a right that is missing.
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        let seen = self.read()?;
        self.shared().looks.loaded(seen.clone().unwrap_or_default());
        Ok(seen.map(|seen| seen.bytes.to_vec()))
    }

    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        let mut question = cmd("HGET");
        question.arg(self.keys.cache()).arg("v");
        let version: Option<String> = self.server.run("the token cache cannot be read", &question)?;
        {
            let mut shared = self.shared();
            if let Some((seen, snapshot)) =
                shared.memo.clone().filter(|(seen, _)| version.as_ref() == Some(&seen.version))
            {
                shared.looks.peeked(seen);
                return Ok(snapshot);
            }
        }
        let seen = self.read()?;
        let snapshot = Snapshot::of(seen.as_ref().map(|seen| seen.bytes.to_vec()));
        let mut shared = self.shared();
        shared.looks.peeked(seen.clone().unwrap_or_default());
        shared.memo = seen.map(|seen| (seen, snapshot.clone()));
        Ok(snapshot)
    }

    /// Replaces what was loaded; puts both together where another has saved since.
    ///
    /// # Errors
    ///
    /// Both cannot be put together as one of them has signed somebody out, or others save without end
    /// ([`Fault::Other`]): what they have saved stays.
    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        let base = self.shared().looks.base();
        let mut replaced = base.version.clone();
        let mut ours = bytes.to_vec();
        let mut aside = None;
        for _ in 0..TRIES {
            let new = Seen { version: random_name()?, bytes: Arc::new(Zeroizing::new(ours)) };
            let Some(theirs) = self.replace(&replaced, &new, aside)? else {
                self.shared().looks.saved(&base.version, new);
                return Ok(());
            };
            tracing::debug!(partition = self.partition, "another has saved the token cache meanwhile");
            (ours, aside) = match merge::merge(&base.bytes, &new.bytes, &theirs.bytes) {
                Merged::Both(merged) => (merged, None),
                Merged::Neither => (new.bytes.to_vec(), Some(ASIDE)),
                Merged::SignedOut => return Err(forestalled("somebody was signed out meanwhile")),
            };
            replaced = theirs.version;
        }
        Err(forestalled("others save it all the time"))
    }

    /// Moves the bytes to a key of their own, `{partition}:aside:NUMBER`, for 30 days.
    fn set_aside(&self) -> Result<String, AdapterError> {
        let key = self.keys.aside(&random_name()?);
        let mut question = script(scripts::SET_ASIDE, &[self.keys.cache(), &key]);
        question.arg(milliseconds(Some(ASIDE)));
        if self.server.run::<bool>("the token cache cannot be set aside", &question)? {
            return Ok(format!("the key {key} at the Redis server {}, for 30 days", self.server.shared.place));
        }
        let why = format!("the token cache {} is empty: nothing to set aside", self.location());
        Err(AdapterError::new(Fault::NotFound, why))
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        self.lock(self.keys.lock(), self.server.shared.settings.lock_expiry, true)
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.lock(self.keys.sign_in(name), self.server.shared.settings.sign_in_expiry, false)
    }

    fn location(&self) -> String {
        format!("the key {} at the Redis server {}", self.keys.cache(), self.server.shared.place)
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RedisCache");
        debug.field("server", &self.server).field("key", &self.keys.cache()).finish_non_exhaustive()
    }
}

/// Gives the lock back when dropped, where it is still this one's.
struct Guard {
    cache: RedisCache,
    key: String,
    token: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.cache.shared().looks.unlocked(&self.token);
        let mut question = script(scripts::UNLOCK, &[&self.key]);
        question.arg(&self.token);
        if let Err(error) = self.cache.server.run::<bool>("the lock of the token cache cannot be given back", &question)
        {
            tracing::warn!(partition = self.cache.partition, %error, "the lock stays until it expires");
        }
    }
}

fn forestalled(why: &str) -> AdapterError {
    AdapterError::new(
        Fault::Other,
        format!("the token cache is not saved: {why}; what was saved last stays, so try again"),
    )
}

fn script(text: &str, keys: &[&str]) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(text).arg(keys.len()).arg(keys);
    command
}

/// For the server: at least one, and no more than it can add to its clock.
fn milliseconds(duration: Option<Duration>) -> u64 {
    duration.map_or(0, |duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 52))
}

/// Different from all others.
fn random_name() -> Result<String, AdapterError> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let mut name = String::with_capacity(32);
    for byte in bytes {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

fn random(bytes: &mut [u8]) -> Result<(), AdapterError> {
    getrandom::getrandom(bytes).map_err(|error| AdapterError::new(Fault::Other, error.to_string()))
}
