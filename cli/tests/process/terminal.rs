//! On a terminal: the user is asked, and has a say while the command waits.

#![cfg(target_os = "linux")]

use std::time::Duration;

use entrada_authority::{Endpoint, Fault, RetryAfter, Stage};

use crate::support::*;

/// The command on a terminal of its own, whose output is all on standard output; `None` where there is no `script`.
pub(crate) fn on_terminal(run: Run) -> Option<Running> {
    if absent("script") {
        return None;
    }
    let words = |own: &[std::path::PathBuf]| {
        let line: Vec<String> = own.iter().map(|word| format!("'{}'", word.display())).collect();
        ["-q", "-e", "-f", "-c", &line.join(" "), "/dev/null"].map(Into::into).to_vec()
    };
    Some(run.var("SHELL", "/bin/sh").within("script", words).heeding_signals().start_merged())
}

fn world() -> World {
    World::with(Stage::builder().device_interval(Duration::from_secs(1)))
}

fn get(world: &World, more: &[&str]) -> Option<Running> {
    on_terminal(world.run(&["get", &world.url("api/me")]).args(more))
}

#[test]
fn a_call_without_a_token_asks_and_goes_on() {
    let world = world();
    let Some(terminal) = get(&world, &["--flow", "browser", "--no-browser"]) else { return };
    terminal.line_with("Press d for a user code, p to paste the redirect, q to quit");
    terminal.line_with("Waiting up to 5 minutes");
    let url = terminal.line_with("/oauth2/v2.0/authorize?");
    world.visit(&url);
    let done = terminal.done();
    assert_eq!(done.code(), 0);
    assert!(done.stderr.contains("\"name\":\"Ada Lovelace\""), "{}", done.stderr);
}

#[test]
fn others_wait_for_a_sign_in_that_is_under_way_and_say_so() {
    let world = world();
    let call = || get(&world, &["--flow", "browser", "--no-browser"]);
    let Some(first) = call() else { return };
    let url = first.line_with("/oauth2/v2.0/authorize?");
    let others: Vec<Running> = (0..4).filter_map(|_| call()).collect();
    for other in &others {
        other.line_with("A sign-in of yours is under way already. Waiting up to 5 minutes");
    }
    world.visit(&url);
    for done in others.into_iter().chain([first]).map(Running::done) {
        assert!(done.code() == 0 && done.stderr.contains("Ada Lovelace"), "{}", done.stderr);
    }
    assert_eq!(world.stage.count(Endpoint::Token, "authorization_code"), 1);
}

#[test]
fn prose_is_broken_at_words() {
    let world = world();
    let Some(terminal) = on_terminal(world.run(&["demo", "--color", "never"])) else { return };
    let done = terminal.done();
    let lines: Vec<&str> = done.stderr.lines().map(|line| line.trim_end_matches('\r')).collect();
    assert!(lines.iter().all(|line| line.len() <= 80), "a terminal that does not tell has 80 columns: {lines:#?}");
    let refused = lines.iter().position(|line| line.starts_with("refused ")).unwrap();
    let more: Vec<&str> = lines[refused + 1..].iter().map_while(|line| line.strip_prefix(&" ".repeat(21))).collect();
    assert!(more.len() > 1 && more.iter().all(|line| !line.starts_with(' ')), "{lines:#?}");
}

#[test]
fn q_gives_up() {
    let world = world();
    let Some(mut terminal) = get(&world, &["--flow", "browser", "--no-browser"]) else { return };
    terminal.line_with("/oauth2/v2.0/authorize?");
    terminal.types("x");
    terminal.types("q");
    let done = terminal.done();
    assert_eq!(done.code(), 11);
    assert!(done.stderr.contains("cancelled"), "{}", done.stderr);
}

