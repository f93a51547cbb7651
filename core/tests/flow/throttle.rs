//! An authority that is left alone: for as long as it says, or as Microsoft's libraries do.

use std::time::Duration;

use entrada_core::{App, Error, ServerError, TokenRequest, UiReason, Warning};

use crate::support::*;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn busy(retry_after: &str) -> Reply {
    let mut answer = html(429);
    answer.headers.push(("Retry-After".into(), retry_after.into()));
    answer.headers.push(("Date".into(), "Fri, 15 Jan 2027 08:00:00 GMT".into()));
    answer.into()
}

fn expired() -> World {
    World::with(&signed_in().access(&ADA, "access-1", -1))
}

fn server(world: &mut World, app: &App, request: &TokenRequest) -> ServerError {
    match world.silent(app, request) {
        Err(Error::Server(server)) => *server,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_asks_before_the_time_that_the_authority_named() {
    for (named, hold) in [("17", 17), ("Fri, 15 Jan 2027 08:02:00 GMT", 120), ("86400", 3600)] {
        let mut world = expired();
        world.answers(busy(named));
        let first = server(&mut world, &entra(), &request());
        assert_eq!((first.retry_after, first.is_repeated), (Some(seconds(hold)), false), "{named}");
        assert_eq!(world.story(), "load lock load refresh load save unlock");

        world.later(seconds(hold - 1));
        let again = server(&mut world, &entra(), &request());
        assert_eq!((again.retry_after, again.status, again.is_repeated), (Some(seconds(1)), 429, true), "{named}");
        assert_eq!(world.story(), "load", "neither the lock nor the authority");
        assert!(Error::Server(Box::new(again)).to_string().contains("was not asked again"));

        world.later(seconds(1)).answers(Grant::of("access-2"));
        assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-2", "{named}");
    }
}

#[test]
fn a_busy_authority_that_names_no_time_gets_a_minute() {
    for (reply, tries) in [(html(429), 1), (html(503), 2), (error(500, "server_error", ""), 2)] {
        let mut world = expired();
        for _ in 0..tries {
            world.answers(reply.clone());
        }
        server(&mut world, &entra(), &request());
        assert_eq!(world.calls.len(), tries);
        world.later(seconds(59));
        assert!(server(&mut world, &entra(), &request()).is_repeated);
        world.later(seconds(1)).answers(Grant::of("access-2"));
        token(world.silent(&entra(), &request()));
    }
}

#[test]
fn an_authority_that_stumbles_is_asked_once_more() {
    let mut world = expired();
    world.answers(html(502)).answers(Grant::of("access-2"));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-2");
    assert_eq!(world.story(), "load lock load refresh wait refresh load save unlock");
    assert_eq!(world.waits, [seconds(1)]);

    // Not where it named a time itself.
    let mut world = expired();
    let mut answer = html(503);
    answer.headers.push(("Retry-After".into(), "5".into()));
    world.answers(answer);
    server(&mut world, &entra(), &request());
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn what_was_refused_is_not_tried_again_for_two_minutes() {
    let mut world = expired();
    world.answers(error(400, "invalid_grant", "basic_action"));
    assert_eq!(reason(world.silent(&entra(), &request())), UiReason::BasicAction);
    world.later(seconds(119));
    let required = refused(world.silent(&entra(), &request()));
    assert_eq!((required.reason, world.story().as_str()), (UiReason::BasicAction, "load"));
    assert!(required.server.is_some_and(|server| server.is_repeated));

    // Another request is another matter, and so is another refresh token.
    world.later(seconds(0)).answers(error(400, "invalid_grant", "basic_action"));
    let other = TokenRequest::new(["https://other.example//x"]).unwrap();
    reason(world.silent(&entra(), &other));
    assert_eq!(world.calls.len(), 1);
    world.later(seconds(0)).answers(Grant::of("access-2").refresh("refresh-2").to(&ADA));
    token(world.interactive(&entra(), &other, &sign_in()));
    world.later(seconds(0)).answers(Grant::of("access-3"));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-3");
}

#[test]
fn a_good_token_is_given_meanwhile() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 200));
    world.answers(busy("100"));
    for number in 0..3 {
        let token = token(world.silent(&entra(), &request()));
        assert_eq!((token.secret.expose(), token.warnings), ("access-1", vec![Warning::RefreshPostponed]));
        assert_eq!(world.calls.len(), usize::from(number == 0));
        world.later(seconds(1));
    }
}

#[test]
fn a_sign_in_is_never_held_up() {
    let mut world = expired();
    world.answers(busy("3600"));
    server(&mut world, &entra(), &request());
    world.later(seconds(1)).answers(Grant::of("access-2").refresh("refresh-2"));
    assert_eq!(token(world.interactive(&entra(), &request(), &sign_in())).secret.expose(), "access-2");
}

#[test]
fn a_refusal_that_cannot_be_noted_is_told_all_the_same() {
    let mut world = expired();
    world.broken = Some(("save", entrada_core::Fault::Denied));
    world.answers(busy("60"));
    assert!(!server(&mut world, &entra(), &request()).is_repeated);
    world.later(seconds(1)).answers(Grant::of("access-2"));
    world.broken = None;
    token(world.silent(&entra(), &request()));
}

