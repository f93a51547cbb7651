//! Twenty processes that find the same token expired.

use std::collections::HashSet;
use std::time::Duration;

use entrada_authority::{Endpoint, Fault};

use crate::support::*;

fn all_at_once(world: &World) -> Vec<Done> {
    let running: Vec<Running> = (0..20).map(|_| world.run(&["token"]).start()).collect();
    running.into_iter().map(Running::done).collect()
}

#[track_caller]
fn one_refresh_serves_all(world: &World) {
    let answers = all_at_once(world);
    for done in &answers {
        assert_eq!((done.code(), done.stderr.as_str()), (0, ""));
    }
    let tokens: HashSet<String> = answers.iter().map(|done| done.text().trim().to_owned()).collect();
    assert_eq!(world.refreshes(), 1);
    assert_eq!(tokens, HashSet::from([world.last_token()]));
    let beside = std::fs::read_dir(world.home.cache().parent().unwrap()).unwrap().flatten().count();
    assert_eq!(beside, 1, "no lockfile and no temporary file is left");
}

#[test]
fn one_refresh_serves_twenty_processes() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    one_refresh_serves_all(&world);
}

#[test]
fn and_with_a_slow_authority_too() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    world.stage.faults().push(Endpoint::Token, Fault::Slow(Duration::from_secs(1)));
    one_refresh_serves_all(&world);
}

#[test]
fn twenty_that_insist_on_a_refresh_are_content_with_each_others() {
    let world = World::signed_in();
    world.stage.faults().push(Endpoint::Token, Fault::Slow(Duration::from_millis(700)));
    let running: Vec<Running> = (0..20).map(|_| world.run(&["token", "--refresh"]).start()).collect();
    let answers: Vec<Done> = running.into_iter().map(Running::done).collect();
    assert!(answers.iter().all(|done| done.code() == 0));
    assert!((1..20).contains(&world.refreshes()), "{}", world.refreshes());
}

#[test]
fn one_that_is_killed_while_it_refreshes_holds_nobody_up() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    world.stage.faults().push(Endpoint::Token, Fault::Slow(Duration::from_secs(30)));
    let stuck = world.run(&["token"]).start();
    until(|| world.refreshes() == 1);
    stuck.kill();
    assert_eq!(world.done(&["token"]).expect_code(0).text().trim(), world.last_token());
    assert_eq!(world.refreshes(), 2);
}

#[test]
fn a_refused_refresh_is_refused_for_all_and_loses_nothing() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    world.stage.require_mfa("ada@contoso.example", true);
    let kept = world.home.refresh_token();
    for done in all_at_once(&world) {
        done.expect_code(10).says("AADSTS50076");
    }
    assert_eq!(world.home.refresh_token(), kept);
}

#[test]
fn sign_ins_at_the_same_time_lose_nobody() {
    let world = World::new();
    let users = ["ada@contoso.example", "bob@contoso.example"];
    let login = || world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    let running: Vec<(Running, &str)> = users.into_iter().cycle().take(8).map(|user| (login(), user)).collect();
    std::thread::scope(|scope| {
        for (running, user) in running {
            let (url, visitor) = (running.sign_in_url(), world.stage.visitor().user(user));
            scope.spawn(move || {
                visitor.visit(&url).unwrap();
                running.done().expect_code(0).says(user);
            });
        }
    });
    let json = world.done(&["accounts", "--output", "json"]).json();
    let names: Vec<&str> =
        json.as_array().unwrap().iter().map(|account| account["username"].as_str().unwrap()).collect();
    assert_eq!(names, users);
    for user in users {
        world.done(&["token", "--refresh", "--account", user]).expect_code(0);
    }
}
