//! `entrada git`: the credential helper by git's protocol, and what `setup` writes into git's configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use entrada_authority::decode_claims;

use crate::support::*;

/// What git says of a repository of the app.
fn asking(world: &World, path: &str, more: &str) -> String {
    let (scheme, rest) = world.stage.external_url().split_once("://").unwrap();
    let host = rest.trim_end_matches('/');
    format!("capability[]=authtype\ncapability[]=state\nprotocol={scheme}\nhost={host}\npath={path}\n{more}")
}

fn helper(world: &World, operation: &str, said: String) -> Done {
    world.run(&["git", "credential", "--for", &world.url("git/"), operation]).input(said).done()
}

#[test]
fn the_helper_answers_with_a_bearer_that_nobody_keeps() {
    let world = World::signed_in();
    let done = helper(&world, "get", asking(&world, "git/team/a.git", "")).expect_code(0);
    let token = world.last_token();
    let expires = decode_claims(&token).unwrap()["exp"].as_u64().unwrap();
    let text = done.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["capability[]=authtype", "authtype=Bearer", &format!("credential={token}")]);
    assert_eq!(lines[3], "ephemeral=1");
    let until: u64 = lines[4].strip_prefix("password_expiry_utc=").unwrap().parse().unwrap();
    assert!(until.abs_diff(expires) <= 2 && lines.len() == 5, "{text}");
    assert_eq!(done.stderr, "");

    for operation in ["store", "capability", "whatever"] {
        let said = asking(&world, "git/team/a.git", &format!("authtype=Bearer\ncredential={token}\n"));
        assert_eq!(helper(&world, operation, said).expect_code(0).text(), "");
    }
}

#[test]
fn it_answers_for_its_own_repositories_only() {
    let world = World::signed_in();
    for path in ["gitea/a.git", "other", "git/../other"] {
        let done = helper(&world, "get", asking(&world, path, "")).expect_code(0);
        assert_eq!((done.text(), done.stderr), (String::new(), String::new()), "{path}");
    }
    let elsewhere = "capability[]=authtype\nprotocol=https\nhost=contoso.example\npath=git/a.git\n";
    assert_eq!(helper(&world, "get", elsewhere.to_owned()).expect_code(0).text(), "");
    world.run(&["git", "credential", "--for", "http://contoso.example/", "get"]).done().expect_code(2).says("https");
}

#[test]
fn a_git_that_cannot_carry_it_is_told_so_and_gets_nothing() {
    let world = World::signed_in();
    let said = asking(&world, "git/a.git", "").replace("capability[]=authtype\n", "");
    let done = helper(&world, "get", said).expect_code(15).says("git 2.46").says("entrada exec");
    assert_eq!(done.text(), "quit=1\n", "or git would ask for a password");
    let signed_out = World::new();
    let done = helper(&signed_out, "get", asking(&signed_out, "git/a.git", "")).expect_code(10).says("entrada login");
    assert_eq!(done.text(), "quit=1\n");
}

#[test]
fn a_refused_token_is_renewed_once() {
    let world = World::signed_in();
    let first = world.last_token();
    let refused = |token: &str| asking(&world, "git/a.git", &format!("authtype=Bearer\ncredential={token}\n"));
    let done = helper(&world, "erase", refused(&first)).expect_code(0);
    assert_eq!((done.text(), done.stderr, world.refreshes()), (String::new(), String::new(), 1));
    let second = world.last_token();
    assert_ne!(first, second);
    let got = helper(&world, "get", asking(&world, "git/a.git", "")).expect_code(0).text();
    assert!(got.contains(&second) && world.refreshes() == 1, "the next get has the new one at once");

    // Another process still has the first one: that it was refused says nothing about the second.
    helper(&world, "erase", refused(&first)).expect_code(0);
    helper(&world, "erase", asking(&world, "git/a.git", "")).expect_code(0);
    helper(&world, "erase", asking(&world, "other/a.git", &format!("credential={second}\n"))).expect_code(0);
    assert_eq!(world.refreshes(), 1);

    world.stage.revoke_refresh_tokens("ada@contoso.example", entrada_authority::Revocation::BadToken);
    let done = helper(&world, "erase", refused(&second)).expect_code(0).says("could not be renewed");
    assert!(!done.stderr.contains("eyJ"), "{}", done.stderr);
}

