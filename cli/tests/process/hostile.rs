//! Text from others: it can say what it likes, and moves no cursor.

use serde_json::json;

use crate::support::*;

const EVIL: &str = "\u{1b}[2J\u{1b}[31mevil\u{7}\u{202e}";

#[track_caller]
fn is_harmless(done: &Done) {
    let harmful = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!done.stderr.chars().any(harmful), "{:?}", done.stderr);
    assert!(!done.text().chars().any(harmful), "{:?}", done.text());
}

#[test]
fn an_authoritys_words_are_made_harmless() {
    let home = Home::with(&[("ENTRADA_CLIENT_ID", "c"), ("ENTRADA_SCOPE", "https://h//s")]);
    let word = |name: &str| {
        let mut error = json!({"error": "invalid_request", "error_description": "AADSTS1: no", "correlation_id": "id"});
        error[name] = EVIL.into();
        error.to_string()
    };
    for name in ["error", "error_description", "correlation_id", "suberror", "claims", "trace_id"] {
        let body = word(name);
        let authority = Plain::answering(move |_, _| reply("400", "content-type: application/json\r\n", &body));
        let run = || home.run(&["login", "--flow", "device", "--authority", &authority.url("/t")]);
        let done = run().done();
        assert_ne!(done.code(), 0);
        is_harmless(&done);
        let done = run().args(&["--json-errors"]).done();
        done.json_error();
        assert!(!done.stderr.trim_end().chars().any(char::is_control), "{:?}", done.stderr);
    }
    let kind = format!("content-type: {}\r\n", "text/\u{9b}x");
    let authority = Plain::answering(move |_, _| reply("200", &kind, "x"));
    is_harmless(&home.run(&["login", "--flow", "device", "--authority", &authority.url("/t")]).done());

    let code = json!({"device_code": "d", "user_code": EVIL, "verification_uri": EVIL, "message": EVIL, "expires_in": 1, "interval": 1});
    let code = code.to_string();
    let authority = Plain::answering(move |_, _| reply("200", "content-type: application/json\r\n", &code));
    is_harmless(&home.run(&["login", "--flow", "device", "--authority", &authority.url("/t")]).done());
}

#[test]
fn names_in_the_cache_are_made_harmless() {
    let world = World::signed_in();
    let text = world.home.cached().to_string();
    let evil = json!(EVIL).to_string();
    std::fs::write(world.home.cache(), text.replace("\"ada@contoso.example\"", &evil)).unwrap();
    is_harmless(&world.done(&["accounts"]).expect_code(0));
    world.done(&["token", "--output", "json"]).expect_code(0).json();
    let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    world.stage.visitor().user("bob@contoso.example").visit(&running.sign_in_url()).unwrap();
    running.done().expect_code(0);
    is_harmless(&world.done(&["token"]).expect_code(15));
    is_harmless(&world.done(&["logout"]).expect_code(15));
    is_harmless(&world.done(&["logout", "--all"]).expect_code(0));
}

#[test]
fn an_apps_words_are_made_harmless() {
    let world = World::signed_in();
    for (status, header) in [("302", "location: /\u{9b}31m\u{202e}\r\n"), ("500", "")] {
        let app = Plain::answering(move |_, _| reply(status, header, EVIL));
        for more in [&[][..], &["-L"], &["-v"], &["--json-errors"]] {
            is_harmless(&world.run(&["get", &app.url("/")]).args(more).done());
        }
    }
}

#[test]
fn numbers_at_the_edge_are_numbers() {
    let world = World::signed_in();
    let most = u64::MAX.to_string();
    world.home.tokens_end_in(200);
    world.done(&["token", "--min-ttl", &most]).expect_code(0);
    world.get("api/me", &["--timeout", &most]).expect_code(0);
    world.get("api/me", &["--retry", "4294967295"]).expect_code(0);
    let app = Plain::answering(|count, _| match count {
        0 => reply("503", "retry-after: 0\r\n", ""),
        _ => reply("200", "", ""),
    });
    world.done(&["get", &app.url("/"), "--retry", "4294967295"]).expect_code(0).says("Try 1 of 4294967296 failed");
    world.done(&["get", &app.url("/"), "--retry", "4294967296"]).expect_code(2);
    world.get("api/me", &["--timeout", "0"]).expect_code(7);
    let running = world.run(&["login", "--flow", "browser", "--no-browser", "--sign-in-timeout", &most]).start();
    world.visit(&running.sign_in_url());
    running.done().expect_code(0);
}
