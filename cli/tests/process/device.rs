//! Signing in with a user code.

use std::time::Duration;

use entrada_authority::{Endpoint, Stage};

use crate::support::*;

fn world() -> World {
    World::with(Stage::builder().device_interval(Duration::from_secs(1)))
}

/// The code in the line that asks for it.
fn user_code(running: &Running) -> String {
    let line = running.line_with("enter the code ");
    line.split("enter the code ").nth(1).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn a_code_is_entered_elsewhere() {
    let world = world();
    let running = world.run(&["login", "--flow", "device"]).start();
    let code = user_code(&running);
    running.line_with("the code is good for 5 minutes");
    let visit = world.stage.visitor().enter_user_code(&code).unwrap();
    assert!(visit.page.contains("You have signed in"), "{}", visit.page);
    let done = running.done().expect_code(0).says("Signed in as ada@contoso.example.");
    assert!(done.stdout.is_empty());
    world.get("api/me", &[]).expect_code(0);
    world.home.tokens_end_in(-1);
    world.get("api/me", &[]).expect_code(0);
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn where_no_browser_can_be_opened_the_code_comes_by_itself() {
    let world = world();
    let running = world.run(&["login"]).start();
    world.stage.visitor().enter_user_code(&user_code(&running)).unwrap();
    running.done().expect_code(0);
    let running = world.run(&["login"]).var("DISPLAY", ":0").var("SSH_CONNECTION", "1 2 3 4").start();
    world.stage.visitor().enter_user_code(&user_code(&running)).unwrap();
    running.done().expect_code(0);
    assert_eq!(world.stage.requests_at(Endpoint::Authorize).len(), 0);
}

#[test]
fn the_user_says_no_there() {
    let world = world();
    let running = world.run(&["login", "--flow", "device"]).start();
    world.stage.visitor().declines().enter_user_code(&user_code(&running)).unwrap();
    running.done().expect_code(11).says("AADSTS65004");
    // Another flow would only ask again.
    let running = world.run(&["login"]).start();
    world.stage.visitor().declines().enter_user_code(&user_code(&running)).unwrap();
    let done = running.done().expect_code(11);
    assert!(!done.stderr.contains("Paste"), "{}", done.stderr);
}

#[test]
fn a_tenant_may_block_user_codes() {
    let world = world();
    world.stage.block_device_code(true);
    let running = world.run(&["login", "--flow", "device"]).start();
    world.stage.visitor().enter_user_code(&user_code(&running)).unwrap();
    running.done().fails(13, "AADSTS53003", "Conditional Access blocks sign-in by user code: sign in with the browser");

    // By itself the command goes on with what is left.
    let mut running = world.run(&["login"]).start();
    world.stage.visitor().enter_user_code(&user_code(&running)).unwrap();
    running.line_with("warning: no sign-in by user code");
    let visit = world.stage.visitor().keeps_delivery().visit(&running.sign_in_url()).unwrap();
    running.types(&visit.delivered.unwrap().url);
    running.done().expect_code(0).says("Signed in as ada@contoso.example.");
}

#[test]
fn other_policies_are_told_apart() {
    let world = world();
    let refused = || {
        let running = world.run(&["login", "--flow", "device"]).start();
        world.stage.visitor().enter_user_code(&user_code(&running)).unwrap();
        running.done()
    };
    world.stage.block("ada@contoso.example", true);
    refused().fails(13, "AADSTS53003", "Conditional Access");
    world.done(&["login", "--flow", "device", "--client-id", world.stage.web_client_id()]).fails(
        15,
        "AADSTS7000218",
        "allow public client flows",
    );
}

#[test]
fn a_code_that_nobody_enters_expires() {
    let world =
        World::with(Stage::builder().device_interval(Duration::from_secs(1)).device_lifetime(Duration::from_secs(2)));
    world.done(&["login", "--flow", "device"]).expect_code(12).says("the user code was not entered in time");
    let world = self::world();
    world.done(&["login", "--flow", "device", "--sign-in-timeout", "1"]).expect_code(12);
    assert!(!world.home.cache().exists());
}

#[test]
fn a_passing_trouble_of_the_authority_does_not_end_the_wait() {
    let world = world();
    let running = world.run(&["login", "--flow", "device"]).start();
    let code = user_code(&running);
    for fault in [entrada_authority::Fault::Status(503, None), entrada_authority::Fault::Cut] {
        world.stage.faults().push(Endpoint::Token, fault);
    }
    world.stage.visitor().enter_user_code(&code).unwrap();
    running.done().expect_code(0);
    assert_eq!(world.stage.faults().pending(), 0);
}