#[test]
fn the_claims_that_a_refusal_demands_are_asked_for() {
    let world = World::signed_in();
    let first = world.last_token();
    world.stage.demand_claims(serde_json::json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    let claims = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ==";
    let more = format!(
        "credential={first}\nwwwauth[]=Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"\n"
    );
    helper(&world, "erase", asking(&world, "git/a.git", &more)).expect_code(0);
    assert_eq!(world.refreshes(), 1);
    world.get("api/me", &[]).expect_code(0);
    assert_eq!(world.refreshes(), 1, "what the helper has brought fulfils them");
}

/// git's own view of a key.
fn configured(world: &World, key: &str) -> Vec<String> {
    let words = ["config", "--global", "--get-all", key].map(std::path::PathBuf::from);
    let done = world.run(&[]).within("git", |_| words.to_vec()).done();
    done.text().lines().map(str::to_owned).collect()
}

fn git_is_old() -> bool {
    let version = std::process::Command::new("git").arg("version").output().unwrap().stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    version.starts_with("git version 2.") && minor < Some(46)
}

#[test]
fn setup_says_what_it_sets_and_sets_it_once() {
    if absent("git") || git_is_old() {
        return;
    }
    let world = World::signed_in();
    let url = world.url("git/");
    let scope = world.stage.scope();
    world.home.file(".gitconfig", "[user]\n\tname = Ada\n");
    let setup = |more: &[&str]| world.run(&["git", "setup", &url, "--scope", &scope]).args(more).done().expect_code(0);
    let done = setup(&[]).says("from now on");
    let program = program().display();
    let helper = format!("!{program} git credential --for {url} --scope {scope}");
    let expected = format!(
        "credential.{url}.helper=\ncredential.{url}.helper={helper}\ncredential.{url}.useHttpPath=true\n\
         http.{url}.proactiveAuth=auto\nhttp.{url}.followRedirects=false\n"
    );
    assert_eq!(done.text(), expected);
    assert_eq!(configured(&world, &format!("credential.{url}.helper")), ["", &helper]);
    let written = fs::read(world.home.path().join(".gitconfig")).unwrap();
    assert_eq!(setup(&[]).says("Nothing had to be changed").text(), expected);
    assert_eq!(fs::read(world.home.path().join(".gitconfig")).unwrap(), written);
    let text = String::from_utf8(written).unwrap();
    assert!(!text.contains("eyJ") && text.contains("name = Ada"), "{text}");
    assert_eq!(world.stage.requests().len(), 0);

    // Another identity replaces it, and it can be taken out.
    setup(&["--account", "ada@contoso.example"]).says("from now on").says(&format!("helper was {helper}\n"));
    assert_eq!(configured(&world, &format!("credential.{url}.helper")).len(), 2);
    setup(&["--remove"]).says("no longer");
    setup(&["--remove"]).says("nothing had to be changed");
    assert_eq!(fs::read_to_string(world.home.path().join(".gitconfig")).unwrap(), "[user]\n\tname = Ada\n");
}

#[test]
fn setup_leaves_alone_what_is_not_its_own() {
    if absent("git") || git_is_old() {
        return;
    }
    let world = World::signed_in();
    let url = world.url("git/");
    let config =
        format!("[credential \"{url}\"]\n\thelper = mine\n\thelper = other\n[http \"{url}\"]\n\tsslCAInfo = /x\n");
    world.home.file(".gitconfig", &config);
    world.run(&["git", "setup", &url, "--remove"]).done().expect_code(0).says("nothing had to be changed");
    assert_eq!(fs::read_to_string(world.home.path().join(".gitconfig")).unwrap(), config);
    let done = world.run(&["git", "setup", &url]).done().expect_code(0);
    for value in ["mine", "other"] {
        assert!(done.stderr.contains(&format!("credential.{url}.helper was {value}\n")), "{}", done.stderr);
    }
    assert_eq!(done.stderr.matches(" was ").count(), 2, "only what was there: {}", done.stderr);
    let done = world.run(&["git", "setup", &url, "--remove"]).done().expect_code(0);
    assert!(done.text().ends_with(&format!("credential.{url}.helper\n")), "the helper last: {}", done.text());
    let left = fs::read_to_string(world.home.path().join(".gitconfig")).unwrap();
    assert_eq!(left, format!("[http \"{url}\"]\n\tsslCAInfo = /x\n"));
    world.run(&["git", "setup", &url, "--local"]).done().expect_code(15).says("git's configuration");
    for url in ["http://contoso.example/", "contoso.example", "https://h/?q", "https://me@h/"] {
        world.run(&["git", "setup", url]).done().expect_code(2);
    }
}

#[test]
fn an_old_git_is_told_what_to_do_instead() {
    let world = World::new();
    let script = world.home.file("bin/git", "#!/bin/sh\n[ \"$1\" = version ] && echo git version 2.39.5 || exit 99\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let run = world.run(&["git", "setup", &world.url("")]).var("PATH", script.parent().unwrap());
    run.done().fails(15, "git 2.39.5", "entrada exec URL -- git");
    let run = world.run(&["git", "setup", &world.url("")]).var("PATH", world.home.path().join("nowhere"));
    run.done().fails(15, "git cannot be run", "git 2.46");
}
