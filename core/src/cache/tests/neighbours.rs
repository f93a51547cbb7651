//! What other libraries write, and need to find, in the same cache.

use super::*;

const SCOPES: &str = "openid profile offline_access api://x/a";

/// A cache in which Ada has just been given tokens, by a sign-in or by a refresh.
fn stored(mut cache: TokenCache, fields: Value, now: UnixTime) -> TokenCache {
    let app = app();
    let scopes = [String::from("api://x/a")];
    let answer = answer("u", "t", fields);
    cache.store(&app, &Filing::of(&app, &answer, &scopes, &scopes, None), &answer, true, now);
    cache
}

fn only(cache: &TokenCache, section: &str) -> (String, Value) {
    let mut entries = entries(&object(cache), section);
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.pop_first().unwrap()
}

/// msal for Python deletes an entry by the key that it would give it, made of the fields.
#[test]
fn an_entry_has_the_key_that_msal_for_python_makes_of_its_fields() {
    let theirs = json!({ "RefreshToken": { "u.t-login.microsoftonline.com-refreshtoken-c--api://x/a openid": {
        "credential_type": "RefreshToken", "home_account_id": "u.t", "environment": "login.microsoftonline.com",
        "client_id": CLIENT, "target": "api://x/a openid", "secret": "theirs", "last_modification_time": "1" } } });
    let cache = TokenCache::parse(theirs.to_string().as_bytes()).unwrap();
    for cache in [cache, TokenCache::default()] {
        let (key, entry) = only(&stored(cache, json!({ "scope": SCOPES }), NOW), "RefreshToken");
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let made = format!("u.t-login.microsoftonline.com-refreshtoken-{CLIENT}--{}", text("target"));
        assert_eq!((key, text("secret")), (made, "refresh-1"));
    }
}

/// It also sorts the scopes: spelled otherwise, one token would stand there twice, and msal-node, which
/// takes two that fit for an error, would drop both.
#[test]
fn the_scopes_of_a_token_are_sorted() {
    let (key, entry) = only(&stored(TokenCache::default(), json!({ "scope": SCOPES }), NOW), "AccessToken");
    assert_eq!(entry["target"], "api://x/a offline_access openid profile");
    assert!(key.ends_with("-t-api://x/a offline_access openid profile"), "{key}");
}

/// msal-node gives refresh tokens no date. An access token that is newer than all dated ones came with it.
#[test]
fn a_refresh_token_without_a_date_is_as_new_as_the_access_token_that_came_with_it() {
    let refresh_token_after = |access_token_cached_at: u64| {
        let cache = stored(TokenCache::default(), json!({}), NOW);
        let mut root = object(&cache);
        let (key, ours) = only(&cache, "RefreshToken");
        let mut theirs = ours.clone();
        theirs["secret"] = "of-msal-node".into();
        theirs.as_object_mut().unwrap().remove("last_modification_time");
        root["RefreshToken"] = json!({ format!("{key}-"): theirs, key: ours });
        let (key, mut access_token) = only(&cache, "AccessToken");
        access_token["cached_at"] = access_token_cached_at.to_string().into();
        root["AccessToken"][format!("{key}-")] = access_token;
        parsed(&root).refresh_tokens(&app(), "u.t").remove(0).secret.expose().to_string()
    };
    let now = NOW.as_secs();
    assert_eq!(refresh_token_after(now + 1), "of-msal-node");
    assert_eq!([refresh_token_after(now), refresh_token_after(now - 9)], ["refresh-1", "refresh-1"]);
}
