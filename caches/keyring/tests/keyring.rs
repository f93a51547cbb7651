//! Both caches against a real keyring, and against what may be wrong with one.
//!
//! Each test starts a session of its own and runs its scene, a test that is ignored otherwise, as a process in it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

use std::fs;
use std::time::{Duration, Instant};

use entrada_cache_file::FileCache;
use entrada_cache_keyring::{EncryptedFileCache, Keyring, KeyringCache};
use entrada_conformance::session::Session;
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::Cache;

/// Longer than the whole suite takes anywhere.
const PATIENT: Duration = Duration::from_secs(120);

fn patient() -> Keyring {
    Keyring::new().timeout(PATIENT)
}

fn path(name: &str) -> std::path::PathBuf {
    std::path::PathBuf::from(std::env::var_os("HOME").unwrap()).join("made/when/needed").join(name)
}

#[test]
fn the_suite_of_the_port() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_suite_in_the_keyring");
    session.passes("scene_suite_encrypted");
}

#[test]
#[ignore = "a scene: see the_suite_of_the_port"]
fn scene_suite_in_the_keyring() {
    // Of the sizes that are saved, some fit in one entry and some take seven.
    entrada_conformance::cache::cache(|| KeyringCache::new(patient(), "suite", path("stamp")).split_size(1 << 20));
}

#[test]
#[ignore = "a scene: see the_suite_of_the_port"]
fn scene_suite_encrypted() {
    entrada_conformance::cache::cache(|| EncryptedFileCache::with_keyring(path("suite.sealed"), patient()));
}

#[test]
fn entries_are_as_small_as_windows_takes_them() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_small_entries");
}

#[test]
#[ignore = "a scene: see entries_are_as_small_as_windows_takes_them"]
fn scene_small_entries() {
    let make = || KeyringCache::new(patient(), "small", path("stamp")).split_size(2560);
    let (one, two) = (make(), make());
    for length in [20_000, 1_000, 2_000, 30_000] {
        let bytes: Vec<u8> = (0..length).map(|index| index as u8).collect();
        one.save(&bytes).unwrap();
        assert!(two.load().unwrap().unwrap() == bytes, "{length} bytes");
    }
}

#[test]
fn a_snapshot_costs_no_question_while_nothing_has_changed() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_snapshots_without_a_keyring");
}

#[test]
#[ignore = "a scene: see a_snapshot_costs_no_question_while_nothing_has_changed"]
fn scene_snapshots_without_a_keyring() {
    let inside = KeyringCache::new(Keyring::new(), "tokens", path("stamp"));
    let encrypted = EncryptedFileCache::new(path("tokens.sealed"));
    inside.save(b"{\"Known\":1}").unwrap();
    encrypted.save(b"{\"Known\":1}").unwrap();
    let before = (format!("{:?}", inside.snapshot()), format!("{:?}", encrypted.snapshot()));
    // By the kernel's word the keyring is the one process here with that name in its command line.
    let home = std::env::var("HOME").unwrap();
    let pids: Vec<String> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
            (line.starts_with("/usr/bin/gnome-keyring-daemon") && line.contains(&home))
                .then(|| entry.file_name().into_string().unwrap())
        })
        .collect();
    assert_eq!(pids.len(), 1);
    assert!(std::process::Command::new("kill").args(["-KILL", &pids[0]]).status().unwrap().success());
    for _ in 0..3 {
        assert_eq!((format!("{:?}", inside.snapshot()), format!("{:?}", encrypted.snapshot())), before);
    }
    assert_eq!(encrypted.load().unwrap().unwrap(), b"{\"Known\":1}", "the key is known");
    inside.load().unwrap_err();
}

#[test]
fn what_cannot_be_decrypted_is_corrupt_and_never_overwritten() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_tampered");
}

