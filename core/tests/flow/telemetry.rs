//! What requests tell about themselves, and under which id their errors are found.

use entrada_core::protocol::HttpAnswer;
use entrada_core::{App, Authority, Error, Flow};
use serde_json::{Value, json};

use crate::support::*;

const ID: &str = "5f2b7c1e-0000-4000-8000-000000000000";

/// The headers beside those of the form, by name.
fn told(call: &Call) -> Vec<(&str, &str)> {
    let mut headers: Vec<_> = call.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.retain(|(name, _)| !["content-type", "accept"].contains(name));
    headers.sort_unstable();
    headers
}

/// What every request to a Microsoft authority tells.
fn always() -> Vec<(&'static str, &'static str)> {
    vec![
        ("client-request-id", ID),
        ("return-client-request-id", "true"),
        ("x-client-os", std::env::consts::OS),
        ("x-client-sku", "entrada"),
        ("x-client-ver", env!("CARGO_PKG_VERSION")),
        ("x-ms-lib-capability", "retry-after, h429"),
    ]
}

fn with_anchor(anchor: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut headers = always();
    headers.insert(2, ("x-anchormailbox", anchor));
    headers
}

fn traced() -> entrada_core::TokenRequest {
    request().correlation_id(Some(ID.into()))
}

fn code() -> Value {
    json!({ "device_code": "device-code-1", "user_code": "A", "verification_uri": "https://aka.ms/d" })
}

#[test]
fn every_request_of_every_flow_says_who_asks_and_under_which_id() {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    token(world.silent(&entra(), &traced()));
    assert_eq!(told(&world.calls[0]), with_anchor("Oid:ada-0001@11111111-2222-3333-4444-555555555555"));

    let mut world = World::new();
    world.answers(code()).answers(error(400, "authorization_pending", "")).answers(Grant::of("access-1").to(&ADA));
    token(world.device_code(&entra(), &traced(), &sign_in()));
    assert_eq!(world.calls.len(), 3);
    for call in &world.calls {
        assert_eq!(told(call), always(), "{}", call.url);
    }

    for (hint, expected) in [
        (None, always()),
        (Some("ada@contoso.com"), with_anchor("upn:ada@contoso.com")),
        // No header can carry these as they are.
        (Some("adá@contoso.com"), always()),
        (Some("ada@contoso.com\r\nx: y"), always()),
    ] {
        let mut world = World::new();
        world.answers(Grant::of("access-1").to(&ADA));
        token(world.interactive(&entra(), &traced(), &sign_in().login_hint(hint.map(String::from))));
        assert_eq!(told(&world.calls[0]), expected, "{hint:?}");
    }
}

#[test]
fn without_an_id_nothing_is_to_be_returned() {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    token(world.silent(&entra(), &request()));
    let names: Vec<_> = told(&world.calls[0]).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x-anchormailbox", "x-client-os", "x-client-sku", "x-client-ver", "x-ms-lib-capability"]);
}

#[test]
fn a_generic_provider_is_told_the_id_alone() {
    let mut world = World::with(&Cached::new().host("id.example").realm("").refresh(&ADA, "refresh-1"));
    world.answers(discovery()).answers(Grant::of("access-1"));
    token(world.silent(&oidc(), &traced()));
    world.answers(discovery()).answers(code()).answers(Grant::of("access-1").to(&ADA).by(&oidc()));
    token(world.device_code(&oidc(), &traced(), &sign_in()));
    assert_eq!(world.calls.len(), 5);
    for call in &world.calls {
        assert_eq!(told(call), [("client-request-id", ID)], "{}", call.url);
    }
}

#[test]
fn only_entra_routes_by_the_user() {
    for url in ["https://fs.contoso.com/adfs", "https://x.b2clogin.com/x.onmicrosoft.com/b2c_1_susi"] {
        let authority = Authority::entra(url).unwrap();
        let cached = Cached::new().host(authority.environment()).refresh(&ADA, "refresh-1");
        let mut world = World::with(&cached);
        world.answers(Grant::of("access-1"));
        token(world.silent(&App::new(CLIENT, authority).unwrap(), &traced()));
        assert_eq!(told(&world.calls[0]), always(), "{url}");
    }
    // An account of another kind has no tenant to be routed to.
    let subject = json!({ "home_account_id": "a-subject" });
    let mut world = World::with(&Cached::new().refresh_with(&ADA, "refresh-1", subject));
    world.answers(Grant::of("access-1"));
    token(world.silent(&entra(), &traced()));
    assert_eq!(told(&world.calls[0]), always());
}

