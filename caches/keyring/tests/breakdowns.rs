//! Both caches against a keyring's service that ends or hangs in the midst of a call, and against one that asks its user.
//!
//! Each test starts a session of its own and runs its scene, a test that is ignored otherwise, as a process in it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use entrada_cache_keyring::{EncryptedFileCache, Keyring, KeyringCache};
use entrada_conformance::session::{At, Session};
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::Cache;

/// What a first save asks the service, in this order.
const OF_A_SAVE: [&str; 5] = ["ReadAlias", "OpenSession", "SearchItems", "Get", "CreateItem"];

const SHORT: Duration = Duration::from_secs(1);

fn path(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap()).join(name)
}

/// Waits long for the keyring, and longer for its user.
fn patient() -> Keyring {
    Keyring::new().timeout(Duration::from_secs(60)).unlock_timeout(Duration::from_secs(120))
}

fn in_the_keyring(keyring: Keyring) -> KeyringCache {
    KeyringCache::new(keyring, "tokens", path("stamp"))
}

/// The call fails with that fault and these words; how long it took.
#[track_caller]
fn fails<T>(fault: Fault, words: &str, call: impl FnOnce() -> Result<T, AdapterError>) -> Duration {
    let since = Instant::now();
    let Err(error) = call() else { panic!("no failure") };
    assert_eq!(error.fault(), fault, "{error}");
    assert!(error.to_string().contains(words), "no {words:?} in {error}");
    since.elapsed()
}

#[test]
fn a_service_that_ends_and_is_started_again_is_asked_once_more() {
    for (call, scene) in [
        ("ReadAlias", "scene_found"),
        ("OpenSession", "scene_found"),
        ("SearchItems", "scene_found"),
        ("GetSecret", "scene_found"),
        ("CreateItem", "scene_made"),
    ] {
        let Some(mut session) = Session::start() else { return };
        session.passes("scene_prepared");
        session.end_keyring();
        let service = session.serve(false, &[At::Ends(call)]);
        session.keyring_is_started_when_needed();
        session.passes(scene);
        assert_eq!(service.calls().last().unwrap(), call, "it was asked first, and ended there");
    }
}

#[test]
#[ignore = "a scene: see a_service_that_ends_and_is_started_again_is_asked_once_more"]
fn scene_prepared() {
    in_the_keyring(patient()).save(b"{\"Known\":1}").unwrap();
}

#[test]
#[ignore = "a scene: see a_service_that_ends_and_is_started_again_is_asked_once_more"]
fn scene_found() {
    assert_eq!(in_the_keyring(patient()).load().unwrap().unwrap(), b"{\"Known\":1}");
}

#[test]
#[ignore = "a scene: see a_service_that_ends_and_is_started_again_is_asked_once_more"]
fn scene_made() {
    let make = || EncryptedFileCache::with_keyring(path("tokens.sealed"), patient());
    make().save(b"{\"Known\":2}").unwrap();
    assert_eq!(make().load().unwrap().unwrap(), b"{\"Known\":2}", "its key is in the keyring");
}

#[test]
fn a_service_that_ends_and_is_not_started_again_is_unreachable() {
    let Some(session) = Session::without_keyring() else { return };
    for call in OF_A_SAVE {
        let service = session.serve(false, &[At::Ends(call)]);
        session.passes("scene_ended_in_a_save");
        assert_eq!(service.calls().last().unwrap(), call);
    }
    let service = session.serve(false, &[At::Ends("GetSecret")]);
    session.passes("scene_ended_in_a_load");
    assert_eq!(service.calls().last().unwrap(), "GetSecret");
    // Nor is a user waited for who was asked by one that ended then.
    let service = session.serve(true, &[At::Ends("Prompt")]);
    session.passes("scene_ended_in_a_load");
    assert_eq!(service.calls().last().unwrap(), "Prompt");
}

#[test]
fn a_service_that_ends_each_time_is_asked_twice_and_no_more() {
    let Some(session) = Session::without_keyring() else { return };
    let service = session.serve(false, &[At::Ends("CreateItem"), At::Ends("OpenSession"), At::Ends("never")]);
    session.passes("scene_ended_in_a_save");
    let calls = service.calls();
    assert_eq!(calls[calls.len() - 3..], ["CreateItem", "ReadAlias", "OpenSession"]);
}

