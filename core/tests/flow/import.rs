//! Another cache's entries are taken over under the lock, and nothing is lost by it.

use entrada_core::cache::TokenCache;
use entrada_core::{Error, Fault, Flow, Lock, Outcome, Port, Warning};
use serde_json::json;

use crate::support::*;

fn imported(world: &mut World, other: &Cached) -> Result<Outcome, Error> {
    let other = TokenCache::from_bytes(other.bytes()).unwrap();
    world.run(Flow::import(&entra(), other))
}

fn bobs() -> Cached {
    Cached::new().account(&BOB).refresh(&BOB, "refresh-bob").access(&BOB, "access-bob", 3600)
}

#[test]
fn it_is_loaded_absorbed_and_saved_under_the_lock() {
    let mut world = World::with(&signed_in().beside("Foreign", json!([1])));
    world.locks.push_back(Lock::Busy);
    let ending = imported(&mut world, &bobs());
    assert!(matches!(&ending, Ok(Outcome::Imported { entries: 3, warnings }) if warnings.is_empty()), "{ending:?}");
    assert_eq!(world.story(), "lock wait lock load save unlock");
    assert_eq!(world.secrets("RefreshToken"), ["refresh-1", "refresh-bob"]);
    assert_eq!(world.cached()["Foreign"], json!([1]));

    let request = request().account(entrada_core::AccountSelector::Named(BOB.name.into()));
    assert_eq!(token(world.later(std::time::Duration::ZERO).silent(&entra(), &request)).secret.expose(), "access-bob");
}

#[test]
fn what_is_known_already_is_not_saved_again() {
    let mut world = World::with(&signed_in());
    let before = world.cache.clone();
    let ending = imported(&mut world, &signed_in());
    assert!(matches!(&ending, Ok(Outcome::Imported { entries: 0, .. })), "{ending:?}");
    assert_eq!((world.story().as_str(), &world.cache), ("lock load unlock", &before));
}

#[test]
fn an_unreadable_cache_is_set_aside_and_one_that_cannot_be_read_now_is_left_alone() {
    let mut world = World::new();
    world.cache = Some(b"not json".to_vec());
    match imported(&mut world, &bobs()) {
        Ok(Outcome::Imported { entries: 3, warnings }) => {
            assert_eq!(warnings, [Warning::CacheSetAside("/somewhere/else".into())]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        (world.story().as_str(), &world.aside[..]),
        ("lock load set-aside save unlock", &[b"not json".to_vec()][..])
    );

    for broken in ["load", "save"] {
        let mut world = World::with(&signed_in());
        let before = world.cache.clone();
        world.broken = Some((broken, Fault::Denied));
        match imported(&mut world, &bobs()) {
            Err(Error::Adapter(failure)) => assert_eq!((failure.port, failure.fault), (Port::Cache, Fault::Denied)),
            other => panic!("{broken}: {other:?}"),
        }
        assert_eq!(world.cache, before);
        assert!(world.story().ends_with("unlock"), "{}", world.story());
    }
}
