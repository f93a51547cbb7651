//! What holds for every cache and every answer, tried on random ones.

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Filing, TokenCache, Wanted};
use crate::protocol::{HttpAnswer, TokenAnswer, read_token};
use crate::{App, Authority, Cloud, UnixTime};

mod absorb;
mod neighbours;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CLIENT: &str = "8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4";
const TENANT: &str = "contoso.onmicrosoft.com";
const SECTIONS: [&str; 5] = ["AccessToken", "RefreshToken", "IdToken", "Account", "AppMetadata"];

fn app() -> App {
    App::new(CLIENT, Authority::tenant(Cloud::Public, TENANT).unwrap()).unwrap()
}

/// Any JSON, numbers as far as every library can tell them.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A field of an entry: one of a few values, so that entries meet; missing; or of no known shape.
fn field(values: &'static [&'static str]) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        6 => prop::sample::select(values).prop_map(|value| Some(Value::from(value))),
        1 => Just(None),
        1 => anything().prop_map(Some),
    ]
}

fn entry() -> impl Strategy<Value = Value> {
    let fields = (
        field(&[CLIENT, "8F4A7C1E-2D3B-4B5C-9D6E-7F8091A2B3C4", "another-client"]),
        field(&["login.microsoftonline.com", "login.windows.net", "login.microsoftonline.us", "localhost:8443"]),
        field(&["U.T", "u.t", "v.t"]),
        field(&["t", "T", TENANT, "elsewhere"]),
        field(&["api://x/a", "openid profile api://x/a api://x/B", "api://x/c"]),
        field(&["1900000000", "1700000000", "soon"]),
        field(&["Bearer", "pop"]),
        anything(),
        prop::sample::select(&[None, Some("1700000000"), Some("1700000001")][..]),
    );
    fields.prop_map(|(client, environment, user, realm, target, time, kind, foreign, cached_at)| {
        let cached_at = cached_at.map(Value::from);
        let named = [
            ("client_id", client),
            ("environment", environment),
            ("home_account_id", user),
            ("realm", realm),
            ("target", target),
            ("expires_on", time.clone()),
            ("cached_at", cached_at),
            ("last_modification_time", time),
            ("token_type", kind),
            ("secret", Some("of-somebody".into())),
            ("of_another_library", Some(foreign)),
        ];
        named.into_iter().filter_map(|(name, value)| Some((String::from(name), value?))).collect::<Map<_, _>>().into()
    })
}

/// A cache with sections, entries, and things beside them.
fn caches() -> impl Strategy<Value = Map<String, Value>> {
    let entries = || {
        let entry = prop_oneof![5 => entry(), 1 => anything()];
        prop::option::of(prop::collection::btree_map("[a-zA-Z0-9.-]{1,8}", entry, 0..6))
    };
    let sections = (entries(), entries(), entries(), entries(), entries());
    let beside = prop::collection::btree_map("[a-zA-Z ]{1,9}", anything(), 0..3);
    (sections, beside).prop_map(|((a, b, c, d, e), beside)| {
        let mut root: Map<String, Value> = beside.into_iter().collect();
        for (name, entries) in SECTIONS.into_iter().zip([a, b, c, d, e]) {
            root.remove(name);
            if let Some(entries) = entries {
                root.insert(name.into(), Value::Object(entries.into_iter().collect()));
            }
        }
        root
    })
}

/// An answer of the token endpoint for a user, as Entra words it.
fn answer(uid: &str, utid: &str, fields: Value) -> TokenAnswer {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut body = json!({
        "access_token": "access-1",
        "refresh_token": "refresh-1",
        "expires_in": 3600,
        "client_info": part(json!({ "uid": uid, "utid": utid })),
        "id_token": format!("e30.{}.s", part(json!({ "aud": CLIENT, "tid": utid, "preferred_username": "Ada@X" }))),
    });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let answer = HttpAnswer { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() };
    read_token(&answer).unwrap()
}

fn parsed(root: &Map<String, Value>) -> TokenCache {
    TokenCache::parse(&serde_json::to_vec(root).unwrap()).unwrap()
}

fn object(cache: &TokenCache) -> Map<String, Value> {
    serde_json::from_slice(&cache.to_bytes()).unwrap()
}

fn entries(root: &Map<String, Value>, section: &str) -> BTreeMap<String, Value> {
    root.get(section).and_then(Value::as_object).cloned().unwrap_or_default().into_iter().collect()
}

/// Whether an entry is this client's at this cloud, told without the code under test.
fn is_mine(entry: &Value) -> bool {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_lowercase();
    text("client_id") == CLIENT && is_here(&text("environment"))
}

