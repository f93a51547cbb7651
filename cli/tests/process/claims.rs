//! What the proxy and the app say about a token: a claims challenge, and a refusal.

use entrada_authority::Endpoint;
use serde_json::{Value, json};

use crate::support::*;

const DEMAND: &str =
    "www-authenticate: Bearer error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\"\r\n";

fn by_refresh() -> Value {
    json!({"access_token": {"nbf": {"essential": true, "value": "1604106651"}}})
}

fn by_sign_in() -> Value {
    json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}})
}

#[test]
fn a_challenge_leads_to_one_refresh_with_the_claims_and_one_replay() {
    let world = World::signed_in();
    world.stage.demand_claims(by_refresh());
    let echo = world.run(&["post", &world.url("echo"), "-d", "body"]).done().expect_code(0).json();
    assert_eq!(echo["body"], "body");
    assert_eq!((world.refreshes(), world.stage.requests_at(Endpoint::Proxy).len()), (1, 2));
    let refresh = &world.stage.requests_at(Endpoint::Token)[0];
    let claims: Value = serde_json::from_str(refresh.parameter("claims").unwrap()).unwrap();
    assert_eq!(claims["access_token"]["nbf"], by_refresh()["access_token"]["nbf"]);

    // The token with the claims is the one that is kept.
    world.get("api/me", &[]).expect_code(0);
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_body_that_cannot_be_sent_twice_is_sent_once() {
    let world = World::signed_in();
    let app = Plain::saying("401", DEMAND, "");
    let large = world.home.file("large", vec![b'l'; 2 * 1024 * 1024]);
    let large = format!("@{}", large.display());
    world.done(&["put", &app.url("/"), "-d", &large]).expect_code(4).says("401");
    world.done(&["put", &app.url("/"), "-F", &format!("f={large}")]).expect_code(4).says("401");
    assert_eq!((app.seen().len(), world.refreshes()), (2, 2), "but the next call has the token");
}

#[test]
fn an_app_that_demands_for_ever_is_answered_once() {
    let world = World::signed_in();
    let app = Plain::saying("401", DEMAND, "");
    world.done(&["get", &app.url("/")]).expect_code(4).says("401");
    assert_eq!((app.seen().len(), world.refreshes()), (2, 1));
    for header in
        ["Basic realm=\"x\"", "Bearer error=\"invalid_token\"", "Bearer error=\"insufficient_claims\", claims=\"%\""]
    {
        let header = format!("www-authenticate: {header}\r\n");
        let app = Plain::answering(move |_, _| reply("401", &header, ""));
        world.done(&["get", &app.url("/")]).expect_code(4);
        assert_eq!(app.seen().len(), 1);
    }
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn claims_that_need_the_user_are_not_fetched_without_input() {
    let world = World::signed_in();
    world.stage.demand_claims_by_sign_in(by_sign_in());
    let before = world.home.refresh_token();
    let done = world.get("api/me", &["--no-input"]);
    done.fails(10, "a sign-in is needed", "entrada login");
    assert_eq!((world.refreshes(), world.home.refresh_token()), (1, before));

    // The app's own is served again as soon as nothing is demanded.
    world.stage.demand_no_claims();
    world.get("api/me", &["--no-input"]).expect_code(0);
}

#[test]
fn a_refusal_of_the_proxy_is_explained() {
    let world = World::new();
    let slashless = world.stage.one_slash_scope();
    world.sign_in_with(&["--scope", &slashless]);
    let url = world.url("api/me");
    for more in [&[][..], &["-L"]] {
        let done = world.run(&["get", &url, "--scope", &slashless]).args(more).done().expect_code(14);
        assert!(done.stdout.is_empty());
        let external = world.stage.external_url();
        let done = done.says("the application proxy refused the token").says("lacks the slash").says(external);
        done.says(&world.stage.scope());
        assert_eq!(world.stage.requests_at(Endpoint::AuthorizeV1).len(), 0, "the redirect was not followed");
    }
    let done = world.run(&["get", &url, "--scope", &slashless, "--json-errors"]).done().expect_code(14);
    let error = done.json_error();
    assert_eq!((&error["code"], &error["kind"]), (&json!(14), &json!("proxy_refused")));
    assert!(error["correlation_id"].is_string());
    assert!(error["remedy"].as_str().unwrap().contains(&world.stage.scope()), "{error}");
}

#[test]
fn a_token_for_something_else_is_told_as_such() {
    let world = World::signed_in();
    let other = world.stage.other_scope();
    world.get("api/me", &["--scope", &other]).fails(10, "consent is missing", "run: entrada login");
    world.stage.grant_admin_consent();
    world.get("api/me", &["--scope", &other]).expect_code(10).says("it was not asked again, and will not be for");
    world.home.refusals_end();
    let done = world.get("api/me", &["--scope", &other]).expect_code(14);
    assert!(done.stderr.contains("the token is meant for"), "{}", done.stderr);
    assert_eq!(world.refreshes(), 2, "one refresh token serves both");
    world.get("api/me", &[]).expect_code(0);
    world.get("api/me", &["--scope", &world.stage.app_id_scope()]).expect_code(0);
}
