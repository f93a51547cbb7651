//! A stage that is well, and what is printed of it: as lines, as JSON, and never a token.

use std::fs;

use entrada_authority::Endpoint;

use super::*;

/// The checks, in the order of a request's way.
const NAMES: &str = "configuration store lock browser proxy name connection tls edge authority clock tenant published-app \
    client-id redirect-uri scope token audience permission token-tenant token-client token-age user app";

#[test]
fn on_a_stage_that_is_well_nothing_is_amiss() {
    let world = World::signed_in();
    let before = fs::read(world.home.cache()).unwrap();
    // As if a screen were here.
    let done = world.run(&["doctor", &world.url("api/me"), "--output", "json"]).var("BROWSER", "true").done();
    let report = done.expect_code(0).json();
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, NAMES.split_whitespace().collect::<Vec<_>>());
    assert_eq!(with_status(&report, "warn").len() + with_status(&report, "fail").len(), 0, "{report:#}");
    assert_eq!(with_status(&report, "skipped"), ["name", "tls"], "it is on loopback");
    let count = |status: &str| report["summary"][status].as_u64().unwrap();
    assert_eq!((count("ok"), count("warn"), count("fail"), count("skipped")), (22, 0, 0, 2));
    assert_eq!(report["url"], world.url("api/me"));

    assert_eq!(fs::read(world.home.cache()).unwrap(), before, "nothing was written");
    assert_eq!(world.refreshes(), 0);
    let at_proxy = world.stage.requests_at(Endpoint::Proxy);
    assert_eq!(at_proxy.iter().map(|seen| seen.bearer().is_some()).collect::<Vec<_>>(), [false, true]);
    for seen in world.stage.requests() {
        assert!(seen.endpoint == Endpoint::Proxy || seen.endpoint == Endpoint::App || seen.bearer().is_none());
    }
}

#[test]
fn under_the_names_of_the_real_world_nothing_has_to_be_named_but_the_client() {
    let stage = Stage::builder().public_names(true).start().unwrap();
    let home = Home::with(&[
        ("ENTRADA_CLIENT_ID", stage.client_id()),
        ("HTTPS_PROXY", stage.internet_proxy_url().unwrap()),
        ("BROWSER", "true"),
    ]);
    let ca = home.file("ca.pem", stage.ca_pem().unwrap());
    let world = World { stage, home };
    let run = |args: &[&str]| world.run(args).var("ENTRADA_CA", &ca);
    let (url, authority, scope) = (world.url("api/me"), world.stage.authority_url(), world.stage.app_id_scope());

    let report = run(&["doctor", &url, "--output", "json"]).done().expect_code(0).json();
    assert_eq!(with_status(&report, "fail"), [""; 0], "{report:#}");
    let finding = |report: &Value, name: &str| check(report, name)["finding"].as_str().unwrap().to_owned();
    assert!(finding(&report, "proxy").contains("is reached through 127.0.0.1:"), "{report:#}");
    assert!(finding(&report, "name").contains("HTTPS_PROXY"), "{report:#}");
    assert!(finding(&report, "tenant").contains(world.stage.tenant_id()), "{report:#}");
    assert_eq!(check(&report, "published-app")["status"], "ok");
    let suggested = format!("{}/.default", world.stage.proxy_app_id());
    assert!(finding(&report, "scope").contains(&suggested), "the authority has confirmed the app: {report:#}");
    assert_eq!(check(&report, "token")["status"], "warn", "nobody is signed in");

    let running =
        run(&["login", "--flow", "browser", "--no-browser", "--authority", &authority, "--scope", &scope]).start();
    world.visit(&running.sign_in_url());
    running.done().expect_code(0);
    let report = run(&["doctor", &url, "--output", "json"]).done().expect_code(0).json();
    assert_eq!(with_status(&report, "skipped"), ["name"], "{report:#}");
    assert_eq!(check(&report, "app")["status"], "ok");
    let known: Vec<_> = world.stage.names_asked().into_iter().filter(|asked| !asked.known).collect();
    assert_eq!(known, [], "nobody else was looked for");
}

#[test]
fn claims_that_a_refresh_brings_are_got_as_get_does() {
    let world = World::signed_in();
    world.stage.demand_claims(serde_json::json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    let report = world.done(&["doctor", &world.url("api/me"), "--output", "json"]).expect_code(0).json();
    assert!(check(&report, "app")["finding"].as_str().unwrap().contains("demanded claims"), "{report:#}");
    assert_eq!((world.refreshes(), with_status(&report, "fail").len()), (1, 0));
}

#[test]
fn the_call_that_asks_for_claims_is_told_with_its_flags() {
    let world = World::signed_in();
    world
        .stage
        .demand_claims_by_sign_in(serde_json::json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}}));
    let (url, client) = (world.url("api/me"), world.stage.client_id());
    let report = world.done(&["doctor", &url, "--client-id", client, "--output", "json"]).expect_code(10).json();
    let remedy = check(&report, "app")["remedy"].as_str().unwrap();
    assert!(remedy.ends_with(&format!("run: entrada get {url} --client-id {client}")), "{remedy}");
}

