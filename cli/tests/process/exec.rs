//! `entrada exec`: a command that finds the app at a local URL.

use crate::support::*;

fn exec(world: &World, script: &str) -> Run {
    world.run(&["exec", &world.url("api/"), "--", "sh", "-c", script])
}

#[test]
fn the_command_finds_the_app_in_its_environment_and_its_exit_code_comes_back() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let done = exec(&world, r#"curl -sS "${ENTRADA_URL}me" "${ENTRADA_URL_1}me"; exit 7"#).done().expect_code(7);
    assert_eq!(done.text().matches("Ada Lovelace").count(), 2, "{}", done.text());
    assert!(done.stderr.is_empty(), "{}", done.stderr);
    exec(&world, "true").done().expect_code(0);
}

#[test]
fn nothing_secret_is_in_its_environment_or_in_any_arguments() {
    let world = World::signed_in();
    let done = exec(&world, "env; cat /proc/$$/cmdline /proc/$PPID/cmdline").done().expect_code(0);
    assert!(done.text().contains("ENTRADA_URL=http://127.0.0.1:"), "{}", done.text());
    assert!(!done.text().contains(&world.last_token()) && !done.text().contains(&world.home.refresh_token()));
}

#[test]
fn who_does_not_know_its_environment_is_not_let_in() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let status = |url: &str| format!("curl -sS -o /dev/null -w '%{{http_code}} ' \"{url}\"; ");
    let script = format!(
        r#"origin=${{ENTRADA_URL%/*/api/}}; echo "$origin" >&2; {}{}{}"#,
        status("$origin/api/me"),
        status("${origin}/00000000000000000000000000000000/api/me"),
        status("${ENTRADA_URL}me")
    );
    let done = exec(&world, &script).done().expect_code(0);
    assert_eq!(done.text(), "403 403 200 ", "{}", done.stderr);
    assert_eq!(done.stderr.trim().matches('/').count(), 2, "only the origin was cut out: {}", done.stderr);
}

#[test]
fn signals_end_the_command_and_it_says_how() {
    let world = World::signed_in();
    exec(&world, "kill -TERM $$").done().expect_code(143);
    exec(&world, "kill -KILL $$").done().expect_code(137);
    for (name, code) in [("TERM", 5), ("INT", 6)] {
        let script = "trap 'exit 5' TERM; trap 'exit 6' INT; echo ready >&2; while :; do sleep 0.05; done";
        let running = exec(&world, script).start();
        running.line_with("ready");
        running.signal(name);
        running.done().expect_code(code);
    }
}

#[test]
fn a_command_that_is_not_there_or_cannot_be_run_is_told_as_a_shell_does() {
    let world = World::signed_in();
    world.done(&["exec", &world.url(""), "--", "/no/such/command"]).expect_code(127).says("is not found");
    let file = world.home.file("plain", "no program");
    world.done(&["exec", &world.url(""), "--", file.to_str().unwrap()]).expect_code(126).says("cannot be run");
    world.done(&["exec", &world.url("")]).expect_code(2);
    world.done(&["exec", "--", "true"]).expect_code(2);
}

#[test]
fn without_a_sign_in_the_command_is_not_started() {
    let world = World::new();
    let done = exec(&world, "echo started").done().fails(10, "sign-in", "entrada login");
    assert_eq!(done.text(), "");
}
