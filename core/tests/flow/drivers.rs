//! Both drivers: the same script, the same end; and what only a driver can do.

use std::error::Error as _;

use entrada_core::drive::blocking::NoBrowser;
use entrada_core::ports::blocking;
use entrada_core::{Action, Error, Fault, Flow, Outcome, Port};

use crate::stories::{STORIES, Story};
use crate::support::ports::{Broken, Shared};
use crate::support::*;

type Driver = fn(&Shared, (Flow, Action)) -> Result<Outcome, Error>;

const DRIVERS: &[Driver] = &[
    Shared::run,
    #[cfg(feature = "async")]
    Shared::run_async,
];

/// How it ended, without the adapter's own words.
fn gist(ending: &Result<Outcome, Error>) -> String {
    match ending {
        Err(Error::Adapter(failure)) => format!("{:?} {:?}", failure.port, failure.fault),
        other => format!("{other:?}"),
    }
}

/// A story that is struck at a step.
fn struck(story: fn() -> Story, strike: Option<(usize, Fault)>) -> Story {
    let (mut world, flow) = story();
    world.strike = strike;
    (world, flow)
}

#[track_caller]
fn assert_told_alike(story: fn() -> Story, strike: Option<(usize, Fault)>) {
    let (mut world, flow) = struck(story, strike);
    let expected = (gist(&world.run(flow)), world.story(), world.cache.clone());
    for driver in DRIVERS {
        let (world, flow) = struck(story, strike);
        let shared = Shared::new(world);
        let ending = driver(&shared, flow);
        let world = shared.world();
        assert_eq!((gist(&ending), world.story(), world.cache.clone()), expected);
        assert_eq!(shared.open_listeners(), 0, "{}", world.story());
    }
}

#[test]
fn every_story_ends_alike() {
    for story in STORIES {
        assert_told_alike(story, None);
    }
}

#[test]
fn every_story_ends_alike_when_something_fails() {
    for story in STORIES {
        let (mut world, flow) = story();
        world.run(flow).ok();
        for (step, word) in world.story().split(' ').enumerate() {
            // These two cannot fail at a port.
            if !["wait", "unlock"].contains(&word) {
                for fault in FAULTS {
                    assert_told_alike(story, Some((step, fault)));
                }
            }
        }
    }
}

#[test]
fn the_adapters_own_error_is_the_source() {
    for (word, port) in [("entropy", Port::Entropy), ("listen", Port::Browser), ("redeem", Port::Authority)] {
        for driver in DRIVERS {
            let mut world = World::new();
            world.broken = Some((word, Fault::Denied));
            let ending = driver(&Shared::new(world), Flow::interactive(&entra(), &request(), &sign_in()));
            let error = ending.expect_err("no token");
            assert!(matches!(&error, Error::Adapter(failure) if failure.port == port), "{error:?}");
            assert!(error.source().expect("a source").is::<Broken>(), "{error:?}");
            assert!(error.to_string().ends_with("is broken"), "{error}");
        }
    }
}

#[test]
fn of_several_errors_the_one_that_ended_it_is_the_source() {
    for driver in DRIVERS {
        let mut world = World::with(&signed_in());
        world.strike = Some((0, Fault::Other));
        world.broken = Some(("save", Fault::Denied));
        let shared = Shared::new(world);
        let error = driver(&shared, Flow::sign_out(&entra(), None)).expect_err("nobody is signed out");
        assert_eq!(shared.world().story(), "lock load save");
        assert_eq!(error.source().expect("a source").to_string(), "the cache is broken");
    }
}

#[test]
fn an_error_that_was_got_over_is_nobodys_source() {
    for driver in DRIVERS {
        let mut world = World::with(&signed_in());
        world.broken = Some(("lock", Fault::Denied));
        world.answers(error(400, "invalid_client", ""));
        let error = driver(&Shared::new(world), Flow::silent(&entra(), &request())).expect_err("no token");
        assert!(matches!(error, Error::Server(_)) && error.source().is_none(), "{error:?}");
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    for driver in DRIVERS {
        let mut answer = html(200);
        answer.body = vec![b' '; 1024 * 1024 + 1];
        let mut world = World::with(&signed_in());
        world.answers(answer);
        let error = driver(&Shared::new(world), Flow::silent(&entra(), &request())).expect_err("no token");
        assert!(matches!(&error, Error::Adapter(failure) if failure.fault == Fault::TooLarge), "{error:?}");
    }
}

#[test]
fn an_id_that_no_header_can_carry_is_an_error() {
    for driver in DRIVERS {
        let world = World::with(&signed_in());
        let request = request().correlation_id(Some("a\r\nevil: 1".into()));
        let error = driver(&Shared::new(world), Flow::silent(&entra(), &request)).expect_err("no token");
        assert!(matches!(&error, Error::Adapter(failure) if failure.port == Port::Authority), "{error:?}");
        assert!(error.source().is_some());
    }
}

#[test]
fn where_nobody_can_sign_in_it_is_said_so() {
    let shared = Shared::new(World::new());
    let ports = entrada_core::drive::blocking::Ports {
        transport: &shared,
        cache: &shared,
        browser: &NoBrowser,
        clock: &shared,
        entropy: &shared,
    };
    let flow = Flow::interactive(&entra(), &request(), &sign_in());
    let error = entrada_core::drive::blocking::run(flow, ports).expect_err("no token");
    assert!(matches!(&error, Error::Adapter(failure) if failure.fault == Fault::NotFound), "{error:?}");
    assert!(error.to_string().contains("no browser was configured"), "{error}");
}

#[test]
fn a_lock_is_given_back_when_an_adapter_panics() {
    let shared = Shared::new(World::with(&signed_in()));
    // The authority's script is empty: the transport panics.
    let run = std::panic::AssertUnwindSafe(|| shared.run(Flow::silent(&entra(), &request())));
    assert!(std::panic::catch_unwind(run).is_err());
    assert_eq!(shared.world().story(), "load lock load refresh unlock");
    assert!(!shared.world().is_locked());
}

#[test]
fn ports_are_objects() {
    let shared = Shared::new(World::new());
    let cache: &dyn blocking::Cache = &shared;
    assert_eq!(cache.location(), "memory");
    assert!(matches!(cache.try_lock(), Ok(blocking::TryLock::Held(_))));
    assert!(!shared.world().is_locked());
}

#[cfg(feature = "async")]
mod dropped {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_lock_is_given_back_when_the_future_is_dropped() {
        let mut shared = Shared::new(World::with(&signed_in()));
        shared.hangs = true;
        let mut future = Box::pin(shared.start(Flow::silent(&entra(), &request())));
        assert!((&mut future).now_or_never().is_none());
        assert!(shared.world().is_locked());
        drop(future);
        assert!(!shared.world().is_locked());
        assert_eq!(shared.world().story(), "load lock load unlock");
    }

    #[test]
    fn a_listener_is_closed_when_the_future_is_dropped() {
        let mut shared = Shared::new(World::new());
        shared.hangs = true;
        let mut future = Box::pin(shared.start(Flow::interactive(&entra(), &request(), &sign_in())));
        assert!((&mut future).now_or_never().is_none());
        assert_eq!(shared.open_listeners(), 1);
        drop(future);
        assert_eq!(shared.open_listeners(), 0);
    }
}
