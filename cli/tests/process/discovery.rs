//! From a URL and a client id alone: whom to ask, and for which scope. The names are those of the real world, reached
//! through an HTTP proxy that knows no others, and nothing but these names is trusted.

use std::time::Duration;

use entrada_authority::{Audience, Endpoint, Fault, ProxyTable, Redirection, Stage, StageBuilder};
use serde_json::json;

use crate::support::*;

/// A user who knows the URL and the client id; an administrator has seen to the rest.
fn world_with(builder: StageBuilder) -> World {
    let stage = builder.public_names(true).start().unwrap();
    let home =
        Home::with(&[("HTTPS_PROXY", stage.internet_proxy_url().unwrap()), ("ENTRADA_CLIENT_ID", stage.client_id())]);
    let home = home.and("ENTRADA_CA", |home| home.file("ca.pem", stage.ca_pem().unwrap()).display().to_string());
    World { stage, home }
}

pub(crate) fn world() -> World {
    world_with(Stage::builder())
}

/// Signs in for a URL, at the page that the command shows.
pub(crate) fn login(world: &World, url: &str, more: &[&str]) -> Done {
    let running = world.run(&["login", url, "--flow", "browser", "--no-browser"]).args(more).start();
    let shown = running.sign_in_url();
    assert!(shown.starts_with(&format!("{}/oauth2/v2.0/authorize?", world.stage.authority_url())), "{shown}");
    world.visit(&shown);
    running.done()
}

/// The hosts that were asked for since the last look.
fn hosts(world: &World, seen: &mut usize) -> Vec<String> {
    let names = world.stage.names_asked();
    let new = names[*seen..].iter().map(|name| name.target.replace(":443", "")).collect();
    *seen = names.len();
    new
}

#[test]
#[cfg(target_os = "linux")]
fn a_url_and_a_client_id_are_enough() {
    let world = world();
    let (url, mut seen) = (world.url("api/me"), 0);
    let cold = world.run(&["get", &url, "--flow", "browser", "--no-browser"]);
    let Some(terminal) = crate::terminal::on_terminal(cold) else { return };
    world.visit(&terminal.line_with("/oauth2/v2.0/authorize?"));
    let done = terminal.done();
    assert!(done.code() == 0 && done.stderr.contains("\"name\":\"Ada Lovelace\""), "{}", done.stderr);
    hosts(&world, &mut seen);

    // The next time all is known: nobody is asked but the app.
    let done = world.done(&["get", &url]).expect_code(0);
    assert_eq!(done.json()["name"], "Ada Lovelace");
    assert_eq!(hosts(&world, &mut seen), ["hr-contoso.msappproxy.net"]);
    let other = world.url("another/page?x=1");
    world.done(&["token", &other]).expect_code(0);
    assert!(hosts(&world, &mut seen).is_empty(), "a token that is known needs no network");
    let noted = &world.home.cached()["Entrada"]["published"][world.stage.external_url()];
    assert_eq!(noted["scope"], format!("{}/.default", world.stage.proxy_app_id()));
}

#[test]
fn every_documented_form_of_the_scope_is_found() {
    std::thread::scope(|scope| {
        for (path, identifiers, audience, expected) in [
            ("/", &["{url}/", "api://{id}"][..], Audience::AppId, "{id}/.default"),
            ("/hr/", &["{url}/"], Audience::ExternalUrl, "{url}//user_impersonation"),
            ("/hr/", &["{url}"], Audience::ExternalUrlWithoutSlash, "{url}/user_impersonation"),
            ("/", &["api://{id}"], Audience::ApiUri, "api://{id}/user_impersonation"),
        ] {
            scope.spawn(move || {
                let table = ProxyTable { audiences: vec![audience], ..ProxyTable::default() };
                let builder = Stage::builder().external_path(path).identifiers(identifiers.iter().copied());
                let world = world_with(builder.proxy_table(table));
                let url = world.url("api/me");
                login(&world, &url, &[]).expect_code(0);
                assert_eq!(world.done(&["get", &url]).expect_code(0).json()["name"], "Ada Lovelace", "{expected}");
                let bare = world.stage.external_url().trim_end_matches('/');
                let expected = expected.replace("{url}", bare).replace("{id}", world.stage.proxy_app_id());
                assert_eq!(world.home.cached()["Entrada"]["published"][world.stage.external_url()]["scope"], expected);
                assert_eq!(
                    world.stage.count(Endpoint::Token, "authorization_code"),
                    1,
                    "one sign-in for all: {expected}"
                );
            });
        }
    });
}