fn is_here(environment: &str) -> bool {
    ["login.microsoftonline.com", "login.windows.net"].contains(&environment)
}

fn is_of(entry: &Value, user: &str) -> bool {
    entry["home_account_id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(user))
}

proptest! {
    #[test]
    fn reading_and_writing_change_nothing(root in caches()) {
        let bytes = parsed(&root).to_bytes();
        let again: Map<String, Value> = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(&again, &root);
        prop_assert_eq!(parsed(&again).to_bytes(), bytes);
    }

    #[test]
    fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[{}\\[\\]\",:a-zA-Z0-9 ]{0,80}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            if let Ok(cache) = TokenCache::parse(bytes) {
                prop_assert!(cache.accounts(&app()).is_empty());
            }
        }
    }

    #[test]
    fn storing_drops_nothing_of_others(root in caches(), is_sign_in: bool) {
        let app = app();
        let scopes = [String::from("api://x/a")];
        let answer = answer("U", "T", json!({ "scope": "api://x/a openid" }));
        let mut cache = parsed(&root);
        cache.store(&app, &Filing::of(&app, &answer, &scopes, &scopes, None), &answer, is_sign_in, NOW);
        let after = object(&cache);
        for (name, value) in root.iter().filter(|(name, _)| !SECTIONS.contains(&name.as_str())) {
            prop_assert_eq!(after.get(name), Some(value));
        }
        for section in SECTIONS {
            let after = entries(&object(&cache), section);
            for (key, entry) in entries(&root, section) {
                let may_go = match section {
                    "AppMetadata" => is_mine(&entry),
                    // An account is nobody's client's.
                    "Account" => is_sign_in && is_of(&entry, "u.t"),
                    _ => is_mine(&entry) && is_of(&entry, "u.t"),
                };
                prop_assert!(may_go || after.get(&key) == Some(&entry), "{section} {key}: {entry}");
            }
        }
        // What was stored is found, whatever else is there.
        let wanted = Wanted { app: &app, home_account_id: "U.T", scopes: &scopes };
        let secret = cache.refresh_tokens(&app, "u.T").remove(0);
        prop_assert_eq!(secret.secret.expose(), "refresh-1");
        prop_assert!(cache.access_token(&wanted, NOW).is_some());
        let mine = entries(&object(&cache), "RefreshToken").values().filter(|e| is_mine(e) && is_of(e, "u.t")).count();
        prop_assert_eq!(mine, 1);
    }

    #[test]
    fn signing_out_takes_all_of_one_and_nothing_of_others(root in caches()) {
        let mut cache = parsed(&root);
        cache.remove_accounts(&app(), ["u.t"]);
        for section in SECTIONS {
            let after = entries(&object(&cache), section);
            for (key, entry) in entries(&root, section) {
                let (goes, may_go) = match section {
                    "AppMetadata" => (false, false),
                    "Account" => (false, is_of(&entry, "u.t")),
                    _ => (is_mine(&entry) && is_of(&entry, "u.t"), false),
                };
                prop_assert!(!goes || !after.contains_key(&key), "{section} {key} stays: {entry}");
                prop_assert!(goes || may_go || after.get(&key) == Some(&entry), "{section} {key} goes: {entry}");
            }
        }
    }

    #[test]
    fn keys_say_what_the_fields_say_in_lower_case(
        uid in "[a-zA-Z0-9-]{1,12}",
        utid in "[a-zA-Z0-9-]{1,12}",
        scopes in prop::collection::vec("[a-zA-Z:/._]{1,20}", 1..4),
        client in "[a-zA-Z0-9-]{1,12}",
        tenant in "[a-zA-Z0-9-]{1,12}",
    ) {
        let app = App::new(client.as_str(), Authority::tenant(Cloud::Public, &tenant).unwrap()).unwrap();
        let mut cache = TokenCache::default();
        let claims = answer(&uid, &utid, json!({ "scope": scopes.join(" ") }));
        cache.store(&app, &Filing::of(&app, &claims, &scopes, &scopes, None), &claims, true, NOW);
        for section in SECTIONS {
            let stored = entries(&object(&cache), section);
            prop_assert_eq!(stored.len(), 1);
            let (key, entry) = stored.first_key_value().unwrap();
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_string();
            let (user, host) = (text("home_account_id"), text("environment"));
            let (client, realm, target) = (text("client_id"), text("realm"), text("target"));
            let expected = match section {
                "AccessToken" => format!("{user}-{host}-accesstoken-{client}-{realm}-{target}"),
                "RefreshToken" => format!("{user}-{host}-refreshtoken-{client}--"),
                "IdToken" => format!("{user}-{host}-idtoken-{client}-{realm}-"),
                "Account" => format!("{user}-{host}-{realm}"),
                _ => format!("appmetadata-{host}-{client}"),
            };
            prop_assert_eq!(key, &expected.to_lowercase());
            prop_assert_eq!(host, "login.microsoftonline.com");
            let expected_user = if section == "AppMetadata" { String::new() } else { format!("{uid}.{utid}") };
            prop_assert_eq!(user, expected_user);
        }
    }
}

