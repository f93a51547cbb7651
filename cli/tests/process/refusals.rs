//! Bad input: the exit code, a sentence, a remedy, and nothing lost.

use std::fs;

use entrada_authority::{Fault, RetryAfter, Revocation};
use serde_json::{Value, json};

use crate::support::*;

const NOBODY: &str = "11111111-2222-3333-4444-555555555555";

#[test]
fn what_is_missing_is_named_with_the_three_ways_to_say_it() {
    let bare = Home::with(&[]);
    let token = |args: &[&str]| bare.run(&["token"]).args(args).done();
    token(&[]).fails(15, "no client id is given", "--client-id, ENTRADA_CLIENT_ID or client_id");
    token(&["--client-id", "c"]).fails(15, "no tenant is given", "--tenant, ENTRADA_TENANT or tenant");
    token(&["--client-id", "c", "--tenant", "t"]).fails(15, "no scope is given", "--scope");
    bare.run(&["get", "https://h/"]).done().expect_code(15);
    bare.run(&["login"]).done().expect_code(15);
    assert_eq!(fs::read_dir(bare.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn arguments_that_make_no_sense_are_usage() {
    let world = World::signed_in();
    for args in [
        &["get"][..],
        &["get", "hr.example/api"],
        &["get", "/api"],
        &["get", "http://hr.example/"],
        &["get", "https://me:word@hr.example/"],
        &["get", "ftp://hr.example/"],
        &["fetch", "https://h/"],
        &["token", "--tenant", "t", "--authority", "https://h/t"],
        &["token", "--authority", "https://h/t", "--oidc", "https://h"],
        &["get", "https://h/", "--timeout", "soon"],
        &["get", "https://h/", "--nonsense"],
        &["token", "-q", "-v"],
        &[],
    ] {
        let done = world.run(args).done().expect_code(2);
        assert!(done.stdout.is_empty() && !done.stderr.is_empty(), "{args:?}");
        assert!(!done.stderr.contains("word@"), "{}", done.stderr);
    }
    world.done(&["get", "hr.example/api"]).says("should begin with https://");
    world.done(&["get", "http://hr.example/"]).says("is not https");
    assert_eq!(world.stage.requests().len(), 0);
}

#[test]
fn identities_that_do_not_exist_are_configuration() {
    let world = World::with(entrada_authority::Stage::builder().device_interval(std::time::Duration::from_secs(1)));
    world.sign_in();
    let before = fs::read(world.home.cache()).unwrap();
    let slashed = format!("{}nope/user_impersonation", world.stage.external_url());
    let web = world.stage.web_client_id();
    let nowhere = world.stage.authority_of(NOBODY);
    for (args, sentence, remedy) in [
        (["--client-id", NOBODY], "AADSTS700016", "check the client id and the tenant"),
        (["--scope", &slashed], "AADSTS500011", "check the scope"),
        (["--authority", &nowhere], "AADSTS90002", "check the tenant"),
        (["--client-id", web], "AADSTS7000218", "public client"),
    ] {
        let login = world.run(&["login", "--flow", "device"]).args(&args).done();
        login.fails(15, sentence, remedy);
    }
    for (args, sentence) in [
        (["--authority", "http://login.example/t"], "is not https"),
        (["--authority", "login.example/t"], "is not a URL"),
        (["--authority", "https://login.example/"], "names no tenant"),
        (["--authority", "https://login.example/t/u"], "more than a tenant"),
        (["--authority", "https://me:word@login.example/t"], "no user"),
        (["--scope", ""], "scope"),
        (["--client-id", ""], "client id"),
    ] {
        for command in ["token", "login"] {
            let done = world.run(&[command]).args(&args).done().expect_code(15).says(sentence);
            assert!(!done.stderr.contains("word"), "{}", done.stderr);
        }
    }
    let run = world.run(&["token", "--tenant", "no tenant"]).without_var("ENTRADA_AUTHORITY");
    run.done().expect_code(15).says("is not a tenant").says("contoso.onmicrosoft.com");
    assert_eq!(fs::read(world.home.cache()).unwrap(), before);
}

#[test]
fn refusals_of_a_refresh_are_told_by_what_they_need() {
    let world = World::signed_in();
    world.home.tokens_end_in(-1);
    let ada = "ada@contoso.example";
    let token = || {
        world.home.refusals_end();
        world.done(&["token", "--no-input"])
    };
    let kept = world.home.refresh_token();
    world.stage.require_mfa(ada, true);
    token().fails(10, "AADSTS50076", "run: entrada login");
    world.stage.require_mfa(ada, false);
    world.stage.withdraw_consent(ada);
    token().fails(10, "AADSTS65001", "run: entrada login");
    world.stage.grant_admin_consent();
    world.stage.unassign(ada);
    token().expect_code(10).says("AADSTS50105");
    world.stage.assign(ada);
    world.stage.block(ada, true);
    token().expect_code(10).says("AADSTS53003");
    world.stage.block(ada, false);
    assert_eq!(world.home.refresh_token(), kept, "none of that is the refresh token's fault");
    token().expect_code(0);

    world.home.tokens_end_in(-1);
    world.stage.revoke_refresh_tokens(ada, Revocation::PasswordChanged);
    token().fails(10, "AADSTS50173", "run: entrada login");
    world.stage.revoke_refresh_tokens(ada, Revocation::BadToken);
    token().fails(10, "AADSTS70000", "run: entrada login");
    assert_eq!(world.home.cached()["RefreshToken"], json!({}), "worthless, and gone");
    token().expect_code(10);
}

#[test]
fn errors_are_one_line_of_json_on_request() {
    let world = World::signed_in();
    let (app, busy) = (Plain::saying("404", "", "gone"), Plain::saying("302", "location: /x\r\n", ""));
    let url = world.url("api/me");
    let slashed = format!("{}nope/user_impersonation", world.stage.external_url());
    let line = |args: &[&str], code: i32| -> Value {
        let done = world.run(args).args(&["--json-errors"]).done().expect_code(code);
        assert!(done.stdout.is_empty());
        let error = done.json_error();
        let keys: Vec<&String> = error.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["aadsts", "code", "correlation_id", "kind", "message", "remedy"]);
        assert_eq!(error["code"], code);
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty() && !text.contains("error:")), "{error}");
        error
    };
    for (args, code, kind) in [
        (&["get", &busy.url("/")][..], 3, "http_302"),
        (&["get", &app.url("/")], 4, "http_404"),
        (&["get", "hr.example"], 2, "usage"),
        (&["get", &url, "--nonsense"], 2, "usage"),
        (&["nonsense"], 2, "usage"),
        (&["get", "http://127.0.0.1:1/"], 7, "unreachable"),
        (&["token", "--client-id", NOBODY], 10, "sign_in_needed"),
        (&["logout", "--account", "nobody"], 15, "configuration"),
        (&["token", "--authority", "http://h.example/t"], 15, "configuration"),
        (&["token", "--profile", "nowhere"], 15, "configuration"),
        (&["login", "--no-input"], 10, "sign_in_needed"),
    ] {
        assert_eq!(line(args, code)["kind"], kind, "{args:?}");
    }
    let unknown = line(&["login", "--flow", "device", "--scope", &slashed], 15);
    assert_eq!((&unknown["aadsts"], &unknown["kind"]), (&json!(500011), &json!("resource_unknown")));
    assert!(unknown["remedy"].as_str().unwrap().contains("scope"));
    let correlation = unknown["correlation_id"].as_str().unwrap();
    assert!(
        world.stage.requests().iter().any(|seen| {
            seen.parameter("client-request-id").or(seen.header("client-request-id")) == Some(correlation)
        })
    );

    world.home.tokens_end_in(-1);
    let fault = |fault| {
        world.home.refusals_end();
        world.stage.faults().push(entrada_authority::Endpoint::Token, fault);
    };
    fault(Fault::Status(429, Some(RetryAfter::Seconds(30))));
    assert_eq!(line(&["token"], 7)["kind"], "temporarily_unavailable");
    fault(Fault::Html);
    assert_eq!(line(&["token"], 15)["kind"], "not_an_authority");
    fault(Fault::OAuthError {
        error: "invalid_grant".into(),
        suberror: Some("consent_required".into()),
        code: 65001,
        claims: None,
    });
    let consent = line(&["token"], 10);
    assert_eq!((&consent["kind"], &consent["aadsts"]), (&json!("sign_in_needed"), &json!(65001)));
}

#[test]
fn help_is_not_an_error() {
    let bare = Home::with(&[]);
    for args in [&["--help"][..], &["get", "--help"], &["--version"], &["help", "token"]] {
        let done = bare.run(args).done().expect_code(0);
        assert!(!done.stdout.is_empty() && done.stderr.is_empty());
    }
    bare.run(&["get", "--json-errors", "--help"]).done().expect_code(0);
}