#[test]
fn a_scope_that_was_named_is_the_only_one() {
    let world = world();
    let (url, one_slash) = (world.url("api/me"), world.stage.one_slash_scope());
    let done = login(&world, &url, &["--scope", &one_slash]);
    done.expect_code(0);
    let done = world.done(&["get", &url, "--scope", &one_slash]);
    done.fails(14, "refused the token", "with both slashes");
    assert!(world.home.cached().get("Entrada").and_then(|notes| notes.get("published")).is_none());
}

#[test]
fn what_was_learnt_for_a_scope_that_was_named_is_remembered_where_it_could_have_been_found() {
    let world = world();
    let (url, id) = (world.url("api/me"), world.stage.proxy_app_id().to_owned());
    let published = || world.home.cached()["Entrada"]["published"][world.stage.external_url()].clone();
    let mut seen = 0;
    for scope in [world.stage.scope(), format!("{id}/user_impersonation")] {
        login(&world, &url, &["--scope", &scope]).expect_code(0);
        assert_eq!(published()["scope"], scope);
        hosts(&world, &mut seen);
        world.done(&["get", &url, "--scope", &scope]).expect_code(0);
        assert_eq!(hosts(&world, &mut seen), ["hr-contoso.msappproxy.net"], "{scope}");
        world.done(&["token", &url, "--scope", &scope]).expect_code(0);
        assert!(hosts(&world, &mut seen).is_empty(), "{scope}");
        world.home.refusals_end();
    }
    // A call finds it out as well as a login does; of two, neither is the one to be remembered.
    world.done(&["get", &url, "--scope", &world.stage.scope(), "--scope", &world.stage.scope()]).expect_code(0);
    assert!(world.home.cached().get("Entrada").is_none_or(|notes| notes.get("published").is_none()));
    world.done(&["get", &url, "--scope", &world.stage.scope()]).expect_code(0);
    assert_eq!(published()["scope"], world.stage.scope());
}

#[test]
fn a_spoofed_redirect_is_refused_and_no_token_goes_out_on_its_word() {
    let builder = Stage::builder().lookalike_host("login.microsoftonline.com.evil.example");
    let world = world_with(builder);
    let url = world.url("api/me");
    login(&world, &url, &[]).expect_code(0);
    let tokens = world.stage.issued().len();
    let spoofed = |redirection: Redirection, more: &[&str]| {
        world.stage.change_proxy_table(|table| table.redirection = redirection);
        let other_cache = world.home.path().join("other.json").display().to_string();
        world.run(&["get", &url, "--cache", &other_cache]).args(more).done()
    };
    let instance = "https://login.microsoftonline.com.evil.example".to_owned();
    spoofed(Redirection { instance: Some(instance.clone()), ..Redirection::default() }, &[]).fails(
        15,
        "no sign-in host of Microsoft's",
        "name it yourself",
    );
    let guest = world.stage.guest_tenant_id().to_owned();
    spoofed(
        Redirection { tenant: Some(guest.clone()), ..Redirection::default() },
        &["--tenant", world.stage.tenant_id()],
    )
    .fails(15, &format!("at https://login.microsoftonline.com/{guest}, and not at"), "do not sign in");
    let payroll = world.stage.payroll_url().unwrap().to_owned();
    spoofed(Redirection { redirect_uri: Some(payroll), ..Redirection::default() }, &[]).fails(
        15,
        "for another URL than it was asked by",
        "external URL",
    );
    spoofed(Redirection { tenant: Some("common".into()), ..Redirection::default() }, &[]).fails(
        15,
        "without naming a tenant by its id",
        "name the app's tenant",
    );
    assert_eq!(world.stage.issued().len(), tokens, "nobody was asked for a token");
    let strangers = world.stage.names_asked().into_iter().filter(|name| name.target.contains("evil"));
    assert_eq!(strangers.count(), 0);
}

#[test]
fn a_stranger_that_names_anothers_app_gets_no_token_for_it() {
    let world = world_with(Stage::builder().stranger(true));
    login(&world, &world.url("api/me"), &[]).expect_code(0);
    world.done(&["get", &world.url("api/me")]).expect_code(0);
    let site = format!("{}api/me", world.stage.stranger_url().unwrap());
    // There is a token for the app that it names, and the user would not even be asked.
    let done = world.done(&["get", &site]);
    done.fails(15, "no scope was accepted", &format!("name it: {}/.default", world.stage.proxy_app_id()));
    assert_eq!(world.stage.bearers_seen(Endpoint::Stranger), Vec::<String>::new());
    let done = world.done(&["discover", &site]).expect_code(0).says("does not confirm that the app");
    assert_eq!(done.json()["confirmed"], false);
    assert!(!done.text().contains("/.default") && !done.text().contains("api://"), "{}", done.text());
}

