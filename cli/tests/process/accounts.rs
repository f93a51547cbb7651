//! Who is signed in, and signing out.

use serde_json::json;

use crate::support::*;

fn bob_too(world: &World) {
    let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    world.stage.visitor().user("bob@contoso.example").visit(&running.sign_in_url()).unwrap();
    running.done().expect_code(0);
}

#[test]
fn accounts_are_told_without_secrets() {
    let world = World::signed_in();
    bob_too(&world);
    let table = world.done(&["accounts"]).expect_code(0);
    let rows: Vec<String> = table.text().lines().map(str::to_owned).collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows[0].starts_with("USER ") && rows[0].ends_with("EXPIRES IN"), "{rows:?}");
    assert!(
        rows[1].starts_with("ada@contoso.example ")
            && rows[1].contains(world.stage.tenant_id())
            && rows[1].ends_with(" min"),
        "{rows:?}"
    );
    assert!(rows[2].starts_with("bob@contoso.example "));

    let json = world.done(&["accounts", "--output", "json"]).expect_code(0).json();
    let ada = &json[0];
    assert_eq!((&ada["username"], &ada["tenant"]), (&json!("ada@contoso.example"), &json!(world.stage.tenant_id())));
    assert_eq!(ada["store"], world.home.cache().display().to_string());
    assert_eq!(ada["home_account_id"], format!("{}.{}", world.stage.ada().object_id, world.stage.ada().tenant_id));
    assert!(ada["expires_on"].as_u64().unwrap() > now() + 3600);
    let said = format!("{}{json}", table.text());
    for issued in world.stage.issued() {
        assert!(!said.contains(&issued.access_token) && !said.contains(&issued.refresh_token.unwrap()));
    }
    world.home.tokens_end_in(-5);
    assert!(world.done(&["accounts"]).text().contains(" expired"));
    assert_eq!(world.stage.requests_at(entrada_authority::Endpoint::Other).len(), 0);
}

#[test]
fn nobody_is_an_empty_table() {
    let world = World::new();
    let done = world.done(&["accounts"]).expect_code(0);
    assert_eq!((done.text(), done.stderr.as_str()), (String::new(), ""));
    assert_eq!(world.done(&["accounts", "--output", "json"]).text(), "[]\n");
    world.done(&["logout"]).expect_code(0).says("Nobody is signed in.");
    world.done(&["logout", "--all"]).expect_code(0).says("Nobody is signed in.");
    assert!(!world.home.cache().exists());
}

#[test]
fn signing_out_takes_one_account_or_all() {
    let world = World::signed_in();
    bob_too(&world);
    world.done(&["logout"]).expect_code(15).says("several accounts are signed in");
    world.done(&["logout", "--account", "carol@contoso.example"]).fails(
        15,
        "no account \"carol@contoso.example\"",
        "entrada accounts",
    );
    world.done(&["logout", "--account", "BOB@contoso.example"]).expect_code(0).says("Signed out bob@contoso.example.");
    let cached = std::fs::read_to_string(world.home.cache()).unwrap();
    assert!(cached.contains("ada@contoso.example") && !cached.contains("bob@contoso.example"));
    world.done(&["token"]).expect_code(0);
    world.done(&["logout", "--all", "--account", "ada@contoso.example"]).expect_code(2);

    bob_too(&world);
    world
        .done(&["logout", "--all"])
        .expect_code(0)
        .says("Signed out ada@contoso.example.")
        .says("Signed out bob@contoso.example.");
    world.done(&["token"]).expect_code(10);
    let cached = world.home.cached();
    for section in ["AccessToken", "RefreshToken", "IdToken", "Account"] {
        assert!(cached[section].as_object().is_none_or(|entries| entries.is_empty()), "{cached}");
    }
}

#[test]
fn an_account_goes_by_its_home_account_id_too() {
    let world = World::signed_in();
    let id = format!("{}.{}", world.stage.ada().object_id, world.stage.ada().tenant_id);
    world.done(&["token", "--account", &id]).expect_code(0);
    world.done(&["logout", "--account", &id]).expect_code(0).says("Signed out ada@contoso.example.");
}

#[test]
fn another_clients_tokens_in_the_same_file_are_not_ours() {
    let world = World::signed_in();
    let before = std::fs::read(world.home.cache()).unwrap();
    let other = ["--client-id", "11111111-2222-3333-4444-555555555555"];
    assert_eq!(world.run(&["accounts", "--output", "json"]).args(&other).done().text(), "[]\n");
    world.run(&["logout", "--all"]).args(&other).done().expect_code(0);
    world.run(&["token"]).args(&other).done().expect_code(10);
    assert_eq!(std::fs::read(world.home.cache()).unwrap(), before);
}

#[test]
fn a_store_in_memory_keeps_nothing() {
    let world = World::new();
    world.sign_in_with(&["--store", "memory"]);
    assert!(!world.home.cache().exists());
    world.done(&["token", "--store", "memory"]).expect_code(10);
}
