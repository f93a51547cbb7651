//! Tenants by many names, authorities by many hosts.

use std::time::Duration;

use entrada_core::{App, Authority, Flow, TokenRequest};
use serde_json::json;

use crate::support::*;

fn at(authority: Authority) -> App {
    App::new(CLIENT, authority).unwrap()
}

fn signs_in_and_is_found_again(app: &App) -> World {
    let mut world = World::new();
    world.answers(Grant::of("access-1").refresh("refresh-1").to(&ADA));
    token(world.interactive(app, &request(), &sign_in()));
    world.later(Duration::from_secs(1));
    assert_eq!(token(world.silent(app, &request())).secret.expose(), "access-1");
    assert_eq!(world.story(), "load");
    world
}

#[test]
fn a_tenant_named_by_its_domain_is_found_again_under_its_id() {
    let mut world = signs_in_and_is_found_again(&entra_in("Contoso.onmicrosoft.com"));
    let cached = world.cached();
    let entry = cached["AccessToken"].as_object().unwrap().values().next().unwrap();
    assert_eq!(entry["realm"], TENANT);
    // Whoever names it by its id finds the same token.
    world.later(Duration::ZERO);
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-1");
}

#[test]
fn a_tenant_for_everybody_means_the_users_own() {
    for everybody in ["common", "organizations"] {
        signs_in_and_is_found_again(&entra_in(everybody));
        let mine = signed_in().access(&ADA, "access-home", 3600);
        let elsewhere = "77777777-0000-0000-0000-000000000000";
        let mut world = World::with(&mine.clone().realm(elsewhere).access(&ADA, "access-elsewhere", 7200));
        assert_eq!(token(world.silent(&entra_in(everybody), &request())).secret.expose(), "access-home");
        let mut world = World::with(&mine);
        world.answers(Grant::of("access-elsewhere"));
        assert_eq!(token(world.silent(&entra_in(elsewhere), &request())).secret.expose(), "access-elsewhere");
        assert_eq!(world.secrets("AccessToken").len(), 2);
    }
}

#[test]
fn personal_accounts_have_a_tenant_of_their_own() {
    let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let cached = Cached::new().realm(personal).refresh(&BOB, "refresh-1").access(&BOB, "access-1", 3600);
    assert_eq!(token(World::with(&cached).silent(&entra_in("consumers"), &request())).secret.expose(), "access-1");
}

#[test]
fn one_refresh_token_serves_all_tenants() {
    let mut world = World::with(&signed_in());
    for tenant in [TENANT, "77777777-0000-0000-0000-000000000000"] {
        world.answers(Grant::of(&format!("access-{tenant}")));
        token(world.silent(&entra_in(tenant), &request()));
        assert_eq!(world.calls[0].url, format!("https://{HOST}/{tenant}/oauth2/v2.0/token"));
        world.later(Duration::from_secs(1));
    }
    assert_eq!(world.secrets("AccessToken").len(), 2);
}

#[test]
fn hosts_of_one_cloud_share_their_tokens() {
    for alias in ["login.windows.net", "login.microsoft.com", "STS.windows.net"] {
        let cached = Cached::new().host(alias).account(&ADA).refresh(&ADA, "refresh-1").access(&ADA, "access-1", 3600);
        let mut world = World::with(&cached);
        assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-1", "{alias}");

        // What is renewed replaces what the alias had.
        world.later(Duration::from_secs(3600)).answers(Grant::of("access-2").refresh("refresh-2"));
        token(world.silent(&entra(), &request()));
        assert_eq!(world.secrets("AccessToken"), ["access-2"]);
        assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
    }
}

#[test]
fn clouds_do_not_share_their_tokens() {
    let cached =
        Cached::new().host("login.microsoftonline.us").refresh(&ADA, "refresh-1").access(&ADA, "access-1", 3600);
    assert_eq!(reason(World::with(&cached).silent(&entra(), &request())), entrada_core::UiReason::NoAccount);
}

