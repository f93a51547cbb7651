//! The cache can only help: what cannot be read is never written over, and costs nobody a token.

use entrada_core::{Error, Fault, Flow, Outcome, Port, UiReason, Warning};

use crate::support::*;

const NO_CACHES: [&[u8]; 6] =
    [b"not json", b"[]", b"{\"AccessToken\":[]}", b"{\"RefreshToken\":5}", b"\xff\xfe{", b"{\"AccessToken\":{}"];

fn signing_in(world: &mut World) -> Result<Outcome, Error> {
    world.answers(Grant::of("access-1").refresh("refresh-1").to(&ADA));
    world.interactive(&entra(), &request(), &sign_in())
}

#[test]
fn a_corrupt_cache_is_left_alone_by_those_who_only_look() {
    for bytes in NO_CACHES {
        let mut world = World::new();
        world.cache = Some(bytes.to_vec());
        let required = refused(world.silent(&entra(), &request()));
        assert_eq!((required.reason, required.warnings), (UiReason::NoAccount, vec![Warning::CacheCorrupt]));
        assert_eq!(world.story(), "load");
        assert_eq!(world.cache.as_deref(), Some(bytes));
    }
}

#[test]
fn a_sign_in_sets_a_corrupt_cache_aside_before_it_saves() {
    for bytes in NO_CACHES {
        let mut world = World::new();
        world.cache = Some(bytes.to_vec());
        let token = token(signing_in(&mut world));
        assert_eq!(token.warnings, [Warning::CacheSetAside("/somewhere/else".into())]);
        assert!(world.story().ends_with("redeem lock load set-aside save unlock"), "{}", world.story());
        assert_eq!(world.aside, [bytes.to_vec()]);
        assert_eq!(world.secrets("RefreshToken"), ["refresh-1"]);
    }
}

#[test]
fn a_store_that_calls_its_content_corrupt_is_believed() {
    let mut world = World::with(&signed_in());
    world.broken = Some(("load", Fault::Corrupt));
    assert_eq!(refused(world.silent(&entra(), &request())).warnings, [Warning::CacheCorrupt]);

    let before = world.cache.clone().unwrap();
    token(signing_in(&mut world));
    assert_eq!(world.aside, [before]);
}

#[test]
fn what_cannot_be_set_aside_is_not_saved_over() {
    for fault in FAULTS {
        let mut world = World::new();
        world.cache = Some(b"not json".to_vec());
        world.broken = Some(("set-aside", fault));
        let token = token(signing_in(&mut world));
        assert_eq!(token.secret.expose(), "access-1");
        assert_eq!(token.warnings, [Warning::CacheCorrupt, Warning::CacheUnsaved(fault)]);
        assert!(world.story().ends_with("load set-aside unlock"), "{}", world.story());
        assert_eq!(world.cache.as_deref(), Some(&b"not json"[..]));
    }
}

#[test]
fn what_was_set_aside_and_could_not_be_replaced_is_told_twice() {
    let mut world = World::new();
    world.cache = Some(b"not json".to_vec());
    world.broken = Some(("save", Fault::Denied));
    let token = token(signing_in(&mut world));
    let aside = Warning::CacheSetAside("/somewhere/else".into());
    assert_eq!(token.warnings, [aside, Warning::CacheUnsaved(Fault::Denied)]);
    assert_eq!(world.aside, [b"not json".to_vec()]);
}

#[test]
fn what_could_not_even_be_read_is_never_saved_over() {
    for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::Corrupt) {
        let mut world = World::with(&signed_in());
        let before = world.cache.clone();
        world.broken = Some(("load", fault));
        let token = token(signing_in(&mut world));
        assert_eq!(token.secret.expose(), "access-1");
        assert_eq!(token.warnings, [Warning::CacheUnread(fault), Warning::CacheUnsaved(fault)]);
        assert!(world.story().ends_with("redeem lock load unlock"), "{}", world.story());
        assert_eq!(world.cache, before);
    }
}

#[test]
fn a_cache_that_breaks_between_two_looks_is_not_saved_over() {
    for bytes in NO_CACHES {
        let mut world = World::with(&signed_in());
        let (mut flow, mut action) = Flow::silent(&entra(), &request());
        let ending = loop {
            match world.turn(action) {
                Turn::Goes(event) => action = flow.resume(world.now(), event),
                Turn::Ended(ending) => break ending,
            }
            if world.story() == "load lock" {
                world.cache = Some(bytes.to_vec());
            }
        };
        assert_eq!(refused(ending).warnings, [Warning::CacheCorrupt]);
        assert_eq!(world.story(), "load lock load unlock");
        assert_eq!(world.cache.as_deref(), Some(bytes));
    }
}

#[test]
fn who_is_signed_in_cannot_be_told_from_a_broken_cache() {
    let mut world = World::new();
    world.cache = Some(b"not json".to_vec());
    let ending = world.run(Flow::accounts(&entra()));
    let Err(Error::Adapter(failure)) = ending else { panic!("{ending:?}") };
    assert_eq!((failure.port, failure.fault), (Port::Cache, Fault::Corrupt));

    for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::Cancelled) {
        let mut world = World::with(&signed_in());
        world.broken = Some(("load", fault));
        let ending = world.run(Flow::accounts(&entra()));
        let Err(Error::Adapter(failure)) = ending else { panic!("{ending:?}") };
        assert_eq!((failure.port, failure.fault), (Port::Cache, fault));
    }
}

#[test]
fn a_sign_out_that_cannot_be_saved_has_failed() {
    for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::Cancelled) {
        let mut world = World::with(&signed_in());
        world.broken = Some(("save", fault));
        let ending = world.run(Flow::sign_out(&entra(), None));
        let Err(Error::Adapter(failure)) = ending else { panic!("{ending:?}") };
        assert_eq!((failure.port, failure.fault), (Port::Cache, fault));
        assert_eq!(world.story(), "lock load save unlock");
    }
}