#[test]
fn what_the_proxy_no_longer_accepts_is_learnt_anew() {
    let world = world();
    let url = world.url("echo");
    login(&world, &url, &[]).expect_code(0);
    world.stage.change_proxy_table(|table| table.audiences = vec![Audience::ExternalUrl]);
    world.done(&["post", &url, "-d", "the same body"]).expect_code(0);
    let scope = || world.home.cached()["Entrada"]["published"][world.stage.external_url()]["scope"].clone();
    assert_eq!(scope(), world.stage.scope());
    // A large file is not sent twice by itself; but the second time all is known.
    world.stage.change_proxy_table(|table| table.audiences = vec![Audience::AppId]);
    let large = format!("@{}", world.home.file("large", vec![b'x'; 2_000_000]).display());
    let post = || world.done(&["post", &url, "-d", &large, "-o", "answer"]);
    post().fails(14, "no longer accepts the scope", "send it again");
    post().expect_code(0);
    assert_eq!(scope(), format!("{}/.default", world.stage.proxy_app_id()));
}

#[test]
fn each_app_of_a_host_has_its_own() {
    let world = world_with(Stage::builder().admin_app(true));
    let (hr, admin) = (world.url("api/me"), format!("{}api/me", world.stage.admin_url().unwrap()));
    world.stage.grant_admin_consent();
    login(&world, &hr, &[]).expect_code(0);
    // What is known of the host's root does not do for the path with an app of its own; that is found out by itself.
    for url in [&admin, &hr, &admin] {
        world.done(&["get", url]).expect_code(0);
    }
    let noted = world.home.cached()["Entrada"]["published"].clone();
    assert_eq!(noted[world.stage.external_url()]["app_id"], world.stage.proxy_app_id());
    assert_eq!(noted[world.stage.admin_url().unwrap()]["app_id"], world.stage.admin_app_id());
    assert_eq!(world.stage.count(Endpoint::Token, "authorization_code"), 1);
}

#[test]
fn discover_tells_and_sends_no_token() {
    let world = world_with(Stage::builder().login_host("login.microsoftonline.us").external_host("hr.contoso.example"));
    let told = world.done(&["discover", &world.url("api/me")]).expect_code(0).json();
    assert_eq!(
        told,
        json!({
            "external_url": "https://hr.contoso.example/",
            "tenant": world.stage.tenant_id(),
            "authority": world.stage.authority_url(),
            "cloud": "usgov",
            "resource": world.stage.proxy_app_id(),
            "confirmed": true,
            "scopes": [
                format!("{}/.default", world.stage.proxy_app_id()),
                "https://hr.contoso.example//user_impersonation",
                "https://hr.contoso.example/user_impersonation",
                format!("api://{}/user_impersonation", world.stage.proxy_app_id()),
            ],
        })
    );
    assert!(world.stage.requests().iter().all(|request| request.bearer().is_none()));
    assert!(!world.home.cache().exists());
}

#[test]
fn where_a_sign_in_is_needed_the_command_is_told_as_it_was_begun() {
    let world = world();
    let (url, id) = (world.url("api/me"), world.stage.client_id());
    let done = world.run(&["get", &url, "--client-id", id]).without_var("ENTRADA_CLIENT_ID").done();
    done.fails(10, "a sign-in is needed", &format!("run: entrada login {url} --client-id {id}"));
    let done = world.run(&["get", &url]).without_var("ENTRADA_CLIENT_ID").done();
    done.fails(15, "no client id is given", "--client-id");
}

#[test]
fn who_is_signed_in_is_known_without_a_tenant() {
    let world = world();
    login(&world, &world.url("api/me"), &[]).expect_code(0);
    assert!(world.done(&["accounts"]).expect_code(0).text().contains("ada@contoso.example"));
    world.done(&["logout"]).expect_code(0).says("Signed out ada@contoso.example");
    assert_eq!(world.done(&["accounts"]).expect_code(0).text(), "");
}

