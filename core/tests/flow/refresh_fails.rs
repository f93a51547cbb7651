//! The refresh that fails: for now, or for good.

use std::time::Duration;

use entrada_core::{Error, Fault, Port, UiReason, Warning};
use serde_json::json;

use crate::support::*;

/// What passes by itself.
fn passing() -> Vec<Reply> {
    vec![
        Fault::Unreachable.into(),
        Fault::TimedOut.into(),
        html(503).into(),
        html(429).into(),
        html(408).into(),
        status(502).into(),
        error(500, "server_error", "").into(),
        error(400, "temporarily_unavailable", "").into(),
        error(429, "too_many_requests", "").into(),
        json(504, &json!({ "error": { "code": "nested" } })).into(),
    ]
}

/// What does not.
fn lasting() -> Vec<Reply> {
    vec![
        Fault::Untrusted.into(),
        Fault::Denied.into(),
        Fault::TooLarge.into(),
        Fault::Cancelled.into(),
        Fault::Other.into(),
        html(200).into(),
        html(404).into(),
        status(200).into(),
        status(302).into(),
        json(200, &json!([])).into(),
        json(200, &json!({})).into(),
        json(200, &json!({ "access_token": "" })).into(),
        json(200, &json!({ "access_token": "access-2", "token_type": "pop" })).into(),
        json(201, &json!({ "access_token": "access-2" })).into(),
        error(400, "invalid_client", "").into(),
        error(400, "invalid_grant", "").into(),
        error(200, "invalid_request", "").into(),
    ]
}

/// A token that is due for renewal, and good for another hour.
fn aging() -> Cached {
    signed_in().access_with(&ADA, "access-1", 3600, json!({ "refresh_on": NOW.to_string() }))
}

#[test]
fn a_token_that_is_still_good_is_given_where_the_reason_passes() {
    for cached in [aging(), signed_in().access(&ADA, "access-1", 120)] {
        for (number, reply) in passing().into_iter().enumerate() {
            let mut world = World::with(&cached);
            let before = tokens(&world);
            world.answers(reply);
            let token = token(world.silent(&entra(), &request()));
            assert_eq!(token.secret.expose(), "access-1", "reply {number}");
            assert_eq!(token.warnings, [Warning::RefreshPostponed]);
            assert!(
                ["load lock load refresh unlock", "load lock load refresh load save unlock"].contains(&&*world.story())
            );
            assert_eq!(tokens(&world), before);
        }
    }
}

/// The cache but for what is noted beside the tokens.
fn tokens(world: &World) -> serde_json::Value {
    let mut cached = world.cached();
    cached.as_object_mut().unwrap().remove("Entrada");
    cached
}

#[test]
fn a_token_that_is_still_good_hides_no_lasting_reason() {
    for (number, reply) in lasting().into_iter().enumerate() {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", 120));
        let before = tokens(&world);
        world.answers(reply);
        let error = world.silent(&entra(), &request()).expect_err("no token");
        assert!(!error.is_transient(), "reply {number}: {error}");
        assert!(!world.story().contains("wait"), "{}", world.story());
        assert_eq!(tokens(&world), before, "reply {number}");
    }
}

#[test]
fn a_renewal_that_is_not_needed_yet_is_in_nobodys_way() {
    for (number, reply) in lasting().into_iter().enumerate() {
        let mut world = World::with(&aging());
        world.answers(reply.clone());
        let ending = world.silent(&entra(), &request());
        if matches!(reply, Reply::Fault(Fault::Cancelled)) {
            assert!(matches!(ending, Err(Error::Cancelled)), "{ending:?}");
            continue;
        }
        let token = token(ending);
        assert_eq!((token.secret.expose(), token.warnings), ("access-1", vec![Warning::RefreshPostponed]), "{number}");
    }
}

#[test]
fn what_passes_can_be_told_from_what_lasts() {
    for (number, reply) in passing().into_iter().enumerate() {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", -1));
        // Asked once more where the authority stumbled.
        world.answers(reply.clone()).answers(reply);
        let error = world.silent(&entra(), &request()).expect_err("no token");
        assert!(error.is_transient() && !error.needs_ui(), "reply {number}: {error}");
    }
}

#[test]
fn an_aging_token_must_still_be_good_when_the_refresh_has_failed() {
    // It expires while the lock is awaited.
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 30));
    world.locks.extend([entrada_core::Lock::Busy; 1000]);
    world.answers(Fault::Unreachable);
    let ending = world.silent(&entra(), &request());
    let Err(Error::Adapter(failure)) = ending else { panic!("{ending:?}") };
    assert_eq!((failure.port, failure.fault), (Port::Authority, Fault::Unreachable));
    assert_eq!(world.story().split(' ').next_back(), Some("refresh"));
}

