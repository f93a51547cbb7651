//! Statuses that are no success, and trying again.

use std::time::{Duration, Instant};

use entrada_authority::Endpoint;

use crate::support::*;

#[test]
fn a_refusal_of_the_app_is_4_and_its_failure_5() {
    let world = World::signed_in();
    for (status, code) in [(400, 4), (401, 4), (403, 4), (404, 4), (418, 4), (429, 4), (500, 5), (503, 5), (599, 5)] {
        let done = world.get(&format!("status/{status}"), &[]).expect_code(code);
        assert!(done.stdout.is_empty(), "{}", done.text());
        assert!(done.stderr.contains(&format!("{status}")), "{}", done.stderr);
        assert!(done.stderr.contains(&format!("{{\"status\":{status}}}")), "an excerpt of the body: {}", done.stderr);
    }
    world.get("status/204", &[]).expect_code(0);
    for status in [400, 502] {
        let done = world.get(&format!("status/{status}"), &["--fail-with-body"]).expect_code(status / 100);
        assert_eq!(done.text(), format!("{{\"status\":{status}}}"));
    }
}

#[test]
fn an_excerpt_is_one_short_line_of_text() {
    let world = World::signed_in();
    let long = Plain::answering(|_, _| reply("500", "", &format!("bad\n\u{1b}[31mred {}", "x".repeat(5000))));
    let done = world.run(&["get", &long.url("/")]).done().expect_code(5);
    assert!(done.stderr.contains(": bad [31mred xxx") && !done.stderr.contains('\u{1b}'), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1);
    assert!(done.stderr.len() < 1200);

    let binary = Plain::answering(|_, _| b"HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\n\xff\xfe\0\x01".to_vec());
    let done = world.run(&["get", &binary.url("/")]).done().expect_code(5);
    assert!(!done.stderr.contains('\u{fffd}'), "{}", done.stderr);
}

#[test]
fn an_app_that_cannot_be_reached_by_the_proxy_is_told_as_such() {
    let world = World::signed_in();
    world.stage.back_end_away(true);
    world
        .get("api/me", &[])
        .expect_code(5)
        .says("This corporate app can't be accessed")
        .says("could not reach the app behind it")
        .says("checks the internal URL");
    world.stage.back_end_away(false);
    world.stage.maintenance(true);
    world.get("api/me", &[]).expect_code(5).says("Service unavailable");
    world.stage.maintenance(false);
    world.stage.unassign("ada@contoso.example");
    world.get("api/me", &[]).expect_code(13).says("403").says("Forbidden").says("assigns the user");
}

#[test]
fn a_passing_failure_is_tried_again_as_often_as_allowed() {
    let world = World::signed_in();
    for status in ["408", "429", "502", "503", "504"] {
        let app = Plain::answering(move |count, _| match count {
            0 | 1 => reply(status, "retry-after: 0\r\n", "busy"),
            _ => reply("200", "", "done"),
        });
        let run = world.run(&["post", &app.url("/"), "--retry", "2", "-d", "body"]);
        let done = run.done().expect_code(0).says("Try 1 of 3 failed").says("Try 2 of 3 failed");
        assert_eq!(done.text(), "done");
        let seen = app.seen();
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|seen| seen.body == b"body" && seen.header("authorization").is_some()));
    }
    let app = Plain::saying("503", "retry-after: 0\r\n", "busy");
    let done = world.run(&["get", &app.url("/"), "--retry", "2", "-q"]).done().expect_code(5);
    assert_eq!((app.seen().len(), done.stderr.lines().count()), (3, 1), "{}", done.stderr);
    for status in ["400", "500", "501"] {
        let app = Plain::answering(move |_, _| reply(status, "retry-after: 0\r\n", ""));
        world.run(&["get", &app.url("/"), "--retry", "2"]).done();
        assert_eq!(app.seen().len(), 1, "{status} does not pass");
    }
}

#[test]
fn a_body_that_is_gone_is_not_sent_again_as_nothing() {
    let world = World::signed_in();
    for args in [["-d", "@/dev/stdin"], ["--json", "@/dev/stdin"], ["-F", "f=@/dev/stdin"]] {
        let app = Plain::saying("503", "retry-after: 0\r\n", "busy");
        let run = world.run(&["post", &app.url("/"), "--retry", "3"]).args(&args).input("once");
        run.done().expect_code(5);
        assert_eq!(app.seen().len(), 1, "{args:?}");
    }
    let app = Plain::saying("503", "retry-after: 0\r\n", "busy");
    world.run(&["post", &app.url("/"), "--retry", "3", "-d", "@-"]).input("kept").done().expect_code(5);
    assert!(app.seen().len() == 4 && app.seen().iter().all(|seen| seen.body == b"kept"));
}

#[test]
fn the_app_says_how_long_to_wait() {
    let world = World::signed_in();
    let app = Plain::answering(|count, _| match count {
        0 => reply("503", "retry-after: 2\r\n", ""),
        _ => reply("200", "", ""),
    });
    let since = Instant::now();
    world.run(&["get", &app.url("/"), "--retry", "1"]).done().expect_code(0).says("next in 2 s");
    assert!(since.elapsed() >= Duration::from_secs(2));
}

#[test]
fn the_proxys_passing_faults_are_tried_again() {
    let world = World::signed_in();
    let soon = Some(entrada_authority::RetryAfter::Seconds(0));
    world.stage.faults().push(Endpoint::Proxy, entrada_authority::Fault::Status(503, soon));
    assert_eq!(world.get("api/me", &["--retry", "1"]).expect_code(0).json()["name"], "Ada Lovelace");
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn an_authority_that_asks_for_a_pause_gets_it() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    let soon = Some(entrada_authority::RetryAfter::Seconds(2));
    world.stage.faults().push(Endpoint::Token, entrada_authority::Fault::Status(429, soon));
    let done = world.get("api/me", &["--retry", "1"]).expect_code(0).says("next in 2 s");
    assert_eq!((done.json()["name"].as_str(), world.refreshes()), (Some("Ada Lovelace"), 2));
}

#[test]
fn a_sign_in_page_is_no_answer_and_windows_authentication_no_app_behind_the_proxy() {
    let world = World::signed_in();
    let page = Plain::saying("200", "content-type: text/html\r\nx-ms-ests-server: 2.1\r\n", "<h1>Sign in</h1>");
    let done = world.done(&["get", &page.url("/")]);
    assert_eq!(done.text(), "");
    done.fails(14, "is a sign-in page", "doctor");
    let inside = Plain::saying("401", "www-authenticate: Negotiate\r\nwww-authenticate: NTLM\r\n", "");
    world.done(&["get", &inside.url("/")]).fails(4, "asks for Negotiate, NTLM", "past the proxy");
}