#[test]
fn forcing_a_refresh_over_and_over_gives_the_last_token() {
    let mut world = World::with(&signed_in().access(&ADA, "access-0", 3600));
    let forced = request().force_refresh(true);
    for number in 1..=10 {
        world.answers(Grant::of(&format!("access-{number}")));
        token(world.silent(&entra(), &forced));
        world.later(seconds(20));
    }
    let last = token(world.silent(&entra(), &forced));
    assert_eq!((last.secret.expose(), last.warnings), ("access-10", vec![Warning::RefreshedTooOften]));
    assert_eq!(world.story(), "load");
    world.later(seconds(101)).answers(Grant::of("access-11"));
    assert_eq!(token(world.silent(&entra(), &forced)).secret.expose(), "access-11");
}

#[test]
fn an_app_that_demands_the_same_claims_for_ever_is_stopped() {
    let mut world = World::with(&signed_in().access(&ADA, "access-0", 3600));
    let demanding = request().claims(Some(r#"{"access_token":{"nbf":{"essential":true}}}"#.into()));
    for number in 1..=10 {
        world.answers(Grant::of(&format!("access-{number}")));
        token(world.silent(&entra(), &demanding));
        world.later(seconds(5));
    }
    let stopped = server(&mut world, &entra(), &demanding);
    assert!(stopped.is_repeated && stopped.is_transient(), "{stopped}");
    // Whoever demands nothing is not concerned.
    token(world.silent(&entra(), &request()));
}

/// Refreshes again and again, a second apart, and counts what it cost.
fn asks_forty_times(request: &TokenRequest, scope: &str) -> usize {
    let mut world = World::with(&signed_in());
    let mut refreshes = 0;
    for number in 0..40 {
        world.answers(Grant::of(&format!("access-{number}")).with("scope", scope));
        let warnings = token(world.silent(&entra(), request)).warnings;
        assert!(world.calls.len() == 1 || warnings == [Warning::RefreshedTooOften], "{warnings:?}");
        refreshes += world.calls.len();
        world.later(seconds(1));
    }
    refreshes
}

#[test]
fn asking_for_more_than_the_authority_gives_is_no_endless_refreshing() {
    let declined = TokenRequest::new([SCOPE, "https://hr-contoso.msappproxy.net/admin"]).unwrap();
    assert_eq!(asks_forty_times(&declined, SCOPE), 10);
    assert_eq!(asks_forty_times(&request().min_lifetime(seconds(7200)), SCOPE), 10);
}

#[test]
fn whoever_insists_may_ask_again_where_the_reason_may_be_mended() {
    let mut world = expired();
    world.answers(error(400, "invalid_grant", "consent_required"));
    assert_eq!(reason(world.silent(&entra(), &request())), UiReason::ConsentRequired);
    world.later(seconds(20)).answers(Grant::of("access-2"));
    token(world.silent(&entra(), &request().force_refresh(true)));

    // Not before the time that the authority named itself, and not for ever.
    let mut world = expired();
    world.answers(busy("60"));
    server(&mut world, &entra(), &request());
    world.later(seconds(20));
    assert!(server(&mut world, &entra(), &request().force_refresh(true)).is_repeated);
    let mut world = expired();
    let mut asked = 0;
    for _ in 0..40 {
        world.answers(error(400, "invalid_grant", "consent_required"));
        let _ = world.silent(&entra(), &request().force_refresh(true));
        asked += world.calls.len();
        world.later(seconds(1)).authority.clear();
    }
    assert_eq!(asked, 10);
}

#[test]
fn a_refused_token_with_a_time_to_wait_holds_up_no_other_token() {
    let mut world = expired();
    let mut answer = error(400, "invalid_grant", "");
    answer.headers.push(("Retry-After".into(), "3600".into()));
    world.answers(answer);
    reason(world.silent(&entra(), &request()));
    let notes = world.cached()["Entrada"].clone();
    world.cache = Some(Cached::new().account(&ADA).refresh(&ADA, "refresh-new").beside("Entrada", notes).bytes());
    world.later(seconds(60)).answers(Grant::of("access-2"));
    token(world.silent(&entra(), &request()));
}

#[test]
fn a_loop_that_the_authority_stops_is_no_reason_for_a_sign_in() {
    let mut world = expired();
    let stopped = serde_json::json!({ "error": "invalid_grant", "error_codes": [50196],
        "error_description": "AADSTS50196: The server terminated an operation because it encountered a client request loop." });
    world.answers(json(400, &stopped));
    assert!(!server(&mut world, &entra(), &request()).is_repeated);
    world.later(seconds(59));
    assert!(server(&mut world, &entra(), &request()).is_repeated);
}

#[test]
fn to_wait_for_no_time_is_to_name_none() {
    let mut world = expired();
    for _ in 0..2 {
        world.answers(busy("0"));
    }
    for _ in 0..10 {
        server(&mut world, &entra(), &request());
    }
    assert_eq!(world.calls.len(), 1);
}
