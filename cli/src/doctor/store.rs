//! The token store, and its lock.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::Duration;

use entrada::file_cache::FileCache;
use entrada::keyring_cache::EncryptedFileCache;
use entrada::ports::AdapterError;
use entrada::ports::blocking::{Cache, TryLock};
use entrada::words::span;

use super::check::Check;
use crate::args::Store;
use crate::failure::STORE;
use crate::settings::Settings;
use crate::store;

/// Others wait for a lockfile no longer than this.
const STALE: Duration = Duration::from_secs(60);

/// The file in which the tokens are, or would be.
pub(super) fn path(settings: &Settings) -> Option<PathBuf> {
    let encrypted = || EncryptedFileCache::default_path();
    match (settings.store, &settings.cache) {
        (Store::Memory, _) => None,
        (_, Some(path)) => Some(path.clone()),
        (Store::File, None) => FileCache::default_path(),
        (Store::Keyring, None) => encrypted(),
        (Store::Auto, None) => encrypted().filter(|path| path.exists()).or_else(FileCache::default_path),
    }
}

/// Looks at the file before it is read, and then reads it.
pub(super) fn check(settings: &Settings, cache: &dyn Cache) -> Check {
    const NAME: &str = "store";
    let Some(path) = path(settings) else {
        return Check::ok(NAME, "tokens are kept in memory: every run begins with a sign-in");
    };
    let place = path.display().to_string();
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            let finding = format!("the token store {place} cannot be looked at: {error}");
            return Check::fail(NAME, STORE, finding, "give this user access to it, or name another with --cache");
        }
    };
    if let Some(hint) = store::out_of_reach(settings) {
        return Check::warn(NAME, hint, "run it where the keyring is, such as on the desktop");
    }
    let Some(metadata) = metadata else {
        return Check::ok(NAME, format!("{place} is not there yet: the first sign-in makes it"));
    };
    let oddity = oddity(&metadata, &place);
    let what = match cache.snapshot() {
        Err(error) => return unreadable(NAME, &error),
        Ok(snapshot) if snapshot.is_corrupt() => {
            let finding = format!("what is in {place} is no token cache: it counts as empty");
            return Check::warn(NAME, finding, "sign in again: the next save moves it aside, and loses nothing");
        }
        Ok(_) => format!("{place} can be read, {} bytes", metadata.len()),
    };
    match oddity {
        Some((oddity, remedy)) => Check::warn(NAME, format!("{what}; {oddity}"), remedy),
        None => Check::ok(NAME, what),
    }
}

fn unreadable(name: &'static str, error: &AdapterError) -> Check {
    let remedy = "name another file with --cache, unlock the keyring, or run it where the keyring is";
    Check::fail(name, STORE, error.to_string(), remedy)
}

/// A mode or an owner that is not as it should be, and what to do about it.
#[cfg(unix)]
fn oddity(metadata: &Metadata, place: &str) -> Option<(String, String)> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    // Whose this process is; where /proc is not, nobody knows.
    let own = fs::metadata("/proc/self").ok().map(|process| process.uid());
    if let Some(own) = own.filter(|own| *own != metadata.uid()) {
        let finding = format!("it belongs to the user {}, and this is the user {own}", metadata.uid());
        return Some((
            finding,
            format!("give it to this user (sudo chown {own} {place}), or name another with --cache"),
        ));
    }
    let mode = metadata.permissions().mode() & 0o777;
    let finding = format!("its mode was {mode:o}, so that others could read it, and is narrowed now");
    (mode & 0o077 != 0).then(|| (finding, format!("find out what widened it, and keep it so: chmod 600 {place}")))
}

#[cfg(not(unix))]
fn oddity(_metadata: &Metadata, _place: &str) -> Option<(String, String)> {
    None
}

/// Whether somebody holds the lock. Where there is no lockfile it is free, and none is made to find out.
pub(super) fn lock(settings: &Settings, cache: &dyn Cache) -> Check {
    const NAME: &str = "lock";
    let Some(path) = path(settings) else { return Check::skipped(NAME, "memory needs no lock") };
    let lockfile = lockfile(&path);
    let Ok(metadata) = fs::metadata(&lockfile) else { return Check::ok(NAME, "the store's lock is free") };
    let age = metadata.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
    let holder = fs::read_to_string(&lockfile).unwrap_or_default();
    lock_check(&lockfile, &holder, age, cache.try_lock().map(|lock| !matches!(lock, TryLock::Busy)))
}

fn lockfile(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lockfile");
    name.into()
}

fn lock_check(lockfile: &Path, holder: &str, age: Duration, is_free: Result<bool, AdapterError>) -> Check {
    const NAME: &str = "lock";
    let place = lockfile.display();
    match is_free {
        Err(error) => Check::warn(NAME, error.to_string(), format!("delete {place} if no program uses it")),
        Ok(true) => Check::ok(NAME, format!("{place} was left behind, and holds nobody up")),
        Ok(false) => {
            let finding = format!("{place} is held by {:?}, for {}", holder.trim(), span(age));
            match age > STALE {
                true => Check::warn(NAME, finding, format!("end that program, or delete {place} if it is gone")),
                false => Check::ok(NAME, finding + ": a program that uses the store just now"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use entrada::Fault;

    use super::super::check::Status;
    use super::*;

    #[test]
    fn a_lock_is_held_for_a_moment_and_not_for_minutes() {
        let checked = |seconds, is_free| {
            lock_check(Path::new("/t.lockfile"), "77 entrada\n", Duration::from_secs(seconds), is_free)
        };
        let held = checked(300, Ok(false));
        assert_eq!(held.status, Status::Warn);
        assert!(held.finding.contains("\"77 entrada\", for 5 minutes") && held.remedy.unwrap().contains("delete"));
        assert_eq!(checked(2, Ok(false)).status, Status::Ok);
        assert_eq!(checked(300, Ok(true)).status, Status::Ok);
        assert_eq!(checked(1, Err(AdapterError::new(Fault::Denied, "no"))).status, Status::Warn);
    }
}
