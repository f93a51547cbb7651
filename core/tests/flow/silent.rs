//! The cache answers, or it does not.

use std::time::Duration;

use entrada_core::{Error, Fault, Port, TokenSource, UiReason, Warning};
use serde_json::json;

use crate::support::*;

#[test]
fn a_hit_takes_one_look_into_the_cache_and_nothing_else() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 3600));
    let token = token(world.silent(&entra(), &request()));
    assert_eq!(token.secret.expose(), "access-1");
    assert_eq!(token.source, TokenSource::Cache);
    assert_eq!(token.expires_on, NOW + Duration::from_secs(3600));
    assert_eq!(token.account.unwrap().username, ADA.name);
    assert!(token.warnings.is_empty());
    assert_eq!(world.story(), "load");
}

#[test]
fn a_token_is_due_five_minutes_before_it_expires() {
    for (expires_in, story) in [(301, "load"), (300, "load lock load refresh load save unlock")] {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", expires_in));
        world.answers(Grant::of("access-2"));
        token(world.silent(&entra(), &request()));
        assert_eq!(world.story(), story, "{expires_in} s to live");
    }
}

#[test]
fn a_longer_lifetime_can_be_insisted_on() {
    let request = request().min_lifetime(Duration::from_secs(1800));
    for (expires_in, secret) in [(1801, "access-1"), (1800, "access-2")] {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", expires_in));
        world.answers(Grant::of("access-2"));
        assert_eq!(token(world.silent(&entra(), &request)).secret.expose(), secret);
    }
}

#[test]
fn an_empty_cache_asks_for_the_user_at_once() {
    for nothing in [None, Some(Vec::new()), Some(b" \n".to_vec()), Some(b"{}".to_vec())] {
        let mut world = World::new();
        world.cache = nothing;
        let required = refused(world.silent(&entra(), &request()));
        assert_eq!((required.reason, required.warnings), (UiReason::NoAccount, vec![]));
        assert_eq!(world.story(), "load");
    }
}

#[test]
fn an_expired_token_alone_is_an_account_without_a_refresh_token() {
    let mut world = World::with(&Cached::new().access(&ADA, "access-1", -1));
    assert_eq!(reason(world.silent(&entra(), &request())), UiReason::NoRefreshToken);
    assert_eq!(world.story(), "load");
}

#[test]
fn what_is_due_is_renewed_though_it_is_still_good() {
    let due = json!({ "refresh_on": (NOW.as_secs()).to_string() });
    let mut world = World::with(&signed_in().access_with(&ADA, "access-1", 3600, due));
    world.answers(Grant::of("access-2"));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-2");

    let not_yet = json!({ "refresh_on": (NOW.as_secs() + 1).to_string() });
    let mut world = World::with(&signed_in().access_with(&ADA, "access-1", 3600, not_yet));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-1");
}

#[test]
fn a_day_passes_with_one_refresh_an_hour() {
    let mut world = World::with(&signed_in());
    let mut refreshes = 0;
    for minute in 0..24 * 60 {
        world.answers(Grant::of(&format!("access-at-{minute}")).refresh(&format!("refresh-at-{minute}")));
        let token = token(world.silent(&entra(), &request()));
        assert!(token.expires_on.since(world.now()) > Duration::from_secs(300));
        refreshes += world.calls.len();
        world.authority.clear();
        world.later(Duration::from_secs(60));
    }
    // 55 minutes of each hour's token are used.
    assert_eq!(refreshes, 24 * 60 / 55 + 1);
}

#[test]
fn tokens_that_make_no_sense_are_passed_over() {
    let eleven_years = 11 * 365 * 24 * 3600;
    for (expires_in, more) in [
        (eleven_years, json!({})),
        (3600, json!({ "cached_at": (NOW.as_secs() + 301).to_string() })),
        (3600, json!({ "secret": "" })),
        (3600, json!({ "expires_on": "soon" })),
        (3600, json!({ "expires_on": null })),
        (3600, json!({ "token_type": "pop" })),
        (3600, json!({ "key_id": "k" })),
        (3600, json!({ "kid": "k" })),
        (3600, json!({ "ext_cache_key": "h" })),
        (3600, json!({ "additionalCacheKeyComponents": { "fmi_path": "a" } })),
        (3600, json!({ "user_assertion_hash": "h" })),
    ] {
        let mut world = World::with(&signed_in().access_with(&ADA, "access-1", expires_in, more.clone()));
        world.answers(Grant::of("access-2"));
        assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-2", "{more}");
    }
}

#[test]
fn times_are_read_as_text_and_as_numbers() {
    let numbers = json!({ "expires_on": NOW.as_secs() + 3600, "cached_at": NOW.as_secs(), "token_type": null });
    let mut world = World::with(&signed_in().access_with(&ADA, "access-1", 0, numbers));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-1");
}

#[test]
fn a_store_that_is_away_for_the_moment_has_not_said_that_nobody_is_signed_in() {
    for fault in [Fault::Unreachable, Fault::TimedOut] {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", 3600));
        world.broken = Some(("load", fault));
        let error = world.silent(&entra(), &request()).expect_err("no token");
        assert!(!error.needs_ui() && error.is_transient(), "{error:?}");
        assert!(matches!(&error, Error::Adapter(failure) if failure.port == Port::Cache), "{error:?}");
    }
}

#[test]
fn a_cache_that_cannot_be_read_is_as_good_as_empty() {
    for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::Corrupt && !fault.is_transient()) {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", 3600));
        world.broken = Some(("load", fault));
        let required = refused(world.silent(&entra(), &request()));
        assert_eq!((required.reason, required.warnings), (UiReason::NoAccount, vec![Warning::CacheUnread(fault)]));
    }
}

#[test]
fn a_token_that_was_short_lived_from_the_beginning_is_good_for_half_of_its_life() {
    let times = |ago: u64| json!({ "cached_at": (NOW.as_secs() - ago).to_string() });
    let mut fresh = World::with(&signed_in().access_with(&ADA, "access-1", 60, times(30)));
    assert_eq!(token(fresh.silent(&entra(), &request())).secret.expose(), "access-1");
    assert_eq!(fresh.story(), "load");

    let mut due = World::with(&signed_in().access_with(&ADA, "access-1", 30, times(60)));
    due.answers(Grant::of("access-2").with("expires_in", 90));
    assert_eq!(token(due.silent(&entra(), &request())).secret.expose(), "access-2");
}

#[test]
fn a_lifetime_that_cannot_be_had_is_told() {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    let long = request().min_lifetime(Duration::from_secs(7200));
    assert_eq!(token(world.silent(&entra(), &long)).warnings, [Warning::ShorterLived(Duration::from_secs(3600))]);
}