#[test]
fn an_aging_token_must_live_as_long_as_was_insisted_on() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 900));
    world.answers(Fault::Unreachable);
    let ending = world.silent(&entra(), &request().min_lifetime(Duration::from_secs(1000)));
    assert!(matches!(ending, Err(Error::Adapter(_))), "{ending:?}");
}

#[test]
fn retry_after_comes_through() {
    for (value, seconds) in [("17", Some(17)), ("86400", Some(3600)), ("Fri, 31 Dec 1999 23:59:59 GMT", None)] {
        let mut answer = html(429);
        answer.headers.push(("Retry-After".into(), value.into()));
        let mut world = World::with(&signed_in());
        world.answers(answer);
        let ending = world.silent(&entra(), &request());
        let Err(Error::Server(server)) = ending else { panic!("{ending:?}") };
        assert_eq!(server.retry_after, seconds.map(Duration::from_secs));
        assert_eq!(server.status, 429);
    }
}

#[test]
fn each_refusal_has_its_reason() {
    for (error_code, suberror, expected) in [
        ("invalid_grant", "", UiReason::RefreshRefused),
        ("invalid_grant", "something_new", UiReason::RefreshRefused),
        ("invalid_grant", "basic_action", UiReason::BasicAction),
        ("invalid_grant", "additional_action", UiReason::AdditionalAction),
        ("invalid_grant", "message_only", UiReason::MessageOnly),
        ("invalid_grant", "consent_required", UiReason::ConsentRequired),
        ("invalid_grant", "user_password_expired", UiReason::PasswordExpired),
        ("invalid_grant", "bad_token", UiReason::BadRefreshToken),
        ("invalid_grant", "token_expired", UiReason::BadRefreshToken),
        ("interaction_required", "", UiReason::BasicAction),
        ("interaction_required", "consent_required", UiReason::ConsentRequired),
        ("login_required", "", UiReason::BasicAction),
        ("consent_required", "", UiReason::ConsentRequired),
    ] {
        let mut world = World::with(&signed_in());
        world.answers(error(400, error_code, suberror));
        let required = refused(world.silent(&entra(), &request()));
        assert_eq!(required.reason, expected, "{error_code} {suberror}");
        assert_eq!(required.server.unwrap().error, error_code);
        let is_gone = expected == UiReason::BadRefreshToken;
        assert_eq!(world.secrets("RefreshToken").is_empty(), is_gone, "{error_code} {suberror}");
        assert_eq!(world.story(), "load lock load refresh load save unlock");
    }
}

#[test]
fn what_a_sign_in_cannot_settle_does_not_ask_for_one() {
    for (error_code, suberror) in [
        ("invalid_grant", "client_mismatch"),
        ("invalid_grant", "protection_policy_required"),
        ("invalid_client", ""),
        ("unauthorized_client", "basic_action"),
    ] {
        let mut world = World::with(&signed_in());
        world.answers(error(400, error_code, suberror));
        let error = world.silent(&entra(), &request()).expect_err("no token");
        assert!(!error.needs_ui(), "{error_code} {suberror}: {error}");
        assert_eq!(error.correlation_id(), Some("c0ffee00-0000-0000-0000-000000000000"));
        assert_eq!(world.secrets("RefreshToken"), ["refresh-1"]);
    }
}

#[test]
fn a_worthless_refresh_token_is_removed_and_nothing_else() {
    let cached = signed_in().access(&ADA, "access-1", -1).account(&BOB).refresh(&BOB, "refresh-bob");
    let mut world = World::with(&cached.client(OTHER_CLIENT).refresh(&ADA, "refresh-1"));
    let before = world.cached();
    world.answers(error(400, "invalid_grant", "bad_token"));
    let ada = request().account(entrada_core::AccountSelector::Named(ADA.name.into()));
    assert_eq!(reason(world.silent(&entra(), &ada)), UiReason::BadRefreshToken);

    let mut expected = before;
    let mine = format!("{}-{HOST}-refreshtoken-{CLIENT}--", ADA.id);
    assert!(expected["RefreshToken"].as_object_mut().unwrap().remove(&mine).is_some());
    assert_eq!(world.cached(), expected);

    world.later(Duration::from_secs(1));
    assert_eq!(reason(world.silent(&entra(), &ada)), UiReason::NoRefreshToken);
}

#[test]
fn a_worthless_refresh_token_that_cannot_be_removed_leaves_a_warning() {
    let mut world = World::with(&signed_in());
    world.broken = Some(("save", Fault::Denied));
    world.answers(error(400, "invalid_grant", "bad_token"));
    let required = refused(world.silent(&entra(), &request()));
    assert_eq!(required.warnings, [Warning::CacheUnsaved(Fault::Denied)]);
    assert_eq!(world.story(), "load lock load refresh load save unlock");
}
