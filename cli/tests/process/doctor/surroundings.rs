//! What is amiss on this side: the configuration, the store, the lock, the network.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

use super::*;

fn report(run: Run, code: i32) -> Value {
    run.args(&["--output", "json"]).done().expect_code(code).json()
}

fn finding(report: &Value, name: &str) -> (String, String) {
    let check = check(report, name);
    (check["status"].as_str().unwrap().to_owned(), check["finding"].as_str().unwrap().to_owned())
}

#[test]
fn without_a_url_this_computer_and_the_authority_are_looked_at() {
    let world = World::new();
    let report = report(world.run(&["doctor"]), 0);
    assert_eq!(report["url"], Value::Null);
    for name in ["configuration", "store", "lock", "authority", "clock", "client-id", "redirect-uri"] {
        assert_eq!(check(&report, name)["status"], "ok", "{name}: {report:#}");
    }
    assert_eq!(check(&report, "app")["status"], "skipped");
    assert_eq!(fs::read_dir(world.home.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn what_is_configured_is_told_with_its_source() {
    let world = World::new();
    let path = world.home.config("account = \"ada@contoso.example\"");
    let (status, said) = finding(&report(world.run(&["doctor", "--store", "file"]), 0), "configuration");
    assert_eq!(status, "ok");
    for words in [
        "client-id by ENTRADA_CLIENT_ID",
        "authority by ENTRADA_AUTHORITY",
        "store by --store",
        &format!("account by {}", path.display()),
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    world.home.config("clientid = \"x\"");
    let broken = report(world.run(&["doctor", &world.url("")]), 15);
    let (status, said) = finding(&broken, "configuration");
    assert!(status == "fail" && said.contains("clientid"), "{said}");

    let bare = Home::with(&[]);
    let nothing = report(bare.run(&["doctor"]), 15);
    assert!(finding(&nothing, "configuration").1.contains("no client id"), "{nothing:#}");
    let authority = report(bare.run(&["doctor", "--client-id", "c", "--authority", "http://login.example/t"]), 15);
    assert!(finding(&authority, "authority").1.contains("is not https"), "{authority:#}");
    let names: Vec<_> = authority["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    assert_eq!(names, ["configuration", "store", "lock", "browser", "authority"], "nothing else is looked at");
    let url = report(bare.run(&["doctor", "hr.example", "--client-id", "c"]), 2);
    assert!(finding(&url, "edge").1.contains("https://"), "{url:#}");
}

#[test]
fn a_store_that_is_not_as_it_should_be_is_told() {
    let world = World::signed_in();
    let cache = world.home.cache();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o644)).unwrap();
    let (status, said) = finding(&report(world.run(&["doctor"]), 0), "store");
    assert!(status == "warn" && said.contains("mode was 644"), "{said}");
    let (status, said) = finding(&report(world.run(&["doctor"]), 0), "store");
    assert!(status == "ok" && said.contains(cache.to_str().unwrap()), "{said}");

    fs::write(&cache, "no cache").unwrap();
    let (status, said) = finding(&report(world.run(&["doctor"]), 0), "store");
    assert!(status == "warn" && said.contains("no token cache"), "{said}");
    assert_eq!(fs::read(&cache).unwrap(), b"no cache", "it is left as it is");
    let folder = world.home.path().to_str().unwrap().to_owned();
    let (status, said) = finding(&report(world.run(&["doctor", "--cache", &folder]), 16), "store");
    assert!(status == "fail" && said.contains("a folder"), "{said}");
    let (status, said) = finding(&report(world.run(&["doctor", "--store", "memory"]), 0), "store");
    assert!(status == "ok" && said.contains("memory"), "{said}");
}

#[test]
fn a_lock_that_is_held_is_told_with_its_holder() {
    let world = World::signed_in();
    let path = world.home.cache().with_extension("json.lockfile");
    fs::write(&path, "4711 another program").unwrap();
    let held = File::open(&path).unwrap();
    held.lock().unwrap();
    let (status, said) = finding(&report(world.run(&["doctor"]), 0), "lock");
    assert!(status == "ok" && said.contains("4711 another program"), "{said}");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(300);
    File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    let (status, said) = finding(&report(world.run(&["doctor"]), 0), "lock");
    assert!(status == "warn" && said.contains("5 minutes"), "{said}");
    drop(held);
    let (status, said) = finding(&report(world.run(&["doctor"]), 0), "lock");
    assert!(status == "ok" && said.contains("left behind"), "{said}");
}

#[test]
fn who_cannot_be_reached_is_named() {
    let world = World::new();
    let gone = report(world.run(&["doctor", "http://127.0.0.1:1/"]), 7);
    assert!(finding(&gone, "connection").1.contains("127.0.0.1:1 refuses"), "{gone:#}");
    assert_eq!(check(&gone, "edge")["status"], "skipped");
    assert_eq!(check(&gone, "authority")["status"], "ok");

    let nowhere = world.run(&["doctor", "--authority", "http://127.0.0.1:1/t"]);
    let nowhere = report(nowhere, 7);
    assert!(finding(&nowhere, "authority").1.contains("refuses"), "{nowhere:#}");
    let tenant = world.stage.authority_of("11111111-2222-3333-4444-555555555555");
    let unknown = report(world.run(&["doctor", "--authority", &tenant]), 15);
    assert!(finding(&unknown, "authority").1.contains("AADSTS90002"), "{unknown:#}");
    let client = report(world.run(&["doctor", "--client-id", "11111111-2222-3333-4444-555555555555"]), 15);
    assert!(finding(&client, "client-id").1.contains("AADSTS700016"), "{client:#}");

    let proxy = world.run(&["doctor", "https://hr.example/"]).var("HTTPS_PROXY", "http://me:word@127.0.0.1:1");
    let proxy = report(proxy, 7);
    assert!(finding(&proxy, "proxy").1.contains("127.0.0.1:1 (HTTPS_PROXY)"), "{proxy:#}");
    assert!(!proxy.to_string().contains("word@"), "{proxy:#}");
    let unusable = report(world.run(&["doctor", "https://hr.example/"]).var("HTTPS_PROXY", "http://"), 1);
    assert_eq!(finding(&unusable, "proxy").0, "fail");
}
