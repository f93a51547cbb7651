//! What holds for two caches of which one takes over the other's entries.

use super::*;

const IDENTITY: [&str; 4] = ["environment", "home_account_id", "realm", "client_id"];

/// What tells whether two entries are of the same entity, found without the code under test.
fn identity(section: &str, entry: &Value) -> (Vec<String>, Vec<String>, String) {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_lowercase();
    let names: &[&str] = match section {
        "Account" => &IDENTITY[..3],
        "AppMetadata" => &["environment", "client_id"],
        _ => &IDENTITY,
    };
    let mut target: Vec<String> = text("target").split_whitespace().map(String::from).collect();
    target.sort();
    if section != "AccessToken" {
        target.clear();
    }
    let is_token = !["Account", "AppMetadata"].contains(&section);
    let kind = if is_token { text("token_type").replace("bearer", "") } else { String::new() };
    (names.iter().map(|name| text(name)).collect(), target, kind)
}

fn time(entry: &Value, name: &str) -> Option<u64> {
    entry[name].as_str().map_or(entry[name].as_u64(), |text| text.trim().parse().ok())
}

fn age(section: &str, entry: &Value) -> (Option<u64>, Option<u64>) {
    match section {
        "AccessToken" => (time(entry, "cached_at"), time(entry, "expires_on")),
        "RefreshToken" => (time(entry, "last_modification_time"), None),
        _ => (None, None),
    }
}

/// Whether every field of one entry is in the other.
fn has_all_of(other: &Value, one: &Value) -> bool {
    one.as_object().is_some_and(|one| one.iter().all(|(name, value)| other.get(name) == Some(value)))
}

/// Whether an entry can be taken over at all.
fn is_sound(section: &str, entry: &Value) -> bool {
    let has = |name: &str| entry[name].as_str().is_some_and(|text| !text.is_empty());
    has("environment")
        && match section {
            "AccessToken" => has("client_id") && time(entry, "expires_on").is_some(),
            "Account" => has("home_account_id"),
            _ => has("client_id"),
        }
}

