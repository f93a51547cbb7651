//! The lock that MSAL's libraries share: `<path>.lockfile`.
//!
//! Two kinds of neighbours use it. For most (this library, MSAL .NET, MSAL Python) it is an advisory
//! lock of the operating system on that file; for MSAL Node it is the file's existence. So a holder here
//! is both: it has the file locked, and the file is there for just as long.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::TryLock;

use crate::process;
use crate::save::{create_new, make_folder, with_suffix};

/// What the name of the cache's own lockfile ends with.
pub(crate) const SUFFIX: &str = ".lockfile";

/// A lockfile older than this holds nobody up unless the operating system has it locked.
///
/// MSAL's libraries give up after 50 or 60 seconds of waiting.
const STALE: Duration = Duration::from_secs(60);

/// How long a lockfile may be empty: its maker has not written its number yet.
const NAMELESS: Duration = Duration::from_secs(2);

/// Each further try means that somebody else finished meanwhile.
const TRIES: usize = 16;

/// The lock of that suffix on the cache at that path.
pub(crate) fn try_lock(path: &Path, suffix: &str) -> Result<TryLock, AdapterError> {
    let lockfile = with_suffix(path, suffix);
    for _ in 0..TRIES {
        let step = match create_new(&lockfile) {
            Ok(file) => seize(file, &lockfile),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => inherit(&lockfile),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match make_folder(&lockfile) {
                Ok(()) => Ok(Step::Again),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match step {
            Ok(Step::Done(answer)) => return Ok(answer),
            Ok(Step::Again) => {}
            // Where no lockfile can be made, no cache can be saved either: there is nothing to protect.
            Err(error) if is_unwritable(&error) && !lockfile.exists() => return Ok(TryLock::Unsupported),
            Err(error) => {
                let doing = format!("the lockfile {} cannot be used", lockfile.display());
                return Err(AdapterError::io(doing, error));
            }
        }
    }
    Ok(TryLock::Busy)
}

/// Whether another process has the lock of the cache at that path.
pub(crate) fn is_others(path: &Path) -> bool {
    File::open(with_suffix(path, SUFFIX)).is_ok_and(|file| is_claimed(&file))
}

/// The lockfiles that this process holds, each open a second time, to be told from others at the same path.
static HELD: Mutex<Vec<(PathBuf, File)>> = Mutex::new(Vec::new());

fn held() -> MutexGuard<'static, Vec<(PathBuf, File)>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Deletes the lockfiles that this process holds, as it ends without those who hold them.
///
/// For a program that leaves its threads behind: the operating system frees their locks with the process, but to
/// MSAL for Node a lockfile that is there is a lock, whoever made it. What those threads do from here on is not
/// guarded any more: the process must end at once.
pub fn abandon_locks() {
    for (lockfile, file) in held().drain(..) {
        if is_at(&file, &lockfile) {
            let _ = fs::remove_file(lockfile);
        }
    }
}

enum Step {
    Done(TryLock),
    /// The lockfile changed under our hands.
    Again,
}

/// Takes over a lockfile that exists already, unless somebody's claim to it is still good.
fn inherit(lockfile: &Path) -> io::Result<Step> {
    let file = match OpenOptions::new().read(true).write(true).open(lockfile) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Step::Again),
        // On Windows a holder may deny others to open it.
        Err(error) if error.raw_os_error() == Some(32) && cfg!(windows) => return Ok(Step::Done(TryLock::Busy)),
        Err(error) => return Err(error),
    };
    // The claim is looked at before the lock is tried: even to hold it for the length of a look would
    // turn away whoever has just made the file and locks it next.
    if is_claimed(&file) {
        return Ok(Step::Done(TryLock::Busy));
    }
    seize(file, lockfile)
}

/// Locks the open file, if it still is the lockfile afterwards.
fn seize(file: File, lockfile: &Path) -> io::Result<Step> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Step::Done(TryLock::Busy)),
        Err(TryLockError::Error(error)) if is_unsupported(&error) => {
            // Nobody else can lock here either; so the file must not stay as a lock for MSAL Node.
            let _ = fs::remove_file(lockfile);
            return Ok(Step::Done(TryLock::Unsupported));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // A holder deletes the file before it unlocks: then this is a lock on a file that nobody sees.
    if !is_at(&file, lockfile) {
        return Ok(Step::Again);
    }
    // For the neighbours to read; the lock holds without it, as it does on a full disk.
    let _ = sign(&file);
    if let Ok(again) = file.try_clone() {
        held().push((lockfile.to_owned(), again));
    }
    Ok(Step::Done(TryLock::Held(Box::new(Guard { file, lockfile: lockfile.to_owned() }))))
}