/// What the index finds is what a look at every entry finds.
mod index {
    use super::*;

    proptest! {
        #[test]
        fn a_lookup_finds_what_a_scan_finds(root in caches(), user in prop::sample::select(&["u.t", "V.T", ""][..])) {
            let (app, cache) = (app(), parsed(&root));
            let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_string();
            let credentials: Vec<Value> = ["AccessToken", "RefreshToken"]
                .into_iter()
                .flat_map(|section| entries(&root, section).into_values())
                .filter(|entry| is_mine(entry) && entry["home_account_id"].is_string())
                .collect();

            let mut users: Vec<String> =
                credentials.iter().map(|entry| text(entry, "home_account_id").to_lowercase()).collect();
            users.sort();
            users.dedup();
            let mut found: Vec<String> =
                cache.accounts(&app).iter().map(|account| account.home_account_id.to_lowercase()).collect();
            found.sort();
            prop_assert_eq!(found, users);

            let has_refresh_token =
                entries(&root, "RefreshToken").values().any(|entry| is_mine(entry) && is_of(entry, user));
            prop_assert_eq!(!cache.refresh_tokens(&app, user).is_empty(), has_refresh_token);

            let scopes = [String::from("API://x/b"), String::from("api://x/a")];
            let time = |entry: &Value| {
                let number = entry["expires_on"].as_str().map_or(entry["expires_on"].as_u64(), |t| t.parse().ok());
                number.filter(|time| *time <= NOW.as_secs() + 3650 * 24 * 3600)
            };
            let is_fit = |entry: &&Value| {
                is_mine(entry)
                    && is_of(entry, user)
                    && text(entry, "realm").to_lowercase() == TENANT
                    && text(entry, "target") == "openid profile api://x/a api://x/B"
                    && ["", "Bearer"].contains(&&*text(entry, "token_type"))
            };
            let expected = entries(&root, "AccessToken").values().filter(is_fit).filter_map(time).max();
            let wanted = Wanted { app: &app, home_account_id: user, scopes: &scopes };
            prop_assert_eq!(cache.access_token(&wanted, NOW).map(|found| found.expires_on.as_secs()), expected);
        }
    }

    #[test]
    fn a_token_of_nobody_is_not_that_of_a_user_without_an_id() {
        let token = json!({ "client_id": CLIENT, "environment": "login.microsoftonline.com", "realm": TENANT,
            "target": "api://x/a", "secret": "of-somebody", "expires_on": "1900000000" });
        let cache = TokenCache::parse(json!({ "AccessToken": { "a": token } }).to_string().as_bytes()).unwrap();
        let (app, scopes) = (app(), [String::from("api://x/a")]);
        assert!(cache.access_token(&Wanted { app: &app, home_account_id: "", scopes: &scopes }, NOW).is_none());
    }

    #[test]
    fn an_escaped_field_is_the_same_field() {
        let escaped = r#"{"RefreshToken":{"\u0061":{"\u0063lient_id":"8f4a7c1e\u002d2d3b-4b5c-9d6e-7f8091a2b3c4",
            "environment":"login.micros\u006fftonline.com","home_account_id":"u\u002et","secret":"a\/b"}}}"#;
        let cache = TokenCache::parse(escaped.as_bytes()).unwrap();
        assert_eq!(cache.refresh_tokens(&app(), "U.T").remove(0).secret.expose(), "a/b");
        let after = object(&cache);
        assert_eq!(after, serde_json::from_str::<Map<String, Value>>(escaped).unwrap());
    }

    #[test]
    fn a_section_that_is_none_is_unreadable_and_a_number_of_any_length_is_kept() {
        for text in [r#"{"AccessToken":[]}"#, r#"{"Account":5}"#, "[]", "{} x", "{\"a\":}", "\u{feff}{}"] {
            assert!(TokenCache::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(TokenCache::parse(b"{\"a\":\"\xff\"}").is_err());
        let precise = br#"{"Beside":1.000000000000000000000001,"IdToken":{"x":{"n":123456789012345678901234567890}}}"#;
        assert_eq!(TokenCache::parse(precise).unwrap().to_bytes(), precise);
    }
}
