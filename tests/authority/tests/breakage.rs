//! Each breakage, provoked by its name over HTTP.

#![allow(clippy::unwrap_used)]

mod plain;
mod tunnel;

use entrada_authority::{Breakage, Endpoint, Stage, Suggestion, decode_claims};
use plain::{Answer, authorize_url, get, get_with, post, redeem, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tunnel::Tunnel;

/// A stage broken in this way, and with what a client would see it.
fn broken(name: &str) -> (Stage, Suggestion) {
    let breakage = Breakage::named(name).unwrap();
    let stage = breakage.start(Stage::builder()).unwrap();
    let suggestion = breakage.suggestion(&stage);
    (stage, suggestion)
}

/// The browser flow with what is suggested: the tokens, or the AADSTS number and whether it reached the client.
fn sign_in(stage: &Stage, to: &Suggestion) -> Result<Value, (u64, Told)> {
    let scope = format!("{} openid profile offline_access", to.scope.as_deref().unwrap());
    let url = authorize_url(stage, &[("client_id", &to.client_id), ("scope", &scope)]);
    let url = url.replacen(&stage.authority_url(), &to.authority, 1);
    let visit = stage.visitor().user(&to.user.upn).keeps_delivery().visit(&url).unwrap();
    let Some(delivery) = visit.delivered else { return Err((visit.aadsts().unwrap().into(), Told::User)) };
    let Some(code) = delivery.get("code") else {
        let said = delivery.get("error_description").unwrap().strip_prefix("AADSTS").unwrap();
        return Err((said.split(':').next().unwrap().parse().unwrap(), Told::Client));
    };
    let answer = redeem(stage, code, &[("client_id", &to.client_id), ("scope", &scope)]);
    if answer.status == 200 { Ok(answer.json()) } else { Err((answer.aadsts(), Told::Client)) }
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Client,
    User,
}

/// What the proxy answers to the token that is got with what is suggested.
fn with_token(stage: &Stage, to: &Suggestion) -> Answer {
    let tokens = sign_in(stage, to).unwrap();
    get_with(&url_of(to), text(&tokens, "access_token"))
}

/// The URL of the suggested command.
fn url_of(to: &Suggestion) -> String {
    to.commands[0].strip_prefix("entrada get ").unwrap().to_owned()
}

/// `InvalidTokenRetry` of the redirect to sign-in.
fn retry(answer: &Answer) -> Value {
    assert_eq!(answer.status, 302, "{}", answer.text());
    let state = answer.redirected("state").unwrap();
    let state = state.strip_prefix("AppProxyState:").unwrap().strip_suffix("#EndOfStateParam#").unwrap();
    serde_json::from_str::<Value>(state).unwrap()["InvalidTokenRetry"].clone()
}

/// Status, word on the page, `x-ms-proxy-error-details`, and whether a connector was reached.
fn page(answer: &Answer) -> (u16, String, Option<&str>, bool) {
    assert!(answer.text().contains("This corporate app can&#39;t be accessed"), "{}", answer.text());
    let text = answer.text();
    let word = text.split_once("<dd id=\"status\">").unwrap().1.split('<').next().unwrap().to_owned();
    assert!(answer.header("x-ms-proxy-transaction-id").is_some());
    (answer.status, word, answer.header("x-ms-proxy-error-details"), answer.header("x-ms-proxy-connector-id").is_some())
}

#[test]
fn the_list_is_whole_and_in_order() {
    let all = Breakage::all();
    let rows: BTreeSet<u8> = all.iter().flat_map(|breakage| breakage.rows()).copied().collect();
    assert_eq!(rows, (1..=28).collect(), "every row of the table of field failures");
    let order: Vec<u8> = all.iter().map(|breakage| breakage.rows().first().copied().unwrap_or(u8::MAX)).collect();
    assert!(order.is_sorted());
    let names: BTreeSet<&str> = all.iter().map(|breakage| breakage.name()).collect();
    assert_eq!(names.len(), all.len(), "no name twice");
    for breakage in all {
        let name = breakage.name();
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
        assert!(breakage.like().ends_with('.') && !breakage.like().contains('\n'), "{name}");
        let stage = breakage.start(Stage::builder()).unwrap();
        let commands = breakage.suggestion(&stage).commands;
        assert!(!commands.is_empty() && commands.iter().all(|line| line.starts_with("entrada ")), "{name}");
    }
    assert!(Breakage::named("nonsense").is_none());
}

#[test]
fn nothing_is_broken_without_a_breakage() {
    let stage = Stage::start().unwrap();
    assert_eq!(with_token(&stage, &Suggestion::sound(&stage)).status, 200);
}

#[test]
fn a_sign_in_page_comes_where_a_redirect_was_followed() {
    let (stage, to) = broken("sign-in-page");
    let without = get(&url_of(&to));
    let with = with_token(&stage, &to);
    for answer in [without, with] {
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").unwrap().starts_with("text/html"));
        assert!(answer.header("x-ms-ests-server").is_some() && answer.header("x-ms-request-id").is_some());
        let cookies: Vec<&str> = answer.headers.iter().filter(|(k, _)| k == "set-cookie").map(|(_, v)| &**v).collect();
        for name in ["buid=", "esctx=", "fpc="] {
            assert!(cookies.iter().any(|cookie| cookie.starts_with(name)), "{name} in {cookies:?}");
        }
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("x-ms-proxy")), "{:?}", answer.headers);
    }
}

