//! Scopes: asked for, granted, spelled another way, declined.

use std::time::Duration;

use entrada_core::{TokenRequest, Warning};

use crate::support::*;

fn asks(scopes: &[&str]) -> TokenRequest {
    TokenRequest::new(scopes.iter().copied()).unwrap()
}

/// A refresh that grants this, and what is said about it.
fn granted(request: &TokenRequest, scope: &str) -> (World, entrada_core::Token) {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1").with("scope", scope));
    let token = token(world.silent(&entra(), request));
    world.later(Duration::from_secs(1));
    (world, token)
}

#[test]
fn a_scope_with_a_double_slash_is_found_again() {
    let asked = asks(&["https://hr-contoso.msappproxy.net//user_impersonation"]);
    let (mut world, first) = granted(&asked, "https://hr-contoso.msappproxy.net/user_impersonation openid");
    assert!(first.warnings.is_empty());
    assert_eq!(token(world.silent(&entra(), &asked)).secret.expose(), "access-1");
    assert_eq!(world.story(), "load");
    // Under the other spelling it is none: that names another audience.
    world.later(Duration::ZERO).answers(Grant::of("access-2").with("scope", SCOPE));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-2");
    assert_eq!(world.secrets("AccessToken").len(), 2);
}

#[test]
fn the_default_scope_is_found_again_under_its_name() {
    let asked = asks(&["https://hr-contoso.msappproxy.net/.default"]);
    let (mut world, first) = granted(&asked, SCOPE);
    assert!(first.warnings.is_empty());
    assert_eq!(first.scopes, [SCOPE, "https://hr-contoso.msappproxy.net/.default"]);
    token(world.silent(&entra(), &asked));
    assert_eq!(world.story(), "load");
}

#[test]
fn an_answer_without_scopes_grants_what_was_asked_for() {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    assert_eq!(token(world.silent(&entra(), &request())).scopes, [SCOPE]);
    token(world.later(Duration::from_secs(1)).silent(&entra(), &request()));
    assert_eq!(world.story(), "load");
}

#[test]
fn declined_scopes_are_told_and_not_found_again() {
    let asked = asks(&["api://x/read", "api://x/write", "offline_access"]);
    let (mut world, first) = granted(&asked, "api://x/read");
    assert_eq!(first.warnings, [Warning::ScopesDeclined(vec!["api://x/write".into()])]);
    assert_eq!(first.scopes, ["api://x/read"]);
    token(world.silent(&entra(), &asks(&["api://x/read"])));
    assert_eq!(world.story(), "load");
    world.later(Duration::from_secs(1)).answers(Grant::of("access-2").with("scope", "api://x/read"));
    token(world.silent(&entra(), &asked));
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_token_for_more_serves_for_less_and_in_any_case_and_order() {
    let cached = signed_in().target("openid api://x/B api://x/a profile").access(&ADA, "access-1", 3600);
    for scopes in [&["api://x/a"][..], &["API://X/b", "api://x/A"], &["api://x/a", "offline_access"], &["openid"]] {
        let mut world = World::with(&cached);
        assert_eq!(token(world.silent(&entra(), &asks(scopes))).secret.expose(), "access-1", "{scopes:?}");
    }
    for scopes in [&["api://x/c"][..], &["api://x/a", "api://x/c"], &["api://x"], &["offline_access"]] {
        let mut world = World::with(&cached);
        world.answers(Grant::of("access-2"));
        assert_eq!(token(world.silent(&entra(), &asks(scopes))).secret.expose(), "access-2", "{scopes:?}");
    }
}

#[test]
fn of_several_tokens_that_fit_the_one_that_lives_longest_is_given() {
    let more = format!("{SCOPE} api://x/a");
    for (one, other, longest) in [(600, 1200, "access-2"), (1200, 600, "access-1")] {
        let cached = signed_in().access(&ADA, "access-1", one).target(&more).access(&ADA, "access-2", other);
        assert_eq!(token(World::with(&cached).silent(&entra(), &request())).secret.expose(), longest);
    }
}

#[test]
fn a_new_token_takes_the_place_of_those_it_overlaps() {
    let cached = signed_in().access(&ADA, "access-old", -1).target("api://x/a").access(&ADA, "access-other", 3600);
    let mut world = World::with(&cached);
    world.answers(Grant::of("access-new").with("scope", format!("openid profile {SCOPE}")));
    token(world.silent(&entra(), &request()));
    // That both know the user is no overlap.
    assert_eq!(world.secrets("AccessToken"), ["access-other", "access-new"]);
}

#[test]
fn scopes_are_sent_as_they_are_spelled() {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    token(world.silent(&entra(), &asks(&["https://X//Y", "offline_access", "a+b&c=d"])));
    assert_eq!(world.calls[0].field("scope"), "https://X//Y offline_access a+b&c=d openid profile");
}
