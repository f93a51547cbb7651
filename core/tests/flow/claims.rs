//! Claims, capabilities, and the wish for a new token.

use std::time::Duration;

use entrada_core::{Error, Flow, Lock};
use serde_json::{Value, json};

use crate::support::*;

fn good() -> Cached {
    signed_in().access(&ADA, "access-1", 3600)
}

#[test]
fn claims_pass_the_cache_over_and_are_sent() {
    let mut world = World::with(&good());
    world.answers(Grant::of("access-2"));
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let token = token(world.silent(&entra(), &request().claims(Some(claims.into()))));
    assert_eq!(token.secret.expose(), "access-2");
    assert_eq!(world.calls[0].field("claims"), claims);
    assert_eq!(world.secrets("AccessToken"), ["access-2"]);
}

#[test]
fn claims_pass_over_even_what_another_has_just_fetched() {
    let mut world = World::with(&good());
    world.locks.push_back(Lock::Busy);
    world.answers(Grant::of("access-3"));
    let cached_at = json!({ "cached_at": (NOW.as_secs() + 1).to_string() });
    world.meanwhile.push_back(Some(signed_in().access_with(&ADA, "access-2", 3600, cached_at)));
    assert_eq!(token(world.silent(&entra(), &request().claims(Some("{}".into())))).secret.expose(), "access-3");
}

#[test]
fn capabilities_ride_along_with_everything() {
    let app = entra().capabilities(["cp1", "other"]);
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    token(world.silent(&app, &request()));
    let sent: Value = serde_json::from_str(world.calls[0].field("claims")).unwrap();
    assert_eq!(sent, json!({ "access_token": { "xms_cc": { "values": ["cp1", "other"] } } }));

    // They alone do not pass the cache over.
    world.later(Duration::from_secs(1));
    token(world.silent(&app, &request()));
    assert_eq!(world.story(), "load");
}

#[test]
fn capabilities_and_claims_are_one_object() {
    let app = entra().capabilities(["cp1"]);
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    let claims = r#"{"id_token":{"auth_time":null},"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    token(world.silent(&app, &request().claims(Some(claims.into()))));
    let sent: Value = serde_json::from_str(world.calls[0].field("claims")).unwrap();
    let expected = json!({
        "id_token": { "auth_time": null },
        "access_token": { "acrs": { "essential": true, "value": "c1" }, "xms_cc": { "values": ["cp1"] } },
    });
    assert_eq!(sent, expected);
}

#[test]
fn claims_that_are_no_object_end_every_flow_before_it_begins() {
    for claims in ["", "eyJhY2Nlc3NfdG9rZW4iOnt9fQ", "[]", "{\"a\":", "null"] {
        let request = request().claims(Some(claims.into()));
        let app = entra();
        for flow in [
            Flow::silent(&app, &request),
            Flow::interactive(&app, &request, &sign_in()),
            Flow::device_code(&app, &request, &sign_in()),
        ] {
            let mut world = World::new();
            assert!(matches!(world.run(flow), Err(Error::Config(_))), "{claims}");
            assert_eq!(world.story(), "");
        }
    }
}

#[test]
fn the_users_call_carries_the_claims_that_the_sign_in_needs() {
    let asked = r#"{"access_token":{"nbf":{"value":"1"}}}"#;
    for (demanded, expected) in [(None, asked), (Some(r#"{"a":1}"#), r#"{"a":1}"#)] {
        let mut body: Value = json!({ "error": "interaction_required", "suberror": "basic_action" });
        if let Some(demanded) = demanded {
            body["claims"] = demanded.into();
        }
        let mut world = World::with(&signed_in());
        world.answers(json(400, &body));
        let required = refused(world.silent(&entra(), &request().claims(Some(asked.into()))));
        assert_eq!(required.claims.as_deref(), Some(expected));
    }
}

#[test]
fn a_new_token_can_be_insisted_on() {
    let mut world = World::with(&good());
    world.answers(Grant::of("access-2"));
    assert_eq!(token(world.silent(&entra(), &request().force_refresh(true))).secret.expose(), "access-2");
    assert_eq!(world.story(), "load lock load refresh load save unlock");
}

#[test]
fn a_token_of_this_very_second_is_not_new_to_whoever_did_not_wait() {
    let just_now = json!({ "cached_at": NOW.to_string() });
    let mut world = World::with(&signed_in().access_with(&ADA, "access-1", 3600, just_now));
    world.answers(Grant::of("access-2"));
    assert_eq!(token(world.silent(&entra(), &request().force_refresh(true))).secret.expose(), "access-2");
}

#[test]
fn whoever_insists_does_not_take_the_old_one_where_the_refresh_fails() {
    let mut world = World::with(&good());
    world.answers(html(503)).answers(html(503));
    let error = world.silent(&entra(), &request().force_refresh(true)).expect_err("no token");
    assert!(error.is_transient());
    assert_eq!(world.story(), "load lock load refresh wait refresh load save unlock");
}

#[test]
fn of_all_who_insist_at_once_one_refreshes() {
    let insisting = request().force_refresh(true);
    let fetched = |at: u64| {
        let cached_at = json!({ "cached_at": (NOW.as_secs() + at).to_string() });
        signed_in().access_with(&ADA, "access-2", 3600, cached_at)
    };
    let mut world = World::with(&good());
    world.locks.push_back(Lock::Busy);
    world.meanwhile.push_back(Some(fetched(0)));
    assert_eq!(token(world.silent(&entra(), &insisting)).secret.expose(), "access-2");
    assert_eq!(world.story(), "load lock wait load");

    // One that was there before they insisted does not do.
    let mut world = World::with(&good());
    world.locks.push_back(Lock::Busy);
    world.answers(Grant::of("access-3"));
    assert_eq!(token(world.silent(&entra(), &insisting)).secret.expose(), "access-3");
    assert_eq!(world.story(), "load lock wait load lock load refresh load save unlock");
}

#[test]
fn claims_that_cannot_be_asked_for_silently_go_into_the_sign_in() {
    let claims = r#"{"access_token":{"nbf":{"essential":true}}}"#;
    let demanding = request().claims(Some(claims.into()));
    let without_refresh_token = Cached::new().account(&ADA).access(&ADA, "access-1", 3600);
    for cached in [Cached::new(), without_refresh_token] {
        let required = refused(World::with(&cached).silent(&entra(), &demanding));
        assert_eq!(required.claims.as_deref(), Some(claims), "{:?}", required.reason);
    }
}