#[test]
fn a_sign_in_that_the_authority_is_too_busy_for_is_asked_for_once() {
    let busy = Fault::Status(503, Some(RetryAfter::Seconds(1)));
    // Once it is shown the code again; then that is the end, however many tries are allowed.
    for (faults, code, redeemed) in
        [(vec![busy.clone()], 0, 2), (vec![busy.clone(), busy], 7, 2), (vec![Fault::Cut], 7, 1)]
    {
        let world = world();
        faults.into_iter().for_each(|fault| world.stage.faults().push(Endpoint::Token, fault));
        let Some(terminal) = get(&world, &["--flow", "browser", "--no-browser", "--retry", "3"]) else { return };
        world.visit(&terminal.line_with("/oauth2/v2.0/authorize?"));
        let done = terminal.done();
        assert_eq!(done.code(), code, "{}", done.stderr);
        assert_eq!(done.stderr.matches("/oauth2/v2.0/authorize?").count(), 1, "{}", done.stderr);
        assert_eq!(world.stage.count(Endpoint::Token, "authorization_code"), redeemed);
    }
}

#[test]
fn ctrl_c_ends_it_at_once() {
    let world = world();
    let Some(mut terminal) = get(&world, &["--flow", "browser", "--no-browser"]) else { return };
    terminal.line_with("/oauth2/v2.0/authorize?");
    terminal.types("\u{3}");
    assert_eq!(terminal.done().code(), 130);
}

#[test]
fn d_takes_a_user_code_instead() {
    let world = world();
    let Some(mut terminal) = get(&world, &["--flow", "browser", "--no-browser"]) else { return };
    terminal.line_with("/oauth2/v2.0/authorize?");
    terminal.types("d");
    let line = terminal.line_with("enter the code ");
    let code = line.split("enter the code ").nth(1).unwrap().split(' ').next().unwrap();
    world.stage.visitor().enter_user_code(code).unwrap();
    assert_eq!(terminal.done().code(), 0);
}

#[test]
fn p_takes_the_pasted_redirect_instead() {
    let world = world();
    let Some(mut terminal) = get(&world, &["--flow", "browser", "--no-browser"]) else { return };
    let first = terminal.line_with("/oauth2/v2.0/authorize?");
    terminal.types("p");
    let second = terminal.line_with("nativeclient");
    assert_ne!(first, second);
    terminal.line_with("Paste it here");
    let delivery = world.stage.visitor().keeps_delivery().visit(&second).unwrap().delivered.unwrap();
    terminal.types(&delivery.url);
    assert_eq!(terminal.done().code(), 0);
}

#[test]
fn without_input_nobody_is_asked_on_a_terminal_either() {
    let world = world();
    let Some(terminal) = get(&world, &["--no-input"]) else { return };
    let done = terminal.done();
    assert_eq!(done.code(), 10);
    assert!(done.stderr.contains("run: entrada login"), "{}", done.stderr);
}

#[test]
fn claims_that_need_the_user_lead_to_one_sign_in_with_them_and_one_replay() {
    let world = world();
    world.sign_in();
    let demanded = serde_json::json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}});
    world.stage.demand_claims_by_sign_in(demanded);
    let Some(terminal) = get(&world, &["--flow", "browser", "--no-browser"]) else { return };
    let url = terminal.line_with("/oauth2/v2.0/authorize?");
    let parsed = url::Url::parse(&url).unwrap();
    let claims = parsed.query_pairs().find(|(name, _)| name == "claims").unwrap().1.into_owned();
    assert!(claims.contains("acrs"), "{claims}");
    world.visit(&url);
    let done = terminal.done();
    assert_eq!(done.code(), 0, "{}", done.stderr);
    assert!(done.stderr.contains("\"name\":\"Ada Lovelace\""), "{}", done.stderr);
    assert_eq!(world.stage.requests_at(entrada_authority::Endpoint::Proxy).len(), 2);
}

#[test]
fn errors_have_colours_there_unless_unwanted() {
    let home = Home::with(&[]);
    let Some(coloured) = on_terminal(home.run(&["token"])) else { return };
    assert!(coloured.done().stderr.contains("\u{1b}[1;31merror:"));
    let plain = on_terminal(home.run(&["token"]).var("NO_COLOR", "1")).unwrap().done();
    assert!(!plain.stderr.contains('\u{1b}'), "{}", plain.stderr);
}