#[test]
fn an_embedder_names_its_own_system() {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    token(world.silent(&entra().client_os("Fridge OS 3\r\n"), &traced()));
    assert!(told(&world.calls[0]).contains(&("x-client-os", "Fridge OS 3")));
}

/// Every flow that asks the authority, with how many good answers go before the last one.
fn asking() -> Vec<(World, (Flow, entrada_core::Action))> {
    let refreshing = World::with(&signed_in());
    let mut polling = World::new();
    polling.answers(code());
    vec![
        (refreshing, Flow::silent(&entra(), &traced())),
        (World::new(), Flow::interactive(&entra(), &traced(), &sign_in())),
        (World::new(), Flow::device_code(&entra(), &traced(), &sign_in())),
        (polling, Flow::device_code(&entra(), &traced(), &sign_in())),
        (World::new(), Flow::interactive(&oidc(), &traced(), &sign_in())),
    ]
}

#[test]
fn every_error_that_comes_of_an_answer_can_be_looked_up() {
    let refusal = || json(400, &json!({ "error": "invalid_grant", "error_description": "No." }));
    let answers: [fn() -> HttpAnswer; 5] = [
        || json(400, &json!({ "error": "unauthorized_client" })),
        || html(200),
        || status(302),
        || json(200, &json!({ "access_token": "a b" })),
        || json(200, &json!([])),
    ];
    for answer in answers.into_iter().map(|answer| answer()).chain([refusal()]) {
        for (mut world, flow) in asking() {
            world.answers(answer.clone());
            let error = world.run(flow).expect_err("no token");
            // A document of another issuer is a matter of what was configured here.
            if matches!(error, Error::Config(_)) {
                assert_eq!(world.story(), "discovery");
                continue;
            }
            assert_eq!(error.correlation_id(), Some(ID), "{error:?}");
        }
    }
}

#[test]
fn the_answers_own_id_is_the_one_to_look_up() {
    for (mut world, flow) in asking() {
        world.answers(error(400, "unauthorized_client", ""));
        let error = world.run(flow).expect_err("no token");
        assert_eq!(error.correlation_id(), Some("c0ffee00-0000-0000-0000-000000000000"));
    }
    let mut page = html(200);
    page.headers.push(("Client-Request-Id".into(), "told".into()));
    for (mut world, flow) in asking() {
        world.answers(page.clone());
        assert_eq!(world.run(flow).expect_err("no token").correlation_id(), Some("told"));
    }
}

#[test]
fn what_the_browser_brings_is_looked_up_under_our_id() {
    for back in ["error=access_denied&state={state}", "code=code-1&state=another", "state={state}"] {
        let mut world = World::new();
        world.browser = Back::with(back);
        let error = world.interactive(&entra(), &traced(), &sign_in()).expect_err("no token");
        assert_eq!(error.correlation_id(), Some(ID), "{back}");
        assert!(error.to_string().contains(ID), "{error}");
    }
    // What was never asked has no id.
    let error = World::new().silent(&entra(), &traced()).expect_err("no token");
    assert!(matches!(&error, Error::UiRequired(_)) && error.correlation_id().is_none());
}

#[test]
fn a_refusal_that_still_holds_is_looked_up_under_the_id_of_the_first() {
    let mut world = World::with(&signed_in());
    world.answers(json(400, &json!({ "error": "interaction_required" })));
    assert_eq!(world.silent(&entra(), &traced()).expect_err("no token").correlation_id(), Some(ID));
    world.later(std::time::Duration::from_secs(1));
    let again = request().correlation_id(Some("another".into()));
    let error = world.silent(&entra(), &again).expect_err("no token");
    assert_eq!((error.correlation_id(), world.calls.len()), (Some(ID), 0), "{error:?}");
}