proptest! {
    #[test]
    fn nothing_of_ours_is_lost(ours in caches(), theirs in caches()) {
        let mut cache = parsed(&ours);
        cache.absorb(&parsed(&theirs));
        let after = object(&cache);
        for (name, value) in ours.iter().filter(|(name, _)| !SECTIONS.contains(&name.as_str())) {
            prop_assert_eq!(after.get(name), Some(value));
        }
        for section in SECTIONS {
            let after = entries(&after, section);
            for (key, entry) in entries(&ours, section) {
                let now = after.get(&key);
                let is_kept = now == Some(&entry) || match (section, now) {
                    ("Account" | "AppMetadata", Some(now)) => has_all_of(now, &entry),
                    ("AccessToken" | "RefreshToken", Some(now)) => {
                        let is_theirs = entries(&theirs, section).values().any(|other| has_all_of(now, other));
                        let is_dated = section == "AccessToken" || age(section, &entry).0.is_some();
                        is_theirs
                            && is_dated
                            && identity(section, now) == identity(section, &entry)
                            && age(section, now) > age(section, &entry)
                    }
                    _ => false,
                };
                prop_assert!(is_kept, "{section} {key}: {entry} became {now:?}");
            }
        }
    }

    #[test]
    fn all_of_theirs_is_there_unless_ours_stands_for_it(ours in caches(), theirs in caches()) {
        let mut cache = parsed(&ours);
        let count = cache.absorb(&parsed(&theirs));
        let after = object(&cache);
        let mut new = 0;
        for section in SECTIONS {
            let after = entries(&after, section);
            new += after.len() - entries(&ours, section).len();
            for (key, entry) in entries(&theirs, section).into_iter().filter(|(_, entry)| is_sound(section, entry)) {
                let same = after.values().filter(|other| identity(section, other) == identity(section, &entry));
                let stands_for_it = |other: &Value| match section {
                    "AccessToken" => age(section, other) >= age(section, &entry) || has_all_of(other, &entry),
                    "Account" | "AppMetadata" => {
                        entry.as_object().unwrap().keys().all(|name| other.get(name).is_some())
                    }
                    "RefreshToken" => {
                        let (held, brought) = (age(section, other).0, age(section, &entry).0);
                        held.is_none() || brought.is_none() || held >= brought
                    }
                    _ => true,
                };
                prop_assert!(same.clone().any(stands_for_it), "{section} {key}: {entry}");
            }
        }
        prop_assert!(count >= new, "{count} of {new}");
        // The index knows them: whoever has tokens now is found.
        let reread = TokenCache::from_bytes(cache.to_bytes()).unwrap();
        prop_assert_eq!(cache.accounts(&app()), reread.accounts(&app()));
    }

    #[test]
    fn absorbing_twice_or_oneself_or_nothing_changes_nothing(ours in caches(), theirs in caches()) {
        let mut cache = parsed(&ours);
        let before = cache.to_bytes();
        prop_assert_eq!(cache.absorb(&TokenCache::default()), 0);
        prop_assert_eq!(&cache.to_bytes(), &before);

        cache.absorb(&parsed(&theirs));
        let once = cache.to_bytes();
        prop_assert_eq!(cache.absorb(&parsed(&theirs)), 0);
        prop_assert_eq!(&cache.to_bytes(), &once);
        let again = cache.clone();
        cache.absorb(&again);
        let settled = cache.to_bytes();
        cache.absorb(&again);
        prop_assert_eq!(cache.to_bytes(), settled);
    }

    #[test]
    fn a_clients_part_has_its_tokens_and_no_others(root in caches()) {
        let cache = parsed(&root);
        let part = object(&cache.extract(&app()));
        prop_assert!(part.keys().all(|name| SECTIONS.contains(&name.as_str())));
        let mut users: Vec<String> = Vec::new();
        for section in ["AccessToken", "RefreshToken", "IdToken", "AppMetadata"] {
            let mut expected = entries(&root, section);
            expected.retain(|_, entry| is_mine(entry));
            users.extend(expected.values().map(|entry| entry["home_account_id"].as_str().unwrap_or_default().to_lowercase()));
            prop_assert_eq!(entries(&part, section), expected, "{}", section);
        }
        for entry in entries(&part, "Account").values() {
            prop_assert!(users.contains(&entry["home_account_id"].as_str().unwrap_or_default().to_lowercase()));
        }
        prop_assert_eq!(parsed(&part).accounts(&app()), cache.accounts(&app()));
    }
}

fn cache(section: &str, entries: Value) -> TokenCache {
    TokenCache::parse(json!({ section: entries }).to_string().as_bytes()).unwrap()
}

fn token(fields: Value) -> Value {
    let mut token = json!({ "client_id": "c", "environment": "e", "home_account_id": "u.t", "secret": "s" });
    token.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    token
}

fn secrets(cache: &TokenCache, section: &str) -> Vec<String> {
    entries(&object(cache), section).values().map(|entry| entry["secret"].as_str().unwrap().into()).collect()
}

#[test]
fn scopes_are_a_set_and_keys_say_nothing() {
    let at = |key: &str, target: &str, cached_at: &str, secret: &str| {
        let fields =
            json!({ "realm": "t", "target": target, "cached_at": cached_at, "expires_on": "9", "secret": secret });
        cache("AccessToken", json!({ key: token(fields) }))
    };
    let mut ours = at("k1", "A b", "5", "ours");
    assert_eq!(ours.absorb(&at("k2", "B a", "4", "older")), 0);
    assert_eq!(ours.absorb(&at("k2", "B a", "6", "newer")), 1);
    assert_eq!(ours.absorb(&at("k1", "a", "6", "of fewer scopes")), 1);
    assert_eq!(secrets(&ours, "AccessToken"), ["newer", "of fewer scopes"]);
    let keys: Vec<String> = entries(&object(&ours), "AccessToken").into_keys().collect();
    assert_eq!(keys, ["k1", "u.t-e-accesstoken-c-t-a"]);
}

