//! Signing in by pasting the redirect.

use crate::support::*;

fn start(world: &World) -> (Running, String) {
    let running = world.run(&["login", "--flow", "paste"]).start();
    let url = running.sign_in_url();
    running.line_with("Paste it here");
    (running, url)
}

/// The address at which the browser stops, and the code in it.
fn ended(world: &World, url: &str) -> (String, String) {
    let delivery = world.stage.visitor().keeps_delivery().visit(url).unwrap().delivered.unwrap();
    (delivery.url.clone(), delivery.get("code").unwrap().to_owned())
}

#[test]
fn the_whole_address_is_pasted() {
    let world = World::new();
    let (mut running, url) = start(&world);
    assert!(url.contains("nativeclient") && url.contains("response_mode=query"), "{url}");
    let (address, _) = ended(&world, &url);
    running.types(&address);
    let done = running.done().expect_code(0).says("Signed in as ada@contoso.example.");
    assert!(done.stdout.is_empty());
    world.get("api/me", &[]).expect_code(0);
}

#[test]
fn the_code_alone_will_do() {
    let world = World::new();
    let (mut running, url) = start(&world);
    running.types("");
    running.types(&ended(&world, &url).1);
    running.done().expect_code(0);
}

#[test]
fn what_is_of_no_use_is_explained_and_never_repeated() {
    let world = World::new();
    let (mut running, url) = start(&world);
    let (address, code) = ended(&world, &url);
    let state = address.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    for (line, sentence) in [
        (address.replace(&state, "another"), "belongs to another sign-in"),
        (address.split("state=").next().unwrap().trim_end_matches('&').to_owned(), "`state`"),
        ("https://evil.example/?code=1".to_owned(), "not the address"),
        (url.clone(), "address of the sign-in itself"),
        ("help".to_owned(), "neither the address nor a code"),
    ] {
        running.types(&line);
        running.line_with(sentence);
    }
    running.types(&address);
    let done = running.done().expect_code(0);
    assert!(!done.stderr.contains(&code), "{}", done.stderr);
}

#[test]
fn an_input_that_ends_gives_up() {
    let world = World::new();
    let done = world.done(&["login", "--flow", "paste"]).expect_code(11);
    assert!(done.stderr.contains("cancelled") || done.stderr.contains("the input ended"), "{}", done.stderr);
    let (running, _) = start(&world);
    running.done().expect_code(11);
}

#[test]
fn time_is_limited_here_too() {
    let world = World::new();
    let mut running = world.run(&["login", "--flow", "paste", "--sign-in-timeout", "1"]).start();
    running.types("help");
    running.line_with("did not come back in time");
    running.done().expect_code(12);
}

#[test]
fn a_refusal_is_pasted_as_well() {
    let world = World::new();
    let (mut running, url) = start(&world);
    let visit = world.stage.visitor().declines().keeps_delivery().visit(&url).unwrap();
    running.types(&visit.delivered.unwrap().url);
    running.done().fails(11, "AADSTS65004", "sign in again and accept");
}

#[test]
fn a_code_of_another_sign_in_is_refused_by_the_authority() {
    let world = World::new();
    let (_other, url) = start(&world);
    let (_, code) = ended(&world, &url);
    let (mut running, _) = start(&world);
    running.types(&code);
    running.done().expect_code(10).says("AADSTS501481");
}