#[test]
fn a_token_for_another_audience_is_refused_as_if_there_were_none() {
    for (name, aud) in [("missing-slash", None), ("graph-audience", Some("https://graph.microsoft.com"))] {
        let (stage, to) = broken(name);
        let tokens = sign_in(&stage, &to).unwrap();
        let claims = decode_claims(text(&tokens, "access_token")).unwrap();
        assert_eq!(claims["aud"], aud.unwrap_or(stage.external_url().trim_end_matches('/')), "{name}");
        assert_eq!(retry(&get_with(&url_of(&to), text(&tokens, "access_token"))), true, "{name}");
        assert!(retry(&get(&url_of(&to))).is_null(), "{name}");
    }
    let (stage, mut to) = broken("which-scope");
    assert_eq!(to.scope, None);
    for (scope, status) in [(stage.app_id_scope(), 302), (stage.scope(), 200), (stage.one_slash_scope(), 302)] {
        to.scope = Some(scope);
        assert_eq!(with_token(&stage, &to).status, status, "{to:?}");
    }
}

#[test]
fn a_sign_in_ends_in_its_number_with_the_client_or_with_the_user() {
    for (name, number, told) in [
        ("wrong-scope-form", 500_011, Told::Client),
        ("nativeclient-only", 50_011, Told::User),
        ("web-platform", 7_000_218, Told::Client),
        ("managed-device", 53_000, Told::User),
        ("no-permission", 650_057, Told::Client),
        ("no-consent", 65_001, Told::Client),
        ("admin-consent", 90_094, Told::User),
        ("not-assigned", 50_105, Told::User),
        ("spa-platform", 9_002_327, Told::Client),
        ("wrong-tenant", 500_011, Told::Client),
        ("other-account", 50_020, Told::User),
    ] {
        let (stage, to) = broken(name);
        assert_eq!(sign_in(&stage, &to).unwrap_err(), (number, told), "{name}");
        assert_eq!(stage.issued().len(), 0, "{name}");
    }
}

#[test]
fn who_is_not_assigned_is_forbidden_at_the_proxy_too() {
    let stage = Stage::start().unwrap();
    let to = Suggestion::sound(&stage);
    let token = text(&sign_in(&stage, &to).unwrap(), "access_token").to_owned();
    Breakage::named("not-assigned").unwrap().apply(&stage);
    assert_eq!(page(&get_with(&url_of(&to), &token)), (403, "Forbidden".to_owned(), None, false));
    let (stage, to) = broken("not-licensed");
    assert_eq!(page(&with_token(&stage, &to)), (403, "Forbidden".to_owned(), None, false));
}

#[test]
fn the_device_code_flow_is_blocked_and_tells_what_else_is_wrong() {
    for (name, number) in [("device-code-blocked", 53_003), ("managed-device", 53_000), ("not-assigned", 50_105)] {
        let (stage, to) = broken(name);
        let device_url = format!("{}/oauth2/v2.0/devicecode", to.authority);
        let scope = to.scope.unwrap();
        let device = post(&device_url, &[("client_id", &to.client_id), ("scope", &scope)]).json();
        let visit = stage.visitor().enter_user_code(text(&device, "user_code")).unwrap();
        assert_eq!(visit.aadsts(), Some(number), "{name}");
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", to.client_id.as_str()),
            ("device_code", text(&device, "device_code")),
        ];
        assert_eq!(post(&format!("{}/oauth2/v2.0/token", to.authority), &form).aadsts(), u64::from(number), "{name}");
    }
    assert_eq!(broken("device-code-blocked").1.flow, Some("device"));
    let (stage, to) = broken("device-code-blocked");
    assert!(sign_in(&stage, &to).is_ok(), "the browser flow is not blocked");
}