#[test]
fn an_app_that_asks_for_no_token_is_told_as_that() {
    let table = ProxyTable { passthrough: true, ..ProxyTable::default() };
    let world = world_with(Stage::builder().proxy_table(table));
    world.done(&["get", &world.url("api/me")]).fails(15, "does not ask for a sign-in", "");
}

#[test]
fn what_the_authority_no_longer_knows_is_learnt_anew() {
    let world = world();
    let url = world.url("api/me");
    login(&world, &url, &[]).expect_code(0);
    let outdate = || {
        let mut cached = world.home.cached();
        cached["Entrada"]["published"][world.stage.external_url()]["scope"] = json!("api://gone/user_impersonation");
        std::fs::write(world.home.cache(), cached.to_string()).unwrap();
    };
    outdate();
    assert_eq!(world.done(&["get", &url]).expect_code(0).json()["name"], "Ada Lovelace");
    assert_ne!(
        world.home.cached()["Entrada"]["published"][world.stage.external_url()]["scope"],
        "api://gone/user_impersonation"
    );
    outdate();
    world.done(&["token", &url]).fails(15, "", &format!("run: entrada login {url}"));
    login(&world, &url, &[]).expect_code(0);
    world.done(&["token", &url]).expect_code(0);
}

#[test]
fn a_cloud_that_was_named_is_not_replaced() {
    let world = world();
    let url = world.url("api/me");
    let done = world.done(&["get", &url, "--cloud", "usgov"]);
    done.fails(15, "and not at https://login.microsoftonline.us", "do not sign in");
    login(&world, &url, &["--cloud", "public"]).expect_code(0);
    world.done(&["get", &url, "--cloud", "usgov"]).expect_code(15);
    world.done(&["get", &url]).expect_code(0);
}

#[test]
fn who_is_signed_in_is_known_in_whatever_cloud() {
    let world = world_with(Stage::builder().login_host("login.microsoftonline.us").external_host("hr.contoso.example"));
    login(&world, &world.url("api/me"), &[]).expect_code(0);
    assert!(world.done(&["accounts"]).expect_code(0).text().contains("ada@contoso.example"));
    assert_eq!(world.done(&["accounts", "--cloud", "public"]).expect_code(0).text(), "");
    world.done(&["logout", "--all"]).expect_code(0).says("Signed out ada@contoso.example");
    assert_eq!(world.done(&["accounts"]).expect_code(0).text(), "");
}

#[test]
fn a_second_user_signs_in_beside_the_first() {
    let world = world();
    let url = world.url("api/me");
    login(&world, &url, &[]).expect_code(0);
    world.stage.end_sessions();
    let running = world.run(&["login", &url, "--flow", "browser", "--no-browser"]).start();
    let bob = world.stage.bob();
    world.stage.visitor().user(&bob.upn).password(&bob.password).visit(&running.sign_in_url()).unwrap();
    running.done().expect_code(0).says("Signed in as bob@contoso.example");
    let done = world.done(&["get", &url, "--account", &bob.upn]).expect_code(0);
    assert_eq!(done.json()["upn"], bob.upn);
}

#[test]
fn what_fails_while_an_app_is_found_out_about_is_tried_again_as_often_as_allowed() {
    let world = world();
    let url = world.url("api/me");
    let get = |faults: &[Fault], retry: &str| {
        for fault in faults {
            world.stage.faults().push(Endpoint::Proxy, fault.clone());
        }
        world.done(&["get", &url, "--retry", retry])
    };
    // A cut alone is sent once more by the transport.
    let away = [Fault::Cut, Fault::Cut];
    for (faults, code) in [(&away[..], 7), (&[Fault::Status(503, None)], 5)] {
        get(faults, "0").expect_code(code);
        get(faults, "1").expect_code(10).says("Try 1 of 2 failed");
    }
    let named = Some(entrada_authority::RetryAfter::Seconds(2));
    get(&[Fault::Status(503, named)], "1").expect_code(10).says("next in 2 s");
    login(&world, &url, &[]).expect_code(0);
    // Nothing is known of the app, so that it is asked without a token, then with one, and then for the page.
    for number in 1..=2 {
        world.home.refusals_end();
        let well = vec![Fault::Slow(Duration::ZERO); number];
        let done = get(&[&well[..], &away].concat(), "1").expect_code(0);
        assert_eq!(done.json()["name"], "Ada Lovelace");
        done.says("Try 1 of 2 failed");
    }
    assert_eq!(world.stage.faults().pending(), 0);
}
