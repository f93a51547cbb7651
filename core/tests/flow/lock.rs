//! Several who want the same at once.

use std::time::Duration;

use entrada_core::{Error, Fault, Flow, Lock, Outcome, UiReason, Warning};

use crate::support::*;

fn expired() -> World {
    World::with(&signed_in().access(&ADA, "access-1", -1))
}

#[test]
fn whoever_waited_takes_what_another_has_fetched() {
    let mut world = expired();
    world.locks.extend([Lock::Busy, Lock::Busy]);
    world.meanwhile.extend([None, Some(signed_in().access(&ADA, "access-2", 3600))]);
    let token = token(world.silent(&entra(), &request()));
    assert_eq!((token.secret.expose(), token.warnings), ("access-2", vec![]));
    assert_eq!(world.story(), "load lock wait load lock wait load");
}

#[test]
fn whoever_gets_the_lock_looks_once_more() {
    let mut world = expired();
    let (mut flow, mut action) = Flow::silent(&entra(), &request());
    let ending = loop {
        match world.turn(action) {
            Turn::Goes(event) => action = flow.resume(world.now(), event),
            Turn::Ended(ending) => break ending,
        }
        if world.story() == "load lock" {
            world.cache = Some(signed_in().access(&ADA, "access-2", 3600).bytes());
        }
    };
    assert_eq!(token(ending).secret.expose(), "access-2");
    assert_eq!(world.story(), "load lock load unlock");
}

#[test]
fn the_pauses_grow_and_then_stay() {
    let mut world = expired();
    world.locks.extend([Lock::Busy; 8]);
    world.answers(Grant::of("access-2"));
    token(world.silent(&entra(), &request()));
    let pauses: Vec<u128> = world.waits.iter().map(Duration::as_millis).collect();
    assert_eq!(pauses, [10, 20, 40, 80, 160, 250, 250, 250]);
}

#[test]
fn a_lock_that_is_never_freed_is_gone_without_after_45_seconds() {
    let mut world = expired();
    world.locks.extend([Lock::Busy; 1000]);
    world.answers(Grant::of("access-2").refresh("refresh-2"));
    let token = token(world.silent(&entra(), &request()));
    assert_eq!((token.secret.expose(), token.warnings), ("access-2", vec![Warning::Unlocked]));
    let waited: Duration = world.waits.iter().sum();
    assert!((45_000..45_250).contains(&waited.as_millis()), "{waited:?}");
    assert!(world.story().ends_with("load lock load refresh load save"), "{}", world.story());
    assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
}

#[test]
fn a_cache_without_a_lock_is_used_without_one() {
    let mut world = expired();
    world.locks.push_back(Lock::Unsupported);
    world.answers(Grant::of("access-2"));
    let token = token(world.silent(&entra(), &request()));
    assert_eq!((token.secret.expose(), token.warnings), ("access-2", vec![]));
    assert_eq!(world.story(), "load lock load refresh load save");
}

#[test]
fn a_lock_that_fails_is_gone_without() {
    for fault in FAULTS {
        let mut world = expired();
        world.broken = Some(("lock", fault));
        world.answers(Grant::of("access-2"));
        let token = token(world.silent(&entra(), &request()));
        assert_eq!((token.secret.expose(), token.warnings), ("access-2", vec![Warning::Unlocked]));
        assert_eq!(world.story(), "load lock load refresh load save");
    }
}

#[test]
fn a_wait_can_be_cancelled_and_otherwise_cannot_fail() {
    for fault in FAULTS {
        let mut world = expired();
        world.locks.push_back(Lock::Busy);
        world.broken = Some(("wait", fault));
        world.answers(Grant::of("access-2"));
        let ending = world.silent(&entra(), &request());
        match fault {
            Fault::Cancelled => assert!(matches!(ending, Err(Error::Cancelled)), "{ending:?}"),
            _ => assert_eq!(token(ending).secret.expose(), "access-2"),
        }
    }
}

#[test]
fn a_sign_in_and_a_sign_out_wait_for_the_lock_without_peeking() {
    let mut world = World::new();
    world.locks.push_back(Lock::Busy);
    world.answers(Grant::of("access-1").refresh("refresh-1").to(&ADA));
    token(world.interactive(&entra(), &request(), &sign_in()));
    assert_eq!(world.story(), "entropy listen present receive redeem lock wait lock load save unlock");

    world.later(Duration::ZERO).locks.push_back(Lock::Busy);
    let ending = world.run(Flow::sign_out(&entra(), None));
    assert!(matches!(&ending, Ok(Outcome::SignedOut { accounts, .. }) if accounts.len() == 1), "{ending:?}");
    assert_eq!(world.story(), "lock wait lock load save unlock");
}

/// A refresh during which another replaces the cache: with the lock, past which the other went, and without.
fn refresh_beside(lock: Lock, others: &Cached, answer: impl Into<Reply>) -> (World, Result<Outcome, Error>) {
    let mut world = expired();
    world.locks.push_back(lock);
    world.answers(answer);
    let (mut flow, mut action) = Flow::silent(&entra(), &request());
    let ending = loop {
        match world.turn(action) {
            Turn::Goes(event) => action = flow.resume(world.now(), event),
            Turn::Ended(ending) => break ending,
        }
        if world.story() == "load lock load refresh" {
            world.cache = Some(others.bytes());
        }
    };
    (world, ending)
}

#[test]
fn what_others_saved_during_a_refresh_is_kept() {
    for lock in [Lock::Held, Lock::Unsupported] {
        let others = signed_in().account(&BOB).refresh(&BOB, "refresh-bob");
        let granted = Grant::of("access-2").refresh("refresh-2");
        let (world, ending) = refresh_beside(lock, &others, granted);
        assert_eq!(token(ending).secret.expose(), "access-2");
        assert_eq!(world.secrets("RefreshToken"), ["refresh-2", "refresh-bob"]);

        let (world, _) = refresh_beside(lock, &others, error(429, "too_many", ""));
        assert_eq!(world.secrets("RefreshToken").last().unwrap(), "refresh-bob");
        // Without the lock a mere note is not worth the risk of another's save.
        assert_eq!(world.cached()["Entrada"]["throttled"].is_object(), lock == Lock::Held);
    }
}

#[test]
fn whoever_signs_out_during_a_refresh_stays_out() {
    for lock in [Lock::Held, Lock::Unsupported] {
        let others = Cached::new().account(&BOB).refresh(&BOB, "refresh-bob");
        let (world, ending) = refresh_beside(lock, &others, Grant::of("access-2").refresh("refresh-2"));
        assert!(matches!(ending, Err(Error::UiRequired(required)) if required.reason == UiReason::NoAccount));
        assert_eq!(world.cache, Some(others.bytes()));
    }
}

#[test]
fn and_so_it_is_where_another_client_still_has_the_account() {
    let others = Cached::new().account(&ADA).client(OTHER_CLIENT).refresh(&ADA, "refresh-of-another");
    let (world, ending) = refresh_beside(Lock::Held, &others, Grant::of("access-2").refresh("refresh-2"));
    assert!(matches!(ending, Err(Error::UiRequired(required)) if required.reason == UiReason::NoAccount));
    assert_eq!(world.secrets("RefreshToken"), ["refresh-of-another"]);
}