#[test]
#[ignore = "a scene: see what_cannot_be_decrypted_is_corrupt_and_never_overwritten"]
fn scene_tampered() {
    let (path, other) = (path("tokens.sealed"), path("other.sealed"));
    EncryptedFileCache::new(&path).save(b"{\"Known\":1}").unwrap();
    EncryptedFileCache::new(&other).save(b"{\"Known\":2}").unwrap();
    let (whole, foreign) = (fs::read(&path).unwrap(), fs::read(&other).unwrap());
    let changed: Vec<u8> = whole.iter().enumerate().map(|(index, byte)| byte ^ u8::from(index == 50)).collect();
    // The other file's content under this one's key.
    let mixed = [&whole[..32], &foreign[32..]].concat();
    let mut unknown_key = whole.clone();
    unknown_key[20] ^= 1;
    for (content, words) in [
        (whole[..40].to_vec(), "truncated"),
        (whole[..5].to_vec(), "truncated"),
        (changed, "changed"),
        (mixed, "another key"),
        (unknown_key, "not in this keyring"),
        (b"rubbish".to_vec(), "truncated"),
    ] {
        fs::write(&path, &content).unwrap();
        for cache in [EncryptedFileCache::new(&path), EncryptedFileCache::new(&path).clone()] {
            for error in [cache.load().unwrap_err(), cache.snapshot().unwrap_err()] {
                assert_eq!(error.fault(), Fault::Corrupt, "{error}");
                assert!(error.to_string().contains(words), "no {words:?} in {error}");
            }
        }
        assert_eq!(EncryptedFileCache::new(&path).save(b"{}").unwrap_err().fault(), Fault::Corrupt);
        assert_eq!(fs::read(&path).unwrap(), content, "{words}");
        let aside = EncryptedFileCache::new(&path).set_aside().unwrap();
        assert_eq!(fs::read(aside).unwrap(), content);
        EncryptedFileCache::new(&path).save(b"{}").unwrap();
    }
    // Its key is the file's own, wherever that lies.
    assert_eq!(EncryptedFileCache::new(&other).load().unwrap().unwrap(), b"{\"Known\":2}");
    fs::rename(&other, &path).unwrap();
    assert_eq!(EncryptedFileCache::new(&path).load().unwrap().unwrap(), b"{\"Known\":2}");

    FileCache::new(&path).save(b"{\"AccessToken\":{}}").unwrap();
    for error in
        [EncryptedFileCache::new(&path).load().unwrap_err(), EncryptedFileCache::new(&path).save(b"{}").unwrap_err()]
    {
        assert_eq!(error.fault(), Fault::Denied, "a plain cache is left as it is: {error}");
    }
}

/// The call fails with that fault and these words, and takes no longer than its three seconds; how long it took.
#[track_caller]
fn fails<T>(fault: Fault, words: &str, call: impl FnOnce() -> Result<T, AdapterError>) -> Duration {
    let took = fails_late(fault, words, call);
    assert!(took < Duration::from_millis(3_500), "it took {took:?}");
    took
}

#[track_caller]
fn fails_late<T>(fault: Fault, words: &str, call: impl FnOnce() -> Result<T, AdapterError>) -> Duration {
    let since = Instant::now();
    let Err(error) = call() else { panic!("no failure") };
    let took = since.elapsed();
    assert_eq!(error.fault(), fault, "{error}");
    assert!(error.to_string().contains(words), "no {words:?} in {error}");
    took
}

#[test]
fn a_keyring_that_hangs_ends_in_three_seconds() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_prepared");
    session.hang();
    session.passes("scene_hung");
}

#[test]
fn a_locked_keyring_that_may_ask_nobody_ends_at_once() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_prepared");
    session.lock();
    session.passes("scene_locked");
}

#[test]
fn without_a_keyring_it_is_known_at_once() {
    let Some(session) = Session::without_keyring() else { return };
    session.passes("scene_nobody_there");
}