#[test]
#[ignore = "a scene: see a_service_that_ends_and_is_not_started_again_is_unreachable"]
fn scene_ended_in_a_save() {
    let (path, keyring) = (path("tokens.sealed"), patient());
    let took = fails(Fault::Unreachable, "service ended in the midst of a call", || {
        EncryptedFileCache::with_keyring(&path, keyring).save(b"{}")
    });
    assert!(took < Duration::from_secs(30), "it is known at once, and took {took:?}");
    assert!(!path.exists());
}

#[test]
#[ignore = "a scene: see a_service_that_ends_and_is_not_started_again_is_unreachable"]
fn scene_ended_in_a_load() {
    let took = fails(Fault::Unreachable, "service ended in the midst of a call", || in_the_keyring(patient()).load());
    assert!(took < Duration::from_secs(30), "it is known at once, and took {took:?}");
}

#[test]
fn a_bus_that_ends_is_unreachable_and_no_keyring_that_hangs() {
    for (call, is_locked) in [("OpenSession", false), ("CreateItem", false), ("Prompt", true)] {
        let Some(session) = Session::without_keyring() else { return };
        let service = session.serve(is_locked, &[At::EndsTheBus(call)]);
        session.passes("scene_without_its_bus");
        assert_eq!(service.calls().last().unwrap(), call);
    }
}

#[test]
#[ignore = "a scene: see a_bus_that_ends_is_unreachable_and_no_keyring_that_hangs"]
fn scene_without_its_bus() {
    fails(Fault::Unreachable, "D-Bus ended in the midst of a call", || in_the_keyring(patient()).save(b"{}"));
}

#[test]
fn a_service_that_hangs_in_the_midst_ends_when_the_keyrings_time_is_up() {
    let Some(session) = Session::without_keyring() else { return };
    for call in OF_A_SAVE {
        let service = session.serve(false, &[At::Hangs(call)]);
        session.passes("scene_hung_in_a_save");
        assert_eq!(service.calls().last().unwrap(), call);
    }
}

#[test]
#[ignore = "a scene: see a_service_that_hangs_in_the_midst_ends_when_the_keyrings_time_is_up"]
fn scene_hung_in_a_save() {
    let took = fails(Fault::TimedOut, "did not answer", || in_the_keyring(patient().timeout(SHORT)).save(b"{}"));
    assert!(took >= SHORT && took < 2 * SHORT, "it took {took:?}");
}

#[test]
fn a_user_who_unlocks_the_keyring_is_waited_for() {
    let Some(session) = Session::without_keyring() else { return };
    let service = session.serve(true, &[At::Ends("never")]);
    session.passes("scene_unlocked_by_its_user");
    assert_eq!(service.calls(), ["ReadAlias", "OpenSession", "SearchItems", "Unlock", "Prompt", "GetSecret"]);
}

#[test]
#[ignore = "a scene: see a_user_who_unlocks_the_keyring_is_waited_for"]
fn scene_unlocked_by_its_user() {
    assert_eq!(in_the_keyring(patient()).load().unwrap().unwrap(), b"{}");
}

#[test]
fn a_question_that_nobody_answers_is_taken_back() {
    let Some(session) = Session::without_keyring() else { return };
    let service = session.serve(true, &[At::Ignores("Prompt")]);
    session.passes("scene_without_its_user");
    assert_eq!(service.calls(), ["ReadAlias", "OpenSession", "SearchItems", "Unlock", "Prompt", "Dismiss"]);
}

#[test]
#[ignore = "a scene: see a_question_that_nobody_answers_is_taken_back"]
fn scene_without_its_user() {
    let keyring = patient().unlock_timeout(2 * SHORT);
    let took = fails(Fault::Denied, "nobody unlocked it within 2s", || in_the_keyring(keyring).load());
    // The process ends now: whoever took the question back did so before.
    assert!(took >= 2 * SHORT, "it took {took:?}");
}