#[test]
fn taken_keys_are_told_apart_by_a_number() {
    let mut ours = cache("RefreshToken", json!({ "u.t-e-refreshtoken-c--": "no entry", "own": 1 }));
    assert_eq!(ours.absorb(&cache("RefreshToken", json!({ "OWN": token(json!({})) }))), 1);
    let after = entries(&object(&ours), "RefreshToken");
    assert!(after["own"] == 1 && after["u.t-e-refreshtoken-c--"] == "no entry", "{after:?}");
    assert_eq!(after["u.t-e-refreshtoken-c---2"]["secret"], "s");
}

#[test]
fn a_bound_token_takes_the_place_of_its_like_alone() {
    let rt = |secret: &str, time: u64, binding: Value| {
        let mut fields = json!({ "secret": secret, "last_modification_time": time });
        fields.as_object_mut().unwrap().extend(binding.as_object().unwrap().clone());
        cache("RefreshToken", json!({ "k": token(fields) }))
    };
    let mut ours = rt("plain", 1, json!({}));
    ours.absorb(&rt("of one", 2, json!({ "user_assertion_hash": "1", "n": 1e300 })));
    ours.absorb(&rt("of two", 2, json!({ "user_assertion_hash": "2" })));
    ours.absorb(&rt("of one again", 3, json!({ "user_assertion_hash": "1" })));
    assert_eq!(secrets(&ours, "RefreshToken"), ["plain", "of one again", "of two"]);
}

#[test]
fn of_a_refresh_token_without_a_date_ours_stays() {
    let rt = |fields: Value| cache("RefreshToken", json!({ "k": token(fields) }));
    for (ours, theirs) in
        [(json!({}), json!({ "last_modification_time": "9" })), (json!({ "last_modification_time": "9" }), json!({}))]
    {
        let mut cache = rt(ours);
        let before = cache.to_bytes();
        assert_eq!(cache.absorb(&rt(theirs)), 0);
        assert_eq!(cache.to_bytes(), before);
    }
}

#[test]
fn foreign_fields_come_to_the_letter_and_malformed_entries_and_members_not_at_all() {
    let theirs = r#"{"Beside":1,"Entrada":{"throttled":{}},"Account":{"bad":7,"worse":{"realm":"t"},
        "a":{"home_account_id":"u.t","environment":"e","realm":"t","n":1.000000000000000000000001,"\u0061b":[1, 2],"e":1e999}},
        "AccessToken":{"dateless":{"client_id":"c","environment":"e","secret":"s"}}}"#;
    let theirs = TokenCache::parse(theirs.as_bytes()).unwrap();
    let mut ours = TokenCache::parse(
        br#"{"Account":{"k":{"home_account_id":"U.T","environment":"e","realm":"t","username":"Ada", "big":1e999}}}"#,
    )
    .unwrap();
    assert_eq!(ours.absorb(&theirs), 1);
    let text = String::from_utf8(ours.to_bytes()).unwrap();
    assert_eq!(
        text,
        r#"{"Account":{"k":{"home_account_id":"U.T","environment":"e","realm":"t","username":"Ada", "big":1e999,"e":1e999,"ab":[1, 2],"n":1.000000000000000000000001}}}"#
    );
}

#[test]
fn the_names_that_a_tenant_was_asked_by_outlive_a_newer_token() {
    let at = |fields: Value| cache("AccessToken", json!({ "k": token(fields) }));
    let mut ours =
        at(json!({ "realm": "t", "cached_at": "1", "expires_on": "5", "entrada_tenant": TENANT, "refresh_on": "2" }));
    ours.absorb(&at(json!({ "realm": "t", "cached_at": "2", "expires_on": "6", "secret": "newer" })));
    let after = entries(&object(&ours), "AccessToken");
    assert_eq!((&after["k"]["secret"], &after["k"]["entrada_tenant"]), (&json!("newer"), &json!(TENANT)));
    assert!(after["k"].get("refresh_on").is_none(), "what the older one was due for is not the newer one's");
}
