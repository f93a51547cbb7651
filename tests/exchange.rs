//! Tokens go from one cache to another through the facade.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

use std::path::Path;
use std::thread;

use entrada::file_cache::FileCache;
use entrada::ports::blocking::Cache;
use entrada::{Authority, Client, Error, TokenSource};
use entrada_cache_memory::MemoryCache;
use serde_json::{Value, json};

const CLIENT: &str = "8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4";
const OTHER: &str = "0f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4";
const HOST: &str = "login.microsoftonline.com";
const SCOPE: &str = "https://hr.example//user_impersonation";

fn client(cache: impl Cache + 'static) -> Client {
    client_of(CLIENT, cache)
}

fn client_of(id: &str, cache: impl Cache + 'static) -> Client {
    let authority = Authority::entra(&format!("https://{HOST}/t")).unwrap();
    Client::builder(id).authority(authority).cache(cache).build().unwrap()
}

/// What another library may have written: one user's tokens of one client.
fn written(user: &str, client: &str) -> Vec<u8> {
    let fields = |more: Value| {
        let mut entry = json!({ "home_account_id": user, "environment": HOST, "client_id": client, "secret": user });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let access = json!({ "realm": "t", "target": SCOPE, "cached_at": "1700000000", "expires_on": "1900000000" });
    let account =
        json!({ "home_account_id": user, "environment": HOST, "realm": "t", "username": user, "of_theirs": [1] });
    json!({
        "AccessToken": { format!("at-{user}"): fields(access) },
        "RefreshToken": { format!("rt-{user}"): fields(json!({ "last_modification_time": "1700000000" })) },
        "Account": { format!("a-{user}"): account },
        "Beside": 1,
    })
    .to_string()
    .into_bytes()
}

fn names(client: &Client) -> Vec<String> {
    client.accounts().unwrap().into_iter().map(|account| account.username).collect()
}

fn file(path: &Path) -> FileCache {
    FileCache::new(path)
}

#[test]
fn what_is_imported_is_found_and_goes_on_to_another_place() {
    let folder = tempfile::tempdir().unwrap();
    let here = client(MemoryCache::new());
    assert_eq!(here.import(&written("ada.t", CLIENT)).unwrap(), (3, vec![]));
    assert_eq!(here.import(&written("ada.t", CLIENT)).unwrap(), (0, vec![]));
    here.import(&written("bob.t", OTHER)).unwrap();
    assert_eq!(here.silent(&[SCOPE]).unwrap().source, TokenSource::Cache);

    let path = folder.path().join("tokens.json");
    let there = client(file(&path));
    there.import(&here.export().unwrap()).unwrap();
    assert_eq!(there.silent(&[SCOPE]).unwrap().secret.expose(), "ada.t");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(r#""of_theirs":[1]"#), "foreign fields go along: {text}");
    assert!(!text.contains("bob.t") && !text.contains("Beside"), "what is another client's does not: {text}");
}

#[test]
fn bytes_that_are_no_cache_are_refused_and_lose_nothing() {
    let cache = MemoryCache::new();
    cache.save(&written("ada.t", CLIENT)).unwrap();
    let here = client(cache);
    for bad in [&b"not json"[..], b"[]", b"\xff", b"{\"AccessToken\":[]}"] {
        let error = here.import(bad).unwrap_err();
        assert!(matches!(&error, Error::Config(text) if text.starts_with("nothing was imported")), "{error}");
        assert_eq!(names(&here), ["ada.t"]);
    }
    assert_eq!(here.import(b"").unwrap(), (0, vec![]));
}

#[test]
fn an_unreadable_cache_is_not_exported_as_an_empty_one() {
    let cache = MemoryCache::new();
    cache.save(b"not json").unwrap();
    let error = client(cache).export().unwrap_err();
    assert!(matches!(error, Error::Adapter(_)) && error.to_string().contains("not a token cache"), "{error}");
    assert_eq!(client(MemoryCache::new()).export().unwrap(), b"{}");
}

#[test]
fn many_import_into_one_file_at_once_and_all_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    thread::scope(|scope| {
        for number in 0..8 {
            let path = &path;
            scope.spawn(move || client(file(path)).import(&written(&format!("u{number}.t"), CLIENT)).unwrap());
        }
    });
    assert_eq!(names(&client(file(&path))), (0..8).map(|number| format!("u{number}.t")).collect::<Vec<_>>());
}