#[test]
#[ignore = "a scene: see a_keyring_that_hangs_ends_in_three_seconds"]
fn scene_prepared() {
    KeyringCache::new(Keyring::new(), "tokens", path("stamp")).save(b"{}").unwrap();
    EncryptedFileCache::new(path("tokens.sealed")).save(b"{}").unwrap();
}

#[test]
#[ignore = "a scene: see a_keyring_that_hangs_ends_in_three_seconds"]
fn scene_hung() {
    let before = fs::read(path("tokens.sealed")).unwrap();
    let encrypted = EncryptedFileCache::new(path("tokens.sealed"));
    fails(Fault::TimedOut, "did not answer", || KeyringCache::new(Keyring::new(), "tokens", path("stamp")).load());
    fails(Fault::TimedOut, "did not answer", || encrypted.load());
    let since = Instant::now();
    fails(Fault::TimedOut, "a moment ago", || encrypted.snapshot());
    fails(Fault::TimedOut, "a moment ago", || encrypted.save(b"[]"));
    assert!(since.elapsed() < Duration::from_millis(500), "it is not asked again so soon");
    assert_eq!(fs::read(path("tokens.sealed")).unwrap(), before);
}

#[test]
#[ignore = "a scene: see a_locked_keyring_that_may_ask_nobody_ends_at_once"]
fn scene_locked() {
    let mute = Keyring::new().prompts(false);
    fails(Fault::Denied, "is locked", || EncryptedFileCache::with_keyring(path("tokens.sealed"), mute.clone()).load());
    fails(Fault::Denied, "is locked", || KeyringCache::new(mute, "tokens", path("stamp")).save(b"[]"));
}

#[test]
fn a_user_who_is_asked_has_longer_than_the_keyring() {
    let Some(session) = Session::start() else { return };
    session.passes("scene_prepared");
    session.lock();
    session.passes("scene_asked");
    // Nothing was lost by it.
    session.unlock();
    session.passes("scene_unlocked");
}

#[test]
#[ignore = "a scene: see a_user_who_is_asked_has_longer_than_the_keyring"]
fn scene_asked() {
    let before = fs::read(path("tokens.sealed")).unwrap();
    let asking = || Keyring::new().timeout(Duration::from_secs(3)).unlock_timeout(Duration::from_secs(5));
    let encrypted = EncryptedFileCache::with_keyring(path("tokens.sealed"), asking());
    let words = "nobody unlocked it within 5s: unlock it";
    let took = fails_late(Fault::Denied, words, || encrypted.load());
    assert!(took >= Duration::from_secs(5) && took < Duration::from_secs(9), "it took {took:?}");
    let took = fails(Fault::Denied, words, || encrypted.save(b"[]"));
    assert!(took < Duration::from_millis(500), "nobody is asked again so soon");
    assert_eq!(fs::read(path("tokens.sealed")).unwrap(), before);
    fails_late(Fault::Denied, words, || KeyringCache::new(asking(), "tokens", path("stamp")).load());
}

#[test]
#[ignore = "a scene: see a_user_who_is_asked_has_longer_than_the_keyring"]
fn scene_unlocked() {
    assert_eq!(EncryptedFileCache::new(path("tokens.sealed")).load().unwrap().unwrap(), b"{}");
    assert_eq!(KeyringCache::new(Keyring::new(), "tokens", path("stamp")).load().unwrap().unwrap(), b"{}");
}

#[test]
#[ignore = "a scene: see without_a_keyring_it_is_known_at_once"]
fn scene_nobody_there() {
    assert!(Keyring::is_there(), "there is a bus");
    let encrypted = EncryptedFileCache::new(path("tokens.sealed"));
    let since = Instant::now();
    assert_eq!(encrypted.load().unwrap(), None);
    fails(Fault::NotFound, "there is no keyring", || encrypted.save(b"{}"));
    fails(Fault::NotFound, "there is no keyring", || KeyringCache::new(Keyring::new(), "t", path("stamp")).load());
    assert!(since.elapsed() < Duration::from_secs(1));
    assert!(!path("tokens.sealed").exists());
}
