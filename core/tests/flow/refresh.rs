//! The refresh that goes well.

use entrada_core::{AccountSelector, Error, Fault, Lock, TokenSource, UiReason, Warning};
use serde_json::json;
use std::time::Duration;

use crate::support::*;

#[test]
fn lock_load_again_refresh_save_unlock_in_this_order() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 10));
    world.answers(Grant::of("access-2").refresh("refresh-2").with("refresh_in", 1800).with("ext_expires_in", 7200));
    let token = token(world.silent(&entra(), &request()));

    assert_eq!(world.story(), "load lock load refresh load save unlock");
    assert_eq!((token.secret.expose(), token.source), ("access-2", TokenSource::Refresh));
    assert_eq!(token.expires_on, NOW + Duration::from_secs(3600));
    assert_eq!(token.account.unwrap().username, ADA.name);
    assert!(token.warnings.is_empty());

    assert_eq!(world.secrets("AccessToken"), ["access-2"]);
    let cached = world.cached();
    let entry = cached["AccessToken"].as_object().unwrap().values().next().unwrap();
    for (field, value) in [
        ("home_account_id", ADA.id.to_string()),
        ("environment", HOST.into()),
        ("client_id", CLIENT.into()),
        ("realm", TENANT.into()),
        ("target", SCOPE.into()),
        ("cached_at", NOW.to_string()),
        ("expires_on", (NOW.as_secs() + 3600).to_string()),
        ("extended_expires_on", (NOW.as_secs() + 7200).to_string()),
        ("refresh_on", (NOW.as_secs() + 1800).to_string()),
    ] {
        assert_eq!(entry[field], value, "{field}");
    }
}

#[test]
fn the_request_says_what_it_must_and_no_more() {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    let id = "5f2b7c1e-0000-4000-8000-000000000000";
    token(world.silent(&entra(), &request().correlation_id(Some(id.into()))));
    let call = &world.calls[0];
    assert_eq!(call.url, format!("https://{HOST}/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(
        call.fields(),
        [
            ("client_id", CLIENT),
            ("grant_type", "refresh_token"),
            ("refresh_token", "refresh-1"),
            ("scope", &format!("{SCOPE} openid profile offline_access")),
            ("client_info", "1"),
        ]
    );
    assert!(call.headers.contains(&("content-type", "application/x-www-form-urlencoded".into())));
    assert!(call.headers.contains(&("client-request-id", id.into())));
}

#[test]
fn a_generic_authority_is_asked_for_no_scopes() {
    let cached = Cached::new().host("id.example").realm("").refresh(&ADA, "refresh-1");
    let mut world = World::with(&cached);
    world.answers(discovery()).answers(Grant::of("access-1"));
    token(world.silent(&oidc(), &request()));
    assert_eq!(world.story(), "load discovery lock load refresh load save unlock");
    assert_eq!(world.calls[1].url, "https://id.example/token");
    assert_eq!(
        world.calls[1].fields(),
        [("client_id", CLIENT), ("grant_type", "refresh_token"), ("refresh_token", "refresh-1")]
    );
    world.later(Duration::from_secs(1));
    token(world.silent(&oidc(), &request()));
    assert_eq!(world.story(), "load");
}

#[test]
fn a_refresh_token_is_rotated_where_a_new_one_comes_and_kept_where_none_does() {
    let mut world = World::with(&signed_in());
    world.answers(Grant::of("access-1"));
    token(world.silent(&entra(), &request()));
    assert_eq!(world.secrets("RefreshToken"), ["refresh-1"]);

    world.later(Duration::from_secs(3600)).answers(Grant::of("access-2").refresh("refresh-2"));
    token(world.silent(&entra(), &request()));
    assert_eq!(world.calls[0].field("refresh_token"), "refresh-1");
    assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
}

#[test]
fn of_several_refresh_tokens_the_newest_is_sent_and_one_is_left() {
    let cached = signed_in()
        .put(
            "RefreshToken",
            "spelled another way",
            json!({
                "home_account_id": ADA.id, "environment": "login.windows.net", "client_id": CLIENT.to_uppercase(),
                "secret": "refresh-new", "last_modification_time": "1700000000",
            }),
        )
        .put(
            "RefreshToken",
            "and another",
            json!({
                "home_account_id": ADA.id.to_uppercase(), "environment": HOST, "client_id": CLIENT,
                "secret": "refresh-old", "last_modification_time": "1600000000",
            }),
        );
    let mut world = World::with(&cached);
    world.answers(Grant::of("access-1").refresh("refresh-2"));
    token(world.silent(&entra(), &request()));
    assert_eq!(world.calls[0].field("refresh_token"), "refresh-new");
    assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
}

#[test]
fn whoever_signed_out_meanwhile_is_not_brought_back() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 10));
    world.locks.extend([Lock::Busy]);
    world.meanwhile.push_back(Some(Cached::new()));
    assert_eq!(reason(world.silent(&entra(), &request())), UiReason::NoAccount);
    assert_eq!(world.story(), "load lock wait load lock load unlock");
    assert_eq!(world.cached(), json!({}));
}

