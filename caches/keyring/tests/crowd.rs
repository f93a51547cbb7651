//! A keyring beside thousands of open files, as a proxy and a server have them, and after hundreds of calls.
//!
//! Each test starts a session of its own and runs its scene, a test that is ignored otherwise, as a process in it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

use std::fs::{self, File};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use entrada_cache_keyring::{Keyring, KeyringCache};
use entrada_conformance::session::Session;
use entrada_core::ports::blocking::Cache;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn in_the_keyring() -> KeyringCache {
    let stamp = PathBuf::from(std::env::var_os("HOME").unwrap()).join("stamp");
    KeyringCache::new(Keyring::new().timeout(Duration::from_secs(20)), "tokens", stamp)
}

#[test]
fn a_program_with_thousands_of_open_files_has_a_keyring() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_of_many_files");
}

#[test]
#[ignore = "a scene: see a_program_with_thousands_of_open_files_has_a_keyring"]
fn scene_of_many_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    // The set of `select` has 1,024 places: what is beyond is somebody else's memory, and the more so the further.
    for many in [3_900, 1_900, 1_100] {
        let files: Vec<File> = (0..many).map(|_| File::open("/dev/null").unwrap()).collect();
        let cache = in_the_keyring();
        for bytes in [b"{\"Known\":1}", b"{\"Known\":2}"] {
            cache.save(bytes).unwrap();
            assert_eq!(in_the_keyring().load().unwrap().unwrap(), bytes);
        }
        cache.set_aside().unwrap();
        assert_eq!(in_the_keyring().load().unwrap(), None);
        drop(files);
    }
}

#[test]
fn nothing_piles_up_however_often_the_keyring_is_asked() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_of_many_calls");
}

#[test]
#[ignore = "a scene: see nothing_piles_up_however_often_the_keyring_is_asked"]
fn scene_of_many_calls() {
    // The threads and the open files of this process.
    let held = || ["/proc/self/task", "/proc/self/fd"].map(|folder| fs::read_dir(folder).unwrap().count());
    let cache = in_the_keyring();
    let before = held();
    for number in 0..100 {
        cache.save(format!("{{\"Known\":{number}}}").as_bytes()).unwrap();
        cache.load().unwrap();
    }
    // The last thread has told its result, and may not have ended yet.
    let since = Instant::now();
    while held() != before {
        assert!(since.elapsed() < Duration::from_secs(30), "{:?} threads and files, and {before:?} before", held());
        thread::yield_now();
    }
}