#[test]
fn the_nativeclient_page_jumps_to_the_wrong_place() {
    let (stage, to) = broken("wrong-place");
    assert_eq!(to.flow, Some("paste"));
    let native_client = "https://login.microsoftonline.com/common/oauth2/nativeclient";
    let url = authorize_url(&stage, &[("redirect_uri", native_client)]);
    let delivery = stage.visitor().keeps_delivery().visit(&url).unwrap().delivered.unwrap();
    assert!(delivery.url.starts_with(native_client) && delivery.get("code").is_some());
    let page = get(&format!("{}/common/oauth2/nativeclient?code=x", stage.instance_url()));
    assert!(page.text().contains("phishing") && page.text().contains("'/common/wrongplace'"), "{}", page.text());
    assert_eq!(get(&format!("{}/common/wrongplace", stage.instance_url())).status, 200);

    let stage = Stage::builder().public_names(true).start().unwrap();
    let url = authorize_url(&stage, &[("redirect_uri", native_client)]);
    let visit = stage.visitor().visit(&url).unwrap();
    assert!(visit.delivered.unwrap().get("code").is_some() && visit.page.contains("phishing"));
}

#[test]
fn a_spa_has_a_token_only_across_origins_and_a_day_of_refreshes() {
    let (stage, to) = broken("spa-platform");
    let url = authorize_url(&stage, &[]);
    let delivery = stage.visitor().keeps_delivery().visit(&url).unwrap().delivered.unwrap();
    let token_url = format!("{}/oauth2/v2.0/token", to.authority);
    let exchange = |form: &[(&str, &str)]| {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "http://localhost:50505")];
        plain::exchange("POST", &token_url, &headers, plain::post_form(form).as_bytes()).unwrap()
    };
    let tokens = exchange(&[
        ("grant_type", "authorization_code"),
        ("client_id", &to.client_id),
        ("code", delivery.get("code").unwrap()),
        ("redirect_uri", plain::REDIRECT),
        ("code_verifier", plain::VERIFIER),
    ])
    .json();
    let refresh = |token: &str| {
        exchange(&[
            ("grant_type", "refresh_token"),
            ("client_id", &to.client_id),
            ("refresh_token", token),
            ("scope", &format!("{} offline_access", stage.scope())),
        ])
    };
    stage.advance(Duration::from_secs(86_300));
    let again = refresh(text(&tokens, "refresh_token"));
    assert_eq!(again.status, 200, "{}", again.text());
    stage.advance(Duration::from_secs(100));
    let end = refresh(text(&again.json(), "refresh_token"));
    assert_eq!((end.aadsts(), &end.json()["error"]), (700_084, &"invalid_grant".into()), "no use of it extends it");
}

#[test]
fn one_registration_for_both_is_refused_whatever_the_audience() {
    let (stage, mut to) = broken("single-registration");
    assert_eq!(to.client_id, stage.proxy_app_id());
    for scope in [stage.scope(), stage.app_id_scope()] {
        to.scope = Some(scope);
        let tokens = sign_in(&stage, &to).unwrap();
        assert_eq!(decode_claims(text(&tokens, "access_token")).unwrap()["appid"], stage.proxy_app_id());
        assert_eq!(retry(&get_with(&url_of(&to), text(&tokens, "access_token"))), true);
    }
    to.client_id = stage.client_id().to_owned();
    assert_eq!(with_token(&stage, &to).status, 200, "a registration of its own mends it");
}

#[test]
fn a_changed_password_ends_every_refresh() {
    let (stage, to) = broken("password-changed");
    for _ in 0..2 {
        let tokens = sign_in(&stage, &to).unwrap();
        let answer = plain::refresh(&stage, text(&tokens, "refresh_token"), &stage.scope(), &[]);
        assert_eq!((answer.aadsts(), &answer.json()["error"]), (50_173, &"invalid_grant".into()));
        assert_eq!(get_with(stage.external_url(), text(&tokens, "access_token")).status, 200, "until the token ends");
    }
}

#[test]
fn a_token_may_have_ended_and_a_clock_be_off() {
    let (stage, to) = broken("expired-token");
    let tokens = sign_in(&stage, &to).unwrap();
    assert_eq!(tokens["expires_in"], 4500);
    assert!(decode_claims(text(&tokens, "access_token")).unwrap()["exp"].as_u64().unwrap() <= stage.now());
    assert_eq!(retry(&get_with(&url_of(&to), text(&tokens, "access_token"))), true);

    let (stage, to) = broken("clock-skew");
    assert_eq!(stage.ahead(), Duration::from_secs(600));
    assert_eq!(with_token(&stage, &to).status, 200);
}

