//! What others keep in the same cache.

use entrada_core::Flow;
use serde_json::{Value, json};

use crate::support::*;

/// Entries and sections that are nobody's here, or of no shape that anybody knows.
fn crowded() -> Cached {
    let other = signed_in().client(OTHER_CLIENT);
    let other =
        other.refresh_with(&ADA, "refresh-family", json!({ "family_id": "1" })).access(&ADA, "access-of-other", 60);
    let here = other.client(CLIENT);
    here.beside("SomethingNew", json!([1, { "two": null }]))
        .beside("accesstoken", json!("lower case is another name"))
        .put("AccessToken", "an-entry", json!({ "foo": "bar" }))
        .put("AccessToken", "null", Value::Null)
        .put("AccessToken", "text", json!("text"))
        .put(
            "AccessToken",
            "null-target",
            json!({
                "client_id": CLIENT, "environment": HOST, "home_account_id": ADA.id, "target": null, "expires_on": [],
            }),
        )
        .put("RefreshToken", "number", json!(7))
        .put(
            "RefreshToken",
            "odd",
            json!({ "client_id": 1, "environment": {}, "home_account_id": [], "secret": false }),
        )
        .put("IdToken", "list", json!([]))
        .put("Account", "odd", json!({ "home_account_id": ADA.id, "environment": 5, "username": { "first": "A" } }))
        .put("AppMetadata", "odd", json!({ "client_id": OTHER_CLIENT, "environment": HOST, "family_id": "1" }))
}

/// Everything that was there before is there still, but for the entries that `mine` names.
#[track_caller]
fn assert_kept(before: &Value, after: &Value, mine: &[&str]) {
    for (section, entries) in before.as_object().unwrap() {
        let Some(entries) = entries.as_object() else {
            assert_eq!(&after[section], entries, "{section}");
            continue;
        };
        for (key, entry) in entries.iter().filter(|(key, _)| !mine.contains(&key.as_str())) {
            assert_eq!(&after[section][key], entry, "{section} {key}");
        }
    }
}

#[test]
fn odd_entries_cost_the_others_nothing() {
    let mut world = World::with(&crowded().access(&ADA, "access-1", 3600));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-1");
}

#[test]
fn an_entry_that_names_nobody_is_nobodys_account() {
    for nobody in [json!({}), json!({ "home_account_id": null }), json!({ "home_account_id": 5 })] {
        let mut entry = json!({ "client_id": CLIENT, "environment": HOST, "realm": TENANT, "secret": "x-of-nobody" });
        entry.as_object_mut().unwrap().extend(nobody.as_object().unwrap().clone());
        let cached = signed_in().access(&ADA, "access-1", 3600).put("AccessToken", "nobody", entry);
        assert_eq!(token(World::with(&cached).silent(&entra(), &request())).secret.expose(), "access-1", "{nobody}");
    }
}

#[test]
fn a_refresh_keeps_what_it_does_not_know() {
    let mut world = World::with(&crowded());
    let before = world.cached();
    world.answers(Grant::of("access-1").refresh("refresh-2").to(&ADA));
    token(world.silent(&entra(), &request()));
    let mine = format!("{}-{HOST}-refreshtoken-{CLIENT}--", ADA.id);
    assert_kept(&before, &world.cached(), &[&mine]);
    assert!(world.secrets("RefreshToken").contains(&"refresh-family".into()));
}

#[test]
fn a_sign_in_keeps_what_it_does_not_know() {
    let mut world = World::with(&crowded());
    let before = world.cached();
    world.answers(Grant::of("access-1").refresh("refresh-bob").to(&BOB));
    token(world.interactive(&entra(), &request(), &sign_in()));
    assert_kept(&before, &world.cached(), &[]);
}

#[test]
fn a_sign_out_keeps_what_it_does_not_know() {
    let mut world = World::with(&crowded());
    let before = world.cached();
    world.run(Flow::sign_out(&entra(), None)).unwrap();
    let mine = format!("{}-{HOST}-refreshtoken-{CLIENT}--", ADA.id);
    assert_kept(&before, &world.cached(), &[&mine, "null-target"]);
    assert!(!world.secrets("RefreshToken").contains(&"refresh-1".into()));
}

