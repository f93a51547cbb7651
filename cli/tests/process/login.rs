//! Signing in with the browser.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use entrada_authority::Endpoint;
use url::Url;

use crate::support::*;

fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url).unwrap().query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[test]
fn the_browser_posts_the_answer_to_loopback() {
    let world = World::new();
    let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    running.line_with("Waiting up to 5 minutes for you to sign in");
    let url = running.sign_in_url();
    assert_eq!(parameter(&url, "response_mode").as_deref(), Some("form_post"));
    assert_eq!(parameter(&url, "code_challenge_method").as_deref(), Some("S256"));
    assert!(parameter(&url, "redirect_uri").unwrap().starts_with("http://localhost:"));
    let visit = world.visit(&url);
    let delivery = visit.delivered.unwrap();
    assert_eq!((delivery.method.as_str(), visit.status), ("POST", 200));
    assert!(delivery.get("code").is_some());
    let done = running.done().expect_code(0).says("Signed in as ada@contoso.example.");
    assert!(done.stdout.is_empty());
    assert_eq!(world.get("api/me", &[]).expect_code(0).json()["name"], "Ada Lovelace");
    assert_eq!(world.stage.count(Endpoint::Token, "authorization_code"), 1);
}

#[test]
fn tokens_are_for_the_user_alone() {
    let world = World::signed_in();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let cache = world.home.cache();
    assert_eq!((mode(&cache), mode(cache.parent().unwrap())), (0o600, 0o700));
    let entries: Vec<_> =
        fs::read_dir(cache.parent().unwrap()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(entries, ["tokens.json"], "no lockfile, no temporary file");
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o644)).unwrap();
    world.done(&["token"]).expect_code(0);
    assert_eq!(mode(&cache), 0o600);
}