#[test]
fn ports_on_one_host_are_authorities_of_their_own() {
    let one = at(Authority::entra("http://localhost:8443/contoso").unwrap());
    let other = at(Authority::entra("http://localhost:8444/contoso").unwrap());
    let mut world = signs_in_and_is_found_again(&one);
    assert!(world.cached().to_string().contains("localhost:8443"));
    world.later(Duration::ZERO);
    assert_eq!(reason(world.silent(&other, &request())), entrada_core::UiReason::NoAccount);
}

#[test]
fn issuers_on_one_host_are_kept_apart_by_their_paths() {
    let issuer = |name: &str| format!("https://id.example/realms/{name}");
    let app = |name: &str| at(Authority::oidc(&issuer(name)).unwrap());
    let mut world = World::with(&Cached::new().host("id.example").realm("realms/a").access(&ADA, "access-1", 3600));
    assert_eq!(token(world.silent(&app("a"), &request())).secret.expose(), "access-1");
    assert_eq!(reason(world.silent(&app("b"), &request())), entrada_core::UiReason::NoAccount);
}

#[test]
fn an_issuers_refresh_token_goes_to_that_issuer_alone() {
    let app = |name: &str| at(Authority::oidc(&format!("https://id.example/realms/{name}")).unwrap());
    let cached = Cached::new().host("id.example");
    let mut world = World::with(&cached.refresh_with(&ADA, "refresh-of-a", json!({ "realm": "realms/a" })));
    assert_eq!(reason(world.silent(&app("b"), &request())), entrada_core::UiReason::NoAccount);
    assert_eq!(world.story(), "load");
    world.later(Duration::ZERO).run(Flow::sign_out(&app("b"), None)).unwrap();
    assert_eq!(world.secrets("RefreshToken"), ["refresh-of-a"]);
}

#[test]
fn elsewhere_a_refresh_token_is_good_for_the_scopes_of_the_sign_in_alone() {
    let granted = json!({ "realm": "", "target": SCOPE });
    let cached = Cached::new().host("id.example").refresh_with(&ADA, "refresh-1", granted);
    let mut world = World::with(&cached);
    let other = TokenRequest::new(["https://other.example/read"]).unwrap();
    assert_eq!(reason(world.silent(&oidc(), &other)), entrada_core::UiReason::ConsentRequired);
    assert_eq!(world.story(), "load");

    world.later(Duration::ZERO).answers(json(200, &discovery())).answers(Grant::of("access-1").refresh("refresh-2"));
    assert_eq!(token(world.silent(&oidc(), &request())).scopes, [SCOPE]);
    world.later(Duration::ZERO);
    assert_eq!(
        reason(world.silent(&oidc(), &other)),
        entrada_core::UiReason::ConsentRequired,
        "still, after a rotation"
    );
}

#[test]
fn two_names_of_one_tenant_share_its_tokens() {
    let mut world = signs_in_and_is_found_again(&entra_in("contoso.com"));
    world.later(Duration::ZERO).answers(Grant::of("access-2").to(&ADA));
    assert_eq!(token(world.silent(&entra_in("contoso.onmicrosoft.com"), &request())).secret.expose(), "access-2");
    for name in ["contoso.com", "contoso.onmicrosoft.com", TENANT] {
        world.later(Duration::ZERO);
        assert_eq!(token(world.silent(&entra_in(name), &request())).secret.expose(), "access-2", "{name}");
        assert_eq!(world.story(), "load");
    }
}

#[test]
fn an_issuer_may_be_spelled_oddly() {
    for (issuer, environment, realm) in [
        (
            "https://b\u{fc}cher.example/\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
            "xn--bcher-kva.example",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ),
        ("https://id.example:443/realms/a", "id.example", "realms/a"),
        ("https://ID.example/realms/a/", "id.example", "realms/a"),
    ] {
        let app = at(Authority::oidc(issuer).unwrap());
        let cached = Cached::new().host(environment).realm(realm).access(&ADA, "access-1", 3600);
        assert_eq!(token(World::with(&cached).silent(&app, &request())).secret.expose(), "access-1", "{issuer}");
    }
}
