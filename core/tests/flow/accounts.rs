//! Whose token, and who is signed in.

use std::time::Duration;

use entrada_core::{AccountSelector, Error, Fault, Flow, Outcome, Port, UiReason};
use serde_json::json;

use crate::support::*;

fn both() -> Cached {
    signed_in().access(&ADA, "access-ada", 3600).account(&BOB).refresh(&BOB, "refresh-bob").access(
        &BOB,
        "access-bob",
        60,
    )
}

fn named(name: &str) -> Option<AccountSelector> {
    Some(AccountSelector::Named(name.into()))
}

fn signed_out(world: &mut World, who: Option<AccountSelector>) -> Vec<String> {
    match world.run(Flow::sign_out(&entra(), who)) {
        Ok(Outcome::SignedOut { accounts, warnings }) => {
            assert!(warnings.is_empty(), "{warnings:?}");
            accounts.into_iter().map(|account| account.username).collect()
        }
        other => panic!("not signed out: {other:?}"),
    }
}

#[test]
fn several_accounts_are_not_guessed_among() {
    let mut world = World::with(&both());
    let ending = world.silent(&entra(), &request());
    let Err(Error::AmbiguousAccount(names)) = ending else { panic!("{ending:?}") };
    assert_eq!(names, [ADA.name, BOB.name]);
    assert_eq!(world.story(), "load");
}

#[test]
fn an_account_is_chosen_by_its_name_or_its_id() {
    for (name, secret) in [
        (ADA.name, "access-ada"),
        (ADA.id, "access-ada"),
        ("ADA@Contoso.com", "access-ada"),
        ("Ada-0001.11111111-2222-3333-4444-555555555555", "access-ada"),
    ] {
        let request = request().account(AccountSelector::Named(name.into()));
        assert_eq!(token(World::with(&both()).silent(&entra(), &request)).secret.expose(), secret, "{name}");
    }
    let request = request().account(AccountSelector::Named("eve@contoso.com".into()));
    assert_eq!(reason(World::with(&both()).silent(&entra(), &request)), UiReason::NoAccount);
}

#[test]
fn among_several_the_one_whom_the_tenant_knows_is_meant() {
    let elsewhere = "77777777-0000-0000-0000-000000000000";
    let cached =
        signed_in().access(&ADA, "access-ada", 3600).realm(elsewhere).account(&BOB).refresh(&BOB, "refresh-bob");
    assert_eq!(token(World::with(&cached).silent(&entra(), &request())).secret.expose(), "access-ada");

    let mut world = World::with(&cached);
    world.answers(Grant::of("access-bob"));
    assert_eq!(token(world.silent(&entra_in(elsewhere), &request())).secret.expose(), "access-bob");
    assert_eq!(world.calls[0].field("refresh_token"), "refresh-bob");
}

#[test]
fn who_is_signed_in_is_told_once_each_by_name() {
    let first_by_key =
        json!({ "home_account_id": BOB.id, "environment": HOST, "client_id": CLIENT, "secret": "refresh-0" });
    let stranger =
        both().put("RefreshToken", "0", first_by_key).client(OTHER_CLIENT).access(&ADA, "access-of-other", 60);
    let mut world = World::with(&stranger.client(CLIENT).host("login.microsoftonline.us").refresh(&BOB, "refresh-us"));
    let ending = world.run(Flow::accounts(&entra()));
    let Ok(Outcome::Accounts(accounts)) = ending else { panic!("{ending:?}") };
    let told: Vec<_> = accounts.iter().map(|account| (account.username.as_str(), account.expires_on)).collect();
    let soon = |seconds| Some(NOW + Duration::from_secs(seconds));
    assert_eq!(told, [(ADA.name, soon(3600)), (BOB.name, soon(60))]);
    assert_eq!((accounts[0].realm.as_str(), accounts[0].environment.as_str()), (TENANT, HOST));
    assert_eq!(world.story(), "load");
}

#[test]
fn an_empty_cache_knows_nobody() {
    let ending = World::new().run(Flow::accounts(&entra()));
    assert!(matches!(&ending, Ok(Outcome::Accounts(accounts)) if accounts.is_empty()), "{ending:?}");
}