#[test]
fn the_browser_of_the_environment_is_started_with_the_url_and_nothing_else() {
    let world = World::new();
    let script = world.home.file("browser", "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > \"$HOME/opened.new\"\nmv \"$HOME/opened.new\" \"$HOME/opened\"\nexec cat\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let opened = world.home.path().join("opened");
    for flow in ["browser", "auto"] {
        let _ = fs::remove_file(&opened);
        let running = world.run(&["login", "--flow", flow]).var("BROWSER", &script).start();
        let shown = running.sign_in_url();
        until(|| opened.exists());
        assert_eq!(fs::read_to_string(&opened).unwrap(), format!("1\n{shown}\n"));
        world.visit(&shown);
        running.done().expect_code(0);
    }
    let done =
        world.run(&["login", "--flow", "browser", "--sign-in-timeout", "1"]).var("BROWSER", "/nowhere/at/all").done();
    done.expect_code(12).says("No browser could be started").says("/oauth2/v2.0/authorize?");
}

#[test]
fn prompt_and_hint_are_handed_on() {
    let world = World::new();
    for prompt in ["select_account", "login", "consent"] {
        let args =
            ["login", "--flow", "browser", "--no-browser", "--prompt", prompt, "--login-hint", "bob@contoso.example"];
        let running = world.run(&args).start();
        let url = running.sign_in_url();
        assert_eq!(parameter(&url, "prompt").as_deref(), Some(prompt));
        assert_eq!(parameter(&url, "login_hint").as_deref(), Some("bob@contoso.example"));
        world.stage.visitor().user("bob@contoso.example").visit(&url).unwrap();
        running.done().expect_code(0).says("Signed in as bob@contoso.example.");
    }
    let running = world.run(&["login", "--flow", "browser", "--no-browser", "--prompt", "none"]).start();
    world.visit(&running.sign_in_url());
    running.done().fails(10, "AADSTS50058", "sign in");
    let running =
        world.run(&["login", "--flow", "browser", "--no-browser", "--account", "ada@contoso.example"]).start();
    let url = running.sign_in_url();
    assert_eq!(
        (parameter(&url, "prompt"), parameter(&url, "login_hint").as_deref()),
        (None, Some("ada@contoso.example"))
    );
    world.visit(&url);
    running.done().expect_code(0);
    world.done(&["login", "--prompt", "perhaps"]).expect_code(2);
}

#[test]
fn nobody_signs_in() {
    let world = World::new();
    let since = Instant::now();
    let done = world.done(&["login", "--flow", "browser", "--no-browser", "--sign-in-timeout", "1"]).expect_code(12);
    assert!(
        done.stderr.contains("Waiting up to 1 second") && done.stderr.contains("did not come back in time"),
        "{}",
        done.stderr
    );
    assert!(since.elapsed() < Duration::from_secs(10));
    assert!(!world.home.cache().exists());
}

#[test]
fn the_user_says_no() {
    let world = World::new();
    let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    let visit = world.stage.visitor().declines().visit(&running.sign_in_url()).unwrap();
    assert_eq!(visit.delivered.unwrap().get("error"), Some("access_denied"));
    running.done().fails(11, "AADSTS65004", "sign in again and accept");

    let running = world.run(&["login", "--flow", "browser", "--no-browser", "--json-errors"]).start();
    world.stage.visitor().cancels().visit(&running.sign_in_url()).unwrap();
    let done = running.done().expect_code(11);
    assert!(done.stderr.lines().last().unwrap().starts_with("{\"error\":{"), "{}", done.stderr);
}

#[test]
fn a_refusal_that_stays_on_the_page_ends_as_a_timeout_that_says_so() {
    let world = World::new();
    world.stage.unassign("ada@contoso.example");
    let running = world.run(&["login", "--flow", "browser", "--no-browser", "--sign-in-timeout", "2"]).start();
    let visit = world.visit(&running.sign_in_url());
    assert_eq!((visit.aadsts(), visit.delivered), (Some(50105), None));
    running.done().expect_code(12).says("if the browser shows an error page, it says why").says("missing assignment");

    world.stage.assign("ada@contoso.example");
    world.stage.require_admin_consent(true);
    let running = world.run(&["login", "--flow", "browser", "--no-browser", "--sign-in-timeout", "2"]).start();
    assert_eq!(world.visit(&running.sign_in_url()).aadsts(), Some(90094));
    running.done().expect_code(12);
}

#[test]
fn strangers_on_the_port_do_not_end_the_wait() {
    let world = World::new();
    let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    let url = running.sign_in_url();
    let listener = parameter(&url, "redirect_uri").unwrap();
    for path in ["/favicon.ico", "/?code=stolen&state=wrong", "/?error=access_denied&state=wrong", "/"] {
        // Whoever they are, the stage's visitor brings their request.
        let _ = world.stage.visitor().visit(&format!("{listener}{path}"));
    }
    world.visit(&url);
    running.done().expect_code(0);
}

#[test]
fn without_input_nobody_is_asked() {
    let world = World::new();
    world.done(&["login", "--no-input"]).fails(10, "without input", "--no-input");
    world.run(&["login"]).var("ENTRADA_NO_INPUT", "1").done().expect_code(10);
    assert_eq!(world.stage.requests().len(), 0);
}

#[test]
fn a_second_sign_in_renews_the_first_and_another_account_stands_beside_it() {
    let world = World::signed_in();
    let first = world.home.refresh_token();
    world.sign_in();
    assert_eq!(world.home.cached()["RefreshToken"].as_object().unwrap().len(), 1);
    assert_ne!(world.home.refresh_token(), first);

    let running = world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    world.stage.visitor().user("bob@contoso.example").visit(&running.sign_in_url()).unwrap();
    running.done().expect_code(0).says("bob@contoso.example");
    world.done(&["token"]).expect_code(15).says("several accounts are signed in").says("bob@contoso.example");
    let bob = world.done(&["token", "--account", "bob@contoso.example", "--decode"]).expect_code(0).json();
    assert_eq!(bob["upn"], "bob@contoso.example");
    world.run(&["token", "--decode"]).var("ENTRADA_ACCOUNT", "ada@contoso.example").done().expect_code(0).says("");
    world.done(&["token", "--account", "eve@fabrikam.example"]).expect_code(10);
}

#[test]
fn what_only_an_administrator_can_change_is_13() {
    let world = World::new();
    let ada = "ada@contoso.example";
    // One browser, in which she stays signed in, so that the authority can answer without a page.
    let visitor = world.stage.visitor();
    let login = |more: &[&str]| {
        let running = world.run(&["login", "--flow", "browser", "--no-browser"]).args(more).start();
        visitor.visit(&running.sign_in_url()).unwrap();
        running.done()
    };
    login(&[]).expect_code(0);
    login(&["--prompt", "none"]).expect_code(0);
    let before = fs::read(world.home.cache()).unwrap();
    let refused = |aadsts: u32, kind: &str, remedy: &str| {
        login(&["--prompt", "none"]).fails(13, &format!("AADSTS{aadsts}"), remedy);
        let done = login(&["--prompt", "none", "--json-errors"]).expect_code(13);
        let line: serde_json::Value = serde_json::from_str(done.stderr.lines().last().unwrap()).unwrap();
        let error = &line["error"];
        assert_eq!((&error["code"], &error["kind"], &error["aadsts"]), (&13.into(), &kind.into(), &aadsts.into()));
    };
    world.stage.withdraw_consent(ada);
    refused(65001, "consent_required", "grant the app's permission");
    world.stage.require_admin_consent(true);
    refused(90094, "admin_consent_required", "ask an administrator");
    world.stage.all_clear();
    world.stage.grant_admin_consent();
    world.stage.unassign(ada);
    refused(50105, "not_assigned", "assign the user to the app");
    world.stage.assign(ada);
    world.stage.block(ada, true);
    refused(53003, "blocked_by_policy", "Conditional Access");
    assert_eq!(fs::read(world.home.cache()).unwrap(), before);
}

#[test]
fn somebody_elses_sign_in_is_told() {
    let world = World::new();
    let running =
        world.run(&["login", "--flow", "browser", "--no-browser", "--account", "ada@contoso.example"]).start();
    world.stage.visitor().user("bob@contoso.example").visit(&running.sign_in_url()).unwrap();
    running.done().fails(15, "the sign-in was made as bob@contoso.example", "--prompt select_account");
    world.done(&["token", "--account", "ada@contoso.example"]).expect_code(10);
    world.done(&["token", "--account", "bob@contoso.example"]).expect_code(0);
}
