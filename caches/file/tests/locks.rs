//! The lock among processes: of this library, of MSAL's libraries, and of those that were killed.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use entrada_cache_file::FileCache;
use entrada_core::ports::blocking::{Cache, TryLock};
use tempfile::TempDir;

fn folder() -> (TempDir, FileCache, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let lockfile = folder.path().join("tokens.json.lockfile");
    (folder, FileCache::new(path), lockfile)
}

/// Starts the named part of this file as a process of its own.
fn start(part: &str, cache: &FileCache) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([part, "--exact", "--ignored", "--nocapture"]).env("TEST_CACHE", cache.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Waits until the process says that.
fn wait_for(word: &str, output: &mut impl BufRead) {
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the process ended before it said {word:?}");
    }
}

fn cache_of_the_parent() -> FileCache {
    FileCache::new(std::env::var_os("TEST_CACHE").unwrap())
}

fn held(cache: &FileCache) -> Box<dyn Send> {
    match cache.try_lock().unwrap() {
        TryLock::Held(guard) => guard,
        other => panic!("the lock is free, and yet: {other:?}"),
    }
}

fn is_busy(cache: &FileCache) -> bool {
    matches!(cache.try_lock().unwrap(), TryLock::Busy)
}

fn set_age(path: &Path, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_held_lock_is_the_file_with_our_number_in_it() {
    let (_folder, cache, lockfile) = folder();
    let guard = held(&cache);
    assert_eq!(fs::read_to_string(&lockfile).unwrap(), format!("{} entrada", std::process::id()));
    // How MSAL Node and MSAL Python's fall-back try, and how MSAL .NET and Python do.
    assert!(File::create_new(&lockfile).is_err());
    assert!(File::open(&lockfile).unwrap().try_lock().is_err());
    drop(guard);
    assert!(!lockfile.exists());
}

#[test]
#[ignore = "a part of other tests, which start it"]
fn part_hold_until_told() {
    let _guard = held(&cache_of_the_parent());
    println!("held");
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn another_process_is_excluded_until_it_frees_the_lock() {
    let (_folder, cache, lockfile) = folder();
    let mut child = start("part_hold_until_told", &cache);
    // Kept open: the process still has something to say at its end.
    let mut output = BufReader::new(child.stdout.take().unwrap());
    wait_for("held", &mut output);
    assert!(is_busy(&cache));
    set_age(&lockfile, 3600);
    assert!(is_busy(&cache), "however old, what the system has locked is locked");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    drop(held(&cache));
}

#[test]
fn a_killed_holder_holds_nobody_up() {
    let (_folder, cache, lockfile) = folder();
    let mut child = start("part_hold_until_told", &cache);
    wait_for("held", &mut BufReader::new(child.stdout.take().unwrap()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lockfile.exists(), "it had no time to tidy up");
    drop(held(&cache));
    assert!(!lockfile.exists());
}

#[test]
#[ignore = "a part of the next test, which starts it"]
fn part_count_under_the_lock() {
    let cache = cache_of_the_parent();
    let mut rounds = 0;
    while rounds < 50 {
        match cache.try_lock().unwrap() {
            TryLock::Held(guard) => {
                let count: u32 = String::from_utf8(cache.load().unwrap().unwrap()).unwrap().parse().unwrap();
                cache.save((count + 1).to_string().as_bytes()).unwrap();
                rounds += 1;
                drop(guard);
            }
            TryLock::Busy => std::thread::yield_now(),
            TryLock::Unsupported => panic!("the lock was there a moment ago"),
        }
    }
}

#[test]
fn no_change_is_lost_among_processes() {
    let (_folder, cache, lockfile) = folder();
    cache.save(b"0").unwrap();
    let children: Vec<_> = (0..4).map(|_| start("part_count_under_the_lock", &cache)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(cache.load().unwrap().unwrap(), b"200");
    assert!(!lockfile.exists());
}

/// As MSAL Node does it: the file is made, a number written, and nothing locked.
#[test]
fn an_existing_lockfile_of_a_running_process_is_honoured() {
    let (_folder, cache, lockfile) = folder();
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    for content in [other.id().to_string(), format!("{} python3\n", other.id())] {
        fs::write(&lockfile, &content).unwrap();
        assert!(is_busy(&cache), "{content}");
        assert_eq!(fs::read_to_string(&lockfile).unwrap(), content, "somebody else's lock is left alone");
        // MSAL Node would have given up by then.
        set_age(&lockfile, 61);
        drop(held(&cache));
        assert!(!lockfile.exists());
    }
    other.kill().unwrap();
    other.wait().unwrap();
    fs::write(&lockfile, other.id().to_string()).unwrap();
    drop(held(&cache));
    assert!(!lockfile.exists(), "that of a process that is gone is taken over");
}

#[test]
fn a_lockfile_that_is_being_made_is_honoured_for_a_moment() {
    let (_folder, cache, lockfile) = folder();
    File::create_new(&lockfile).unwrap();
    assert!(is_busy(&cache));
    set_age(&lockfile, 3);
    drop(held(&cache));

    fs::write(&lockfile, "not a number").unwrap();
    assert!(is_busy(&cache));
    set_age(&lockfile, 61);
    drop(held(&cache));

    // A process that had our number, as the first one in a container always has.
    fs::write(&lockfile, std::process::id().to_string()).unwrap();
    drop(held(&cache));

    // A clock that was wrong by years.
    fs::write(&lockfile, "1 init").unwrap();
    let future = SystemTime::now() + Duration::from_secs(1_000_000);
    File::options().write(true).open(&lockfile).unwrap().set_modified(future).unwrap();
    drop(held(&cache));
}

/// As MSAL Python with portalocker does it, and MSAL .NET nearly so.
#[test]
fn a_lock_of_the_operating_system_is_honoured() {
    let (_folder, cache, lockfile) = folder();
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&lockfile).unwrap();
    let mut theirs = open();
    theirs.try_lock().unwrap();
    assert!(is_busy(&cache));
    write!(theirs, "{} python", std::process::id()).unwrap();
    assert!(is_busy(&cache));
    set_age(&lockfile, 600);
    assert!(is_busy(&cache));
    theirs.unlock().unwrap();
    fs::remove_file(&lockfile).unwrap();

    // It empties the file while it waits for ours, and deletes it whoever holds it.
    let guard = held(&cache);
    let waiting = open();
    assert!(waiting.try_lock().is_err());
    assert!(is_busy(&cache));
    set_age(&lockfile, 5);
    assert!(is_busy(&cache));
    fs::remove_file(&lockfile).unwrap();
    fs::write(&lockfile, "of somebody else").unwrap();
    drop(guard);
    assert_eq!(fs::read_to_string(&lockfile).unwrap(), "of somebody else", "only our own is deleted");
}
