//! No secret is said anywhere but where it was asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use entrada_authority::{Endpoint, Stage};

use crate::support::*;

/// What must never be seen: every token, code and verifier that went over the wire.
fn secrets(world: &World) -> Vec<String> {
    let mut secrets: Vec<String> = Vec::new();
    for issued in world.stage.issued() {
        secrets.push(issued.access_token);
        secrets.extend(issued.refresh_token);
        secrets.extend(issued.id_token);
    }
    for seen in world.stage.requests_at(Endpoint::Token) {
        for name in ["code", "code_verifier", "refresh_token", "device_code"] {
            secrets.extend(seen.parameter(name).map(str::to_owned));
        }
    }
    assert!(secrets.len() > 5);
    secrets
}

#[track_caller]
fn keeps_them(text: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(!text.contains(secret.as_str()), "{secret} in: {text}");
        // Nor the part of it that would be enough, such as a token without its signature.
        let part = &secret[..secret.len().min(40)];
        assert!(part.len() < 40 || !text.contains(part), "{part}... in: {text}");
    }
}

#[test]
fn the_most_talkative_run_says_no_secret() {
    let world = World::with(Stage::builder().device_interval(std::time::Duration::from_secs(1)));
    let mut said = String::new();
    let mut note = |done: Done| said.push_str(&format!("{}\n{}\n", done.stderr, done.text()));

    let running = world.run(&["login", "--flow", "browser", "--no-browser", "-vv"]).start();
    world.visit(&running.sign_in_url());
    note(running.done().expect_code(0));
    let running = world.run(&["login", "--flow", "device", "-vv"]).start();
    let line = running.line_with("enter the code ");
    let code = line.split("enter the code ").nth(1).unwrap().split(' ').next().unwrap();
    world.stage.visitor().enter_user_code(code).unwrap();
    note(running.done().expect_code(0));
    let mut running = world.run(&["login", "--flow", "paste", "-vv"]).start();
    let url = running.sign_in_url();
    let address = world.stage.visitor().keeps_delivery().visit(&url).unwrap().delivered.unwrap().url;
    running.types(&address);
    note(running.done().expect_code(0));

    let me = world.url("api/me");
    for args in [
        &["get", &me, "-vv"][..],
        &["get", &me, "-vv", "-i"],
        &["post", &world.url("echo"), "-d", "x", "-vv"],
        &["get", &world.url("status/500"), "-vv"],
        &["get", &me, "-vv", "--scope", &world.stage.one_slash_scope()],
        &["token", "--decode", "-vv"],
        &["accounts", "-vv"],
        &["accounts", "--output", "json", "-vv"],
        &["demo", "-vv"],
    ] {
        note(world.done(args));
    }
    world.home.tokens_end_in(-1);
    note(world.done(&["get", &me, "-vv"]).expect_code(0));
    world.stage.demand_claims(serde_json::json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    note(world.done(&["get", &me, "-vv"]).expect_code(0));
    world.stage.demand_no_claims();
    world.stage.revoke_refresh_tokens("ada@contoso.example", entrada_authority::Revocation::BadToken);
    note(world.done(&["token", "--refresh", "-vv"]).expect_code(10));
    for fault in [entrada_authority::Fault::WrongJson, entrada_authority::Fault::CutMidBody] {
        world.stage.faults().push(Endpoint::Token, fault);
        note(world.done(&["login", "--flow", "device", "-vv", "--sign-in-timeout", "1"]));
        world.stage.faults().clear();
    }
    note(world.done(&["logout", "--all", "-vv"]).expect_code(0));
    keeps_them(&said, &secrets(&world));
    assert!(!said.contains("eyJ"), "nor any other token, such as the demo's");
    assert!(said.contains("asked the authority"), "it was talkative: {said}");
}

#[test]
fn what_goes_wrong_with_a_token_does_not_show_it() {
    let world = World::signed_in();
    let mut cached = world.home.cached();
    for token in cached["AccessToken"].as_object_mut().unwrap().values_mut() {
        token["secret"] = "S3CRET\nX-Injected: 1".into();
    }
    fs::write(world.home.cache(), cached.to_string()).unwrap();
    let done = world.get("api/me", &["-vv"]);
    assert_ne!(done.code(), 0);
    assert!(!done.stderr.contains("S3CRET"), "{}", done.stderr);
    assert_eq!(world.stage.requests_at(Endpoint::Proxy).len(), 0);
}

#[test]
fn a_child_sees_the_url_and_no_secret() {
    let world = World::signed_in();
    let script = world.home.file(
        "browser",
        "#!/bin/sh\n{ printf '%s\\n' \"$@\"; env; tr '\\0' ' ' < /proc/$PPID/cmdline; ls -l /proc/$$/fd; } > \"$HOME/seen.new\" 2>&1\nmv \"$HOME/seen.new\" \"$HOME/seen\"\n",
    );
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let running = world.run(&["login", "--flow", "browser"]).var("BROWSER", &script).start();
    let url = running.sign_in_url();
    let seen = world.home.path().join("seen");
    until(|| seen.exists());
    world.visit(&url);
    running.done().expect_code(0);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.starts_with(&format!("{url}\n")), "{seen}");
    keeps_them(&seen, &secrets(&world));
    for number in [0, 1, 2] {
        let line = seen.lines().find(|line| line.contains(&format!(" {number} -> ")));
        assert!(line.is_some_and(|line| number > 0 || line.ends_with("/dev/null")), "{seen}");
    }
    assert!(!seen.contains("tokens.json"), "no file of ours is open there: {seen}");
}

#[test]
fn the_request_for_a_sign_in_has_what_it_needs_and_no_more() {
    let world = World::new();
    let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    let url = url::Url::parse(&running.sign_in_url()).unwrap();
    let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert!(names.iter().all(|name| name != "code_verifier" && name != "client_secret"), "{names:?}");
    world.visit(url.as_str());
    running.done().expect_code(0);
    let seen = &world.stage.requests_at(Endpoint::Token)[0];
    let verifier = seen.parameter("code_verifier").unwrap();
    assert!(!url.as_str().contains(verifier) && (43..=128).contains(&verifier.len()));
    assert!(seen.query.is_empty(), "nothing of it is in a URL: {:?}", seen.query);
}
