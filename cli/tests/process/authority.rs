//! An authority that answers nonsense, or nothing: told clearly, and nothing is lost.

use std::time::Duration;

use entrada_authority::{Endpoint, Fault, RetryAfter};

use crate::support::*;

fn faults() -> Vec<(Fault, i32, &'static str)> {
    vec![
        (Fault::Html, 15, "\"text/html\" instead of JSON"),
        (Fault::WrongJson, 15, "access"),
        (Fault::Empty, 15, "answered with nothing"),
        (Fault::Oversized(3 << 20), 15, "the authority"),
        (Fault::Cut, 7, "cut the connection"),
        (Fault::CutMidBody, 7, "the authority"),
        (Fault::Status(429, Some(RetryAfter::Seconds(30))), 7, "AADSTS90033"),
        (Fault::Status(429, Some(RetryAfter::Date(30))), 7, "AADSTS90033"),
        (Fault::Status(500, None), 7, "AADSTS90033"),
        (Fault::Status(503, Some(RetryAfter::Seconds(1))), 7, "AADSTS90033"),
        (Fault::Status(400, None), 15, "AADSTS9002313"),
    ]
}

/// As many answers are spoilt as there could be tries.
fn spoil(world: &World, fault: &Fault) {
    world.stage.faults().clear();
    for _ in 0..5 {
        world.stage.faults().push(Endpoint::Token, fault.clone());
    }
}

#[test]
fn a_refresh_that_fails_is_told_and_the_refresh_token_is_kept() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    let before = world.home.tokens();
    for (fault, code, sentence) in faults() {
        world.home.refusals_end();
        spoil(&world, &fault);
        let done = world.get("api/me", &[]);
        assert_eq!(done.code(), code, "{fault:?}: {}", done.stderr);
        let done = done.says("error: ").says(sentence);
        assert!(done.stdout.is_empty() && done.stderr.lines().count() <= 2, "{}", done.stderr);
        assert_eq!(world.home.tokens(), before, "{fault:?}");
    }
    world.home.refusals_end();
    world.stage.faults().clear();
    world.get("api/me", &[]).expect_code(0);
}

#[test]
fn a_token_that_is_still_good_is_returned_where_its_renewal_fails_for_a_passing_reason() {
    let world = World::signed_in();
    let token = world.last_token();
    for (fault, code, _) in faults() {
        world.home.tokens_end_in(200);
        world.home.refusals_end();
        spoil(&world, &fault);
        let done = world.done(&["token"]);
        if code == 7 {
            assert_eq!((done.code(), done.text().trim()), (0, token.as_str()), "{fault:?}: {}", done.stderr);
            done.says("warning: the token is still good");
        } else {
            assert_ne!(done.code(), 0, "{fault:?}");
        }
    }
    let dead = World::signed_in();
    dead.home.tokens_end_in(200);
    let World { stage, home } = dead;
    drop(stage);
    home.run(&["token"]).done().expect_code(0).says("warning: ");
    for insisting in [&["--refresh"][..], &["--min-ttl", "250"]] {
        home.run(&["token"]).args(insisting).done().expect_code(7);
    }
}

#[test]
fn a_sign_in_whose_code_cannot_be_redeemed_is_told() {
    let world = World::signed_in();
    let before = std::fs::read(world.home.cache()).unwrap();
    for (fault, code, sentence) in faults() {
        spoil(&world, &fault);
        let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
        world.visit(&running.sign_in_url());
        let done = running.done();
        assert_eq!(done.code(), code, "{fault:?}: {}", done.stderr);
        done.says(sentence);
        assert_eq!(std::fs::read(world.home.cache()).unwrap(), before, "{fault:?}");
    }
}

#[test]
fn a_slow_authority_is_waited_for() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    world.stage.faults().push(Endpoint::Token, Fault::Slow(Duration::from_millis(500)));
    world.get("api/me", &[]).expect_code(0);
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn another_issuer_is_read_from_its_discovery_document() {
    let world = World::new();
    let issuer = world.stage.issuer();
    let run = |args: &[&str]| world.run(args).without_var("ENTRADA_AUTHORITY").var("ENTRADA_OIDC", &issuer);
    let running = run(&["login", "--flow", "browser", "--no-browser"]).start();
    world.visit(&running.sign_in_url());
    running.done().expect_code(0);
    assert_eq!(run(&["get", &world.url("api/me")]).done().expect_code(0).json()["name"], "Ada Lovelace");
    assert_eq!(
        world.stage.requests_at(Endpoint::Configuration).len(),
        1,
        "it is read for the sign-in, not for the cache"
    );
    let mut running = run(&["login", "--flow", "paste"]).start();
    let url = running.sign_in_url();
    assert!(url.contains("redirect_uri=http%3A%2F%2Flocalhost&"), "{url}");
    let delivery = world.stage.visitor().keeps_delivery().visit(&url).unwrap().delivered.unwrap();
    running.types(&delivery.url);
    running.done().expect_code(0);

    world.home.tokens_end_in(-1);
    for (fault, code) in [(Fault::Html, 15), (Fault::WrongJson, 15), (Fault::Status(503, None), 7), (Fault::Cut, 7)] {
        world.stage.faults().clear();
        for _ in 0..3 {
            world.stage.faults().push(Endpoint::Configuration, fault.clone());
        }
        let done = run(&["token"]).done();
        assert_eq!(done.code(), code, "{fault:?}: {}", done.stderr);
    }
    world.stage.faults().clear();
    let wrong = format!("{issuer}/");
    run(&["login", "--flow", "device"]).var("ENTRADA_OIDC", &wrong).done().expect_code(15);
}