#[test]
fn a_host_that_looks_like_microsofts_is_in_no_command() {
    let stage = Stage::builder().start().unwrap();
    let home = Home::for_stage(&stage);
    let world = World { stage, home };
    let instance = "https://login.microsoftonline.com.evil.example".to_owned();
    world.stage.change_proxy_table(|table| table.redirection.instance = Some(instance));
    let report = world.done(&["doctor", &world.url("api/me"), "--output", "json"]).expect_code(15).json();
    let tenant = check(&report, "tenant");
    assert!(tenant["finding"].as_str().unwrap().contains("evil.example is no sign-in host of Microsoft's"), "{tenant}");
    assert!(!tenant["remedy"].as_str().unwrap().contains("evil"), "{tenant}");
    assert_eq!(check(&report, "app")["status"], "skipped");
}

#[test]
fn no_token_goes_to_a_site_that_pretends_to_be_the_app() {
    let stage = Stage::builder().stranger(true).start().unwrap();
    let home = Home::for_stage(&stage);
    let world = World { stage, home };
    world.sign_in();
    world.stage.change_proxy_table(|table| table.stranger.redirect_uri = Some("https://hr.example/".to_owned()));
    let url = world.stage.stranger_url().unwrap().to_owned();
    let report = world.run(&["doctor", &url, "--output", "json"]).done().expect_code(15).json();
    assert_eq!(check(&report, "tenant")["status"], "fail", "{report:#}");
    assert!(check(&report, "tenant")["finding"].as_str().unwrap().contains("another URL"), "{report:#}");
    assert_eq!(check(&report, "app")["status"], "skipped");
    let seen = world.stage.requests_at(Endpoint::Stranger);
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.bearer().is_none()));
}

#[test]
fn the_lines_have_a_mark_a_remedy_and_a_page() {
    let world = World::new();
    let bad = world.stage.one_slash_scope();
    let args = ["doctor", &world.url("api/me"), "--scope", &bad];
    let plain = world.done(&args).expect_code(0);
    assert!(plain.stderr.is_empty(), "{}", plain.stderr);
    let text = plain.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("ok    configuration: entrada "), "{text}");
    let at = lines.iter().position(|line| line.starts_with("warn  scope: ")).unwrap();
    assert!(lines[at + 1].starts_with("      help: ask for ") && lines[at + 1].contains("both slashes"), "{text}");
    assert_eq!(lines[at + 2], "      see: https://learn.microsoft.com/entra/identity-platform/scopes-oidc");
    assert!(lines.iter().any(|line| line.starts_with("-     name: ")), "{text}");
    assert!(lines.last().unwrap().starts_with("24 checks: ") && !text.contains('\u{1b}'), "{text}");

    let coloured = world.run(&args).args(&["--color", "always"]).done().text();
    assert!(coloured.contains("\u{1b}[32mok  \u{1b}[0m  configuration") && coloured.contains("\u{1b}[1;33mwarn"));
}

#[test]
fn what_is_said_of_a_token_is_not_the_token() {
    let world = World::signed_in();
    let url = world.url("api/me");
    let mut said = String::new();
    let mut note = |done: Done| said.push_str(&format!("{}\n{}\n", done.stderr, done.text()));
    note(world.done(&["doctor", &url, "-vv"]));
    note(world.done(&["doctor", &url, "--output", "json", "-vv"]));
    note(world.done(&["doctor", &url, "-vv", "--scope", &world.stage.one_slash_scope()]));
    world.home.tokens_end_in(-1);
    note(world.done(&["doctor", &url, "-vv"]).expect_code(0));
    assert!(world.refreshes() >= 2, "the old one was refreshed, as get does");
    for issued in world.stage.issued() {
        for secret in [Some(issued.access_token), issued.refresh_token, issued.id_token].into_iter().flatten() {
            assert!(!said.contains(&secret[..secret.len().min(40)]), "{said}");
        }
    }
    assert!(!said.contains("eyJ") && said.contains("SHA-256 ") && said.contains("uti "), "{said}");
}

#[test]
fn an_error_of_the_authoritys_is_explained_by_its_number_or_its_text() {
    let home = Home::with(&[]);
    let code = |code: &str| home.run(&["doctor", "--code", code]);
    for text in ["50011", "AADSTS50011", "aadsts50011", "Sorry. AADSTS50011: The redirect URI does not match. AADSTS1"]
    {
        let text = code(text).done().expect_code(0).text();
        assert!(
            text.starts_with("AADSTS50011: redirect_uri_not_registered (configuration)\n  help: add the"),
            "{text}"
        );
        assert!(text.contains("https://login.microsoftonline.com/error?code=50011"), "{text}");
    }
    assert!(code("1").done().expect_code(0).text().contains("AADSTS1: not known here"));
    let page = r#"{"sErrorCode":"65001"} AADSTS50105"#;
    let report = code("-").args(&["--output", "json"]).input(page).done().expect_code(0).json();
    let numbers: Vec<u64> = report["errors"].as_array().unwrap().iter().map(|e| e["code"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [50105, 65001]);
    code("nothing").done().fails(2, "no number of an error", "AADSTS50011");
    home.run(&["doctor", "https://h/", "--code", "1"]).done().expect_code(2);
}