#[test]
fn a_refresh_writes_no_account() {
    let mut world = World::with(&Cached::new().refresh(&ADA, "refresh-1"));
    world.answers(Grant::of("access-1").refresh("refresh-2").to(&ADA));
    token(world.silent(&entra(), &request()));
    assert_eq!(world.cached().get("Account"), None);
    assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
}

#[test]
fn each_account_is_refreshed_with_its_own_token() {
    let mut world = World::with(&signed_in().account(&BOB).refresh(&BOB, "refresh-bob"));
    world.answers(Grant::of("access-bob").refresh("refresh-bob-2"));
    let bob = request().account(AccountSelector::Named(BOB.name.into()));
    assert_eq!(token(world.silent(&entra(), &bob)).account.unwrap().home_account_id, BOB.id);
    assert_eq!(world.calls[0].field("refresh_token"), "refresh-bob");
    assert_eq!(world.secrets("RefreshToken"), ["refresh-1", "refresh-bob-2"]);
}

#[test]
fn a_refresh_stays_with_its_account_however_the_answer_names_the_user() {
    let mut world = World::with(&signed_in());
    world.answers(
        Grant::of("access-1")
            .refresh("refresh-2")
            .claim("aud", CLIENT)
            .claim("sub", "only-a-subject")
            .claim("tid", TENANT),
    );
    assert_eq!(token(world.silent(&entra(), &request())).account.unwrap().home_account_id, ADA.id);
    assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
    world.later(Duration::from_secs(1));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-1");
}

#[test]
fn a_token_that_cannot_be_saved_is_still_a_token() {
    for fault in FAULTS {
        let mut world = World::with(&signed_in());
        let before = world.cache.clone();
        world.broken = Some(("save", fault));
        world.answers(Grant::of("access-1").refresh("refresh-2"));
        let token = token(world.silent(&entra(), &request()));
        assert_eq!((token.secret.expose(), token.warnings), ("access-1", vec![Warning::CacheUnsaved(fault)]));
        assert_eq!(world.story(), "load lock load refresh load save unlock");
        assert_eq!(world.cache, before);
    }
}

#[test]
fn a_lock_that_cannot_be_given_back_costs_nobody_the_token() {
    let mut world = World::with(&signed_in());
    world.broken = Some(("unlock", Fault::Other));
    world.answers(Grant::of("access-1"));
    assert!(token(world.silent(&entra(), &request())).warnings.is_empty());
}

#[test]
fn an_answer_without_a_lifetime_is_good_for_ten_minutes() {
    let mut world = World::with(&signed_in());
    world.answers(json!({ "access_token": "access-1" }));
    assert_eq!(token(world.silent(&entra(), &request())).expires_on, NOW + Duration::from_secs(600));

    let mut world = World::with(&signed_in());
    world.answers(json!({ "access_token": "access-1", "expires_in": "1234" }));
    assert_eq!(token(world.silent(&entra(), &request())).expires_on, NOW + Duration::from_secs(1234));
}

#[test]
fn a_token_that_is_due_is_given_where_there_is_nothing_to_renew_it_with() {
    let due = json!({ "refresh_on": NOW.to_string() });
    let mut world = World::with(&Cached::new().account(&ADA).access_with(&ADA, "access-1", 3600, due));
    let token = token(world.silent(&entra(), &request()));
    assert_eq!((token.secret.expose(), token.warnings), ("access-1", vec![Warning::RefreshPostponed]));
    assert_eq!(world.story(), "load");
}

#[test]
fn an_id_token_for_another_client_spoils_a_refresh() {
    let mut world = World::with(&signed_in());
    let before = world.cache.clone();
    world.answers(Grant::of("access-1").claim("aud", "another-client"));
    assert!(matches!(world.silent(&entra(), &request()), Err(Error::Protocol(_))));
    assert_eq!((world.story().as_str(), world.cache), ("load lock load refresh unlock", before));
}

/// A refresh token with a date, and one of msal-node's without.
pub(crate) fn two_refresh_tokens(age: u64) -> World {
    let dated = json!({ "last_modification_time": (NOW.as_secs() - age).to_string() });
    let node = json!({ "home_account_id": ADA.id, "environment": "login.windows.net", "client_id": CLIENT,
        "credential_type": "RefreshToken", "secret": "refresh-node" });
    World::with(&signed_in().refresh_with(&ADA, "refresh-dated", dated).put("RefreshToken", "node----", node))
}

#[test]
fn where_one_of_two_refresh_tokens_is_refused_the_other_is_tried() {
    for suberror in ["", "bad_token"] {
        let mut world = two_refresh_tokens(100);
        world.answers(error(400, "invalid_grant", suberror)).answers(Grant::of("access-2").refresh("refresh-2"));
        assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-2");
        let used: Vec<&str> = world.calls.iter().map(|call| call.field("refresh_token")).collect();
        assert_eq!(used, ["refresh-dated", "refresh-node"]);
        assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
    }
}

#[test]
fn a_refresh_token_that_is_not_renewed_stays_the_newest() {
    let mut world = two_refresh_tokens(100);
    for number in 2..4 {
        world.answers(Grant::of(&format!("access-{number}")));
        token(world.silent(&entra(), &request()));
        assert_eq!(world.calls[0].field("refresh_token"), "refresh-dated");
        world.later(Duration::from_secs(7200));
    }
}