#[test]
fn fields_of_others_stay_on_an_entry_that_is_renewed() {
    let extra = json!({ "target": "of another library", "x": { "y": 1 } });
    let cached = Cached::new().refresh_with(&ADA, "refresh-1", extra).put(
        "Account",
        "spelled another way",
        json!({
            "home_account_id": ADA.id, "environment": HOST, "realm": TENANT, "username": "old@contoso.com",
            "wam_account_ids": { "a": "b" }, "tenantProfiles": ["{}"],
        }),
    );
    let metadata = json!({ "client_id": CLIENT, "environment": HOST, "family_id": "1", "z": true });
    let mut world = World::with(&cached.put("AppMetadata", "app", metadata));
    world.answers(Grant::of("access-1").refresh("refresh-2").to(&ADA));
    token(world.interactive(&entra(), &request(), &sign_in()));

    let cached = world.cached();
    let only = |section: &str| {
        let entries = cached[section].as_object().unwrap();
        assert_eq!(entries.len(), 1, "{section}: {entries:?}");
        entries.values().next().unwrap().clone()
    };
    let refresh = only("RefreshToken");
    assert_eq!((&refresh["secret"], &refresh["target"]), (&json!("refresh-2"), &json!("of another library")));
    assert_eq!(refresh["x"], json!({ "y": 1 }));
    let account = only("Account");
    assert_eq!((&account["username"], &account["tenantProfiles"]), (&json!(ADA.name), &json!(["{}"])));
    assert_eq!(account["wam_account_ids"], json!({ "a": "b" }));
    let metadata = only("AppMetadata");
    assert_eq!((&metadata["family_id"], &metadata["z"]), (&json!("1"), &json!(true)));
}

#[test]
fn the_family_of_a_client_is_noted_and_no_other_familys_token_is_used() {
    let family = Cached::new().client(OTHER_CLIENT).refresh_with(&ADA, "refresh-family", json!({ "family_id": "1" }));
    let mut world = World::with(&family);
    assert_eq!(reason(world.silent(&entra(), &request())), entrada_core::UiReason::NoAccount);

    world.answers(Grant::of("access-1").refresh("refresh-1").to(&ADA).with("foci", "1"));
    token(world.interactive(&entra(), &request(), &sign_in()));
    let key = format!("appmetadata-{HOST}-{CLIENT}");
    assert_eq!(world.cached()["AppMetadata"][key]["family_id"], "1");
    assert_eq!(world.secrets("RefreshToken").len(), 2);
}

/// A cache's text, with one thing replaced.
fn altered(cached: &Cached, old: &str, new: &str) -> World {
    let text = String::from_utf8(cached.bytes()).unwrap();
    assert!(text.contains(old), "{text}");
    let mut world = World::new();
    world.cache = Some(text.replacen(old, new, 1).into_bytes());
    world
}

#[test]
fn what_no_library_can_read_is_kept_to_the_letter() {
    let foreign = r#""credential_type":"RefreshToken","foreign":"kept","big":1e999,"half":"\ud83d""#;
    let mut world = altered(&signed_in(), r#""credential_type":"RefreshToken""#, foreign);
    world.answers(Grant::of("access-2").refresh("refresh-2"));
    token(world.silent(&entra(), &request()));
    let text = String::from_utf8(world.cache.clone().unwrap()).unwrap();
    for kept in [r#""foreign":"kept""#, r#""big":1e999"#, r#""half":"\ud83d""#] {
        assert!(text.contains(kept), "{text}");
    }
}

#[test]
fn a_field_that_cannot_be_read_costs_no_other() {
    let half = r#""name":"Ada \ud83d","local_account_id""#;
    let mut world = altered(&signed_in().access(&ADA, "access-1", 3600), r#""local_account_id""#, half);
    let ada = request().account(entrada_core::AccountSelector::Named(ADA.name.into()));
    assert_eq!(token(world.silent(&entra(), &ada)).secret.expose(), "access-1");

    let mut world = altered(&signed_in().access(&ADA, "access-1", 3600), "{", r#"{"AppMetadata":null,"#);
    token(world.silent(&entra(), &request()));
}