fn sign(mut file: &File) -> io::Result<()> {
    let name = format!("{} entrada", std::process::id());
    let before = file.metadata()?.len();
    file.rewind()?;
    file.write_all(name.as_bytes())?;
    // Only a file taken over is cut: ext4 writes a file through to the disk that was emptied and filled.
    if before > name.len() as u64 {
        file.set_len(name.len() as u64)?;
    }
    if before > 0 {
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    Ok(())
}

/// Whether the file's existence is a lock: young, and of a process that runs.
fn is_claimed(file: &File) -> bool {
    let Ok(metadata) = file.metadata() else { return false };
    let age = metadata.modified().ok().and_then(|modified| age(modified, SystemTime::now()));
    let Some(age) = age.filter(|age| *age < STALE) else { return false };

    let mut text = String::new();
    if file.take(64).read_to_string(&mut text).is_err() {
        return true;
    }
    match text.split_ascii_whitespace().next().map(str::parse::<u32>) {
        None => age < NAMELESS,
        // Our own number: a thread of ours, which then has it locked, or an earlier process that had the
        // same number, as is usual in containers. The lock knows.
        Some(Ok(pid)) if pid == std::process::id() => false,
        Some(Ok(pid)) => process::is_running(pid).unwrap_or(true),
        Some(Err(_)) => true,
    }
}

/// A clock that was set back a little does not make a file old; one far in the future says nothing.
fn age(modified: SystemTime, now: SystemTime) -> Option<Duration> {
    match now.duration_since(modified) {
        Ok(age) => Some(age),
        Err(ahead) if ahead.duration() < STALE => Some(Duration::ZERO),
        Err(_) => None,
    }
}

/// Whether the open file is what is to be found at that path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(found)) => identity(&open) == identity(&found),
        _ => false,
    }
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Whether two open files are one.
#[cfg(unix)]
fn is_same(one: &File, other: &File) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => identity(&one) == identity(&other),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same(_one: &File, _other: &File) -> bool {
    true
}

/// Windows keeps a deleted file's name taken until it is closed, so that it cannot be another's.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

fn is_unwritable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// What file systems without locks answer: "unsupported", or ENOLCK, which has no kind of its own.
fn is_unsupported(error: &io::Error) -> bool {
    const ENOLCK: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 37 } else { 77 };
    error.kind() == io::ErrorKind::Unsupported || (cfg!(unix) && error.raw_os_error() == Some(ENOLCK))
}

/// The lock, while it is held.
struct Guard {
    file: File,
    lockfile: PathBuf,
}

impl Drop for Guard {
    fn drop(&mut self) {
        held().retain(|(lockfile, file)| *lockfile != self.lockfile || !is_same(file, &self.file));
        // Deleted first, and unlocked by the closing that follows: who comes in between finds no file,
        // or has one open that is nobody's any more, and sees that. Only ever our own is deleted.
        if is_at(&self.file, &self.lockfile) {
            let _ = fs::remove_file(&self.lockfile);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens between two steps of somebody else, played step by step.
    #[test]
    #[cfg(unix)]
    fn a_lock_on_a_file_that_is_no_longer_the_lockfile_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let lockfile = folder.path().join("tokens.json.lockfile");
        let opened = || OpenOptions::new().read(true).write(true).open(&lockfile).unwrap();

        create_new(&lockfile).unwrap();
        let before_it_was_deleted = opened();
        fs::remove_file(&lockfile).unwrap();
        assert!(matches!(seize(before_it_was_deleted, &lockfile), Ok(Step::Again)));

        create_new(&lockfile).unwrap();
        let before_it_was_made_anew = opened();
        fs::remove_file(&lockfile).unwrap();
        let Ok(Step::Done(TryLock::Held(guard))) = seize(create_new(&lockfile).unwrap(), &lockfile) else {
            panic!("a new lockfile is free");
        };
        assert!(matches!(seize(before_it_was_made_anew, &lockfile), Ok(Step::Again)));
        assert!(lockfile.exists(), "the holder's file is left alone");
        drop(guard);
        assert!(!lockfile.exists());
    }

    #[test]
    fn ages_are_told_in_spite_of_clocks() {
        let now = SystemTime::now();
        let seconds = Duration::from_secs;
        assert_eq!(age(now - seconds(5), now), Some(seconds(5)));
        assert_eq!(age(now + seconds(5), now), Some(Duration::ZERO));
        assert_eq!(age(now + seconds(5_000), now), None);
    }
}