#[test]
fn one_signs_out_and_the_other_stays() {
    let mut world = World::with(&both());
    assert_eq!(signed_out(&mut world, named(ADA.name)), [ADA.name]);
    assert_eq!(world.story(), "lock load save unlock");
    assert_eq!(world.secrets("RefreshToken"), ["refresh-bob"]);
    assert_eq!(world.secrets("AccessToken"), ["access-bob"]);
    assert_eq!(world.cached()["Account"].as_object().unwrap().len(), 1);
}

#[test]
fn all_sign_out() {
    let mut world = World::with(&both());
    assert_eq!(signed_out(&mut world, None), [ADA.name, BOB.name]);
    assert_eq!(world.cached(), json!({ "AccessToken": {}, "Account": {}, "RefreshToken": {} }));

    world.later(Duration::ZERO);
    assert!(signed_out(&mut world, None).is_empty());
    assert_eq!(world.story(), "lock load unlock");
}

#[test]
fn a_sign_out_leaves_other_clients_and_clouds_alone() {
    let others = both().client(OTHER_CLIENT).refresh(&ADA, "refresh-of-other").access(&ADA, "access-of-other", 60);
    let others = others.client(CLIENT).host("login.microsoftonline.us").refresh(&ADA, "refresh-us");
    let mut world = World::with(&others);
    signed_out(&mut world, None);
    assert_eq!(world.secrets("RefreshToken"), ["refresh-of-other", "refresh-us"]);
    assert_eq!(world.secrets("AccessToken"), ["access-of-other"]);
    // Ada's entry is still needed, Bob's is not.
    let cached = world.cached();
    let names: Vec<_> = cached["Account"].as_object().unwrap().values().map(|entry| &entry["username"]).collect();
    assert_eq!(names, [ADA.name]);
}

#[test]
fn a_sign_out_must_know_who_is_meant() {
    let mut world = World::with(&both());
    let before = world.cache.clone();
    let ending = world.run(Flow::sign_out(&entra(), Some(AccountSelector::Only)));
    assert!(matches!(&ending, Err(Error::AmbiguousAccount(names)) if names.len() == 2), "{ending:?}");
    assert_eq!(world.story(), "lock load unlock");
    assert!(signed_out(world.later(Duration::ZERO), named("eve@contoso.com")).is_empty());
    assert_eq!(world.cache, before);
}

#[test]
fn after_a_sign_out_a_token_needs_the_user() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 3600));
    signed_out(&mut world, named(ADA.name));
    assert_eq!(reason(world.later(Duration::ZERO).silent(&entra(), &request())), UiReason::NoAccount);
}

#[test]
fn nobody_can_sign_out_of_what_cannot_be_read() {
    for (bytes, broken) in [(&b"not json"[..], None), (&b"{}"[..], Some(("load", Fault::Denied)))] {
        let mut world = World::new();
        world.cache = Some(bytes.to_vec());
        world.broken = broken;
        let ending = world.run(Flow::sign_out(&entra(), None));
        assert!(matches!(ending, Err(Error::Adapter(failure)) if failure.port == Port::Cache));
        assert_eq!((world.story().as_str(), world.cache.as_deref()), ("lock load unlock", Some(bytes)));
    }
}

/// MSAL.NET signed both in; then a token of ours was filed for one of them, by the tenant's domain.
#[test]
fn an_account_is_known_by_any_of_its_tokens() {
    let abroad = BOB.id.split_once('.').unwrap().1;
    let cached = Cached::new().account(&ADA).refresh(&ADA, "refresh-a");
    let cached = cached.realm(abroad).account(&BOB).refresh(&BOB, "refresh-b").realm(TENANT);
    let cached = cached.target("https://aaa.example/x").access(&ADA, "access-0", 3600).target(SCOPE);
    let noted = json!({ "entrada_tenant": "contoso.com" });
    let mut world = World::with(&cached.access_with(&ADA, "access-1", 3600, noted));
    assert_eq!(token(world.silent(&entra_in("contoso.com"), &request())).secret.expose(), "access-1");
}