#[test]
fn the_edge_has_a_page_for_what_is_behind_it() {
    for (name, status, word, details, reached) in [
        ("back-end-forbids", 403, "Forbidden", None, true),
        ("no-connector", 504, "Gateway timeout", Some("EmptyConnectorGroup"), false),
        ("bad-gateway", 502, "Bad gateway", Some("BackendServiceUnavailable"), true),
        ("outside-path", 404, "Not found", None, false),
        ("maintenance", 503, "Service unavailable", Some("ApplicationInMaintenance"), false),
        ("connector-tls", 500, "InternalServerError: ConnectorError:Unauthorized", None, false),
    ] {
        let (stage, to) = broken(name);
        let answer = with_token(&stage, &to);
        assert_eq!(page(&answer), (status, word.to_owned(), details, reached), "{name}");
        if name != "outside-path" && name != "maintenance" {
            assert!(retry(&get(stage.external_url())).is_null(), "{name} shows behind the sign-in only");
        }
    }
}

#[test]
fn a_slow_app_ends_in_the_proxys_time() {
    let (stage, to) = broken("slow-back-end");
    let tokens = sign_in(&stage, &to).unwrap();
    let since = Instant::now();
    let answer = get_with(&url_of(&to), text(&tokens, "access_token"));
    assert!(since.elapsed() >= Duration::from_millis(300), "{:?}", since.elapsed());
    assert_eq!(page(&answer), (504, "Gateway timeout".to_owned(), Some("BackendTimeOut"), true));
    assert!(answer.text().contains("connector timed out"));
    let (stage, to) = broken("no-connector");
    assert!(!with_token(&stage, &to).text().contains("connector timed out"), "there is none");
}

#[test]
fn an_app_may_want_credentials_of_its_own() {
    let (stage, to) = broken("own-authorization");
    let answer = with_token(&stage, &to);
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Basic realm=\"Contoso HR\"")));
    assert!(answer.header("x-ms-proxy-connector-id").is_some(), "it is the app that answers, by way of the proxy");

    let (stage, to) = broken("bypassed");
    for answer in [get(&url_of(&to)), with_token(&stage, &to)] {
        let schemes: Vec<&str> =
            answer.headers.iter().filter(|(name, _)| name == "www-authenticate").map(|(_, value)| &**value).collect();
        assert_eq!((answer.status, &schemes[..]), (401, &["Negotiate", "NTLM"][..]));
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("x-ms-proxy")), "{:?}", answer.headers);
    }
}

#[test]
fn a_private_authority_is_not_the_public_one() {
    let breakage = Breakage::named("private-ca").unwrap();
    let stage = breakage.start(Stage::builder().public_names(true)).unwrap();
    let tunnel = Tunnel::new(&stage);
    let keys = format!("{}/discovery/v2.0/keys", stage.authority_url());
    assert_eq!(tunnel.get(&keys, &[]).status, 200);
    assert!(
        tunnel.distrust(stage.external_url()).contains("UnknownIssuer"),
        "{}",
        tunnel.distrust(stage.external_url())
    );
    let private = Tunnel::trusting(&stage, stage.private_ca_pem().unwrap());
    assert_eq!(private.get(stage.external_url(), &[]).status, 302);
    assert_eq!(stage.requests_at(Endpoint::Proxy).len(), 1);
}

#[test]
fn a_passthrough_app_wants_no_token_and_an_edited_one_takes_none() {
    let (stage, to) = broken("passthrough");
    assert_eq!(get(stage.external_url()).status, 200);
    let answer = get(&url_of(&to));
    assert_eq!((answer.status, answer.header("x-ms-proxy-connector-id").is_some()), (401, true), "the app's own");

    let (stage, to) = broken("edited-registration");
    assert_eq!(retry(&with_token(&stage, &to)), true);
    let mut bob = to.clone();
    bob.user = stage.bob().clone();
    assert_eq!(retry(&with_token(&stage, &bob)), true);
}

#[test]
fn claims_are_demanded_that_a_refresh_does_not_bring() {
    let (stage, to) = broken("claims-demanded");
    let tokens = sign_in(&stage, &to).unwrap();
    let answer = get_with(&url_of(&to), text(&tokens, "access_token"));
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").unwrap().contains("insufficient_claims"));
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let refreshed = plain::refresh(&stage, text(&tokens, "refresh_token"), &stage.scope(), &[("claims", claims)]);
    assert_eq!(refreshed.aadsts(), 50_076);
}
