//! The application proxy's answers, with a token and without.

#![allow(clippy::unwrap_used)]

mod plain;

use base64::Engine;
use entrada_authority::{Answer, Audience, Condition, Endpoint, ProxyTable, Stage, decode_claims};
use plain::{code, exchange, get, get_with, redeem, refresh, text, tokens};
use serde_json::{Value, json};
use std::time::Duration;

fn retry(answer: &plain::Answer) -> Value {
    assert_eq!(answer.status, 302, "{}", answer.text());
    let state = answer.redirected("state").unwrap();
    let state = state.strip_prefix("AppProxyState:").unwrap().strip_suffix("#EndOfStateParam#").unwrap();
    serde_json::from_str::<Value>(state).unwrap()["InvalidTokenRetry"].clone()
}

#[test]
fn without_a_token_the_redirect_tells_tenant_and_app() {
    let stage = Stage::start().unwrap();
    let asked = format!("{}api/me?a=b", stage.external_url());
    let answer = get(&asked);
    let to = answer.header("location").unwrap();
    assert!(to.starts_with(&format!(
        "{}/oauth2/authorize?response_type=code&client_id={}&scope=openid&nonce=",
        stage.authority_url(),
        stage.proxy_app_id()
    )));
    assert!(to.contains("&state=AppProxyState%3A%7B%22InvalidTokenRetry%22%3Anull%2C%22IsMsofba%22%3Afalse%2C%22OriginalRawUrl%22%3A%22http%3A%5C%2F%5C%2F"), "{to}");
    assert!(to.contains("%7D%23EndOfStateParam%23&client-request-id="));
    assert_eq!(answer.redirected("redirect_uri").as_deref(), Some(stage.external_url()));
    let state = answer.redirected("state").unwrap();
    assert!(state.contains(&asked.replace('/', r"\/")), "{state}");
    assert!(retry(&answer).is_null());
    assert_eq!(answer.header("x-ms-proxy-app-id"), Some(stage.proxy_app_id()));
    assert_eq!(answer.header("x-ms-proxy-connector-id"), None);
    // Whoever follows it takes the sign-in page for an answer.
    let page = get(to);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("Sign in to your account"));

    for (headers, what) in
        [(vec![("authorization", "Basic eDp5")], "basic"), (vec![("proxy-authorization", "Bearer x")], "proxy")]
    {
        assert!(retry(&exchange("GET", &asked, &headers, b"").unwrap()).is_null(), "{what}");
    }
    assert!(retry(&exchange("OPTIONS", &asked, &[], b"").unwrap()).is_null());
    assert_eq!(get(&format!("{}robots.txt", stage.external_url())).text(), "User-agent: *\nDisallow: /\n");
}

#[test]
fn only_a_token_for_this_app_goes_through() {
    let stage = Stage::start().unwrap();
    let me = format!("{}api/me", stage.external_url());
    let with_scope = |scope: &str| {
        let tokens = redeem(&stage, &code(&stage, &[("scope", scope)]), &[]).json();
        text(&tokens, "access_token").to_owned()
    };
    let good = with_scope(&stage.scope());
    let answer = get_with(&me, &good);
    assert_eq!(answer.json()["name"], "Ada Lovelace");
    assert!(answer.header("x-ms-proxy-connector-id").is_some());
    assert_eq!(get_with(&me, &with_scope(&stage.app_id_scope())).status, 200);
    let slashless = with_scope(&stage.one_slash_scope());
    assert_eq!(retry(&get_with(&me, &slashless)), true);
    assert_eq!(retry(&get_with(&me, &with_scope(&stage.other_scope()))), true);
    assert_eq!(retry(&get_with(&me, &with_scope("User.Read"))), true);

    let claims = decode_claims(&good).unwrap();
    let altered = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        stage.sign(&claims)
    };
    assert_eq!(get_with(&me, &altered("name", "Ada".into())).status, 200);
    let now = stage.now();
    for (name, value) in [
        ("iss", json!("https://sts.windows.net/x/")),
        ("tid", json!(stage.guest_tenant_id())),
        ("aud", json!("https://h/")),
        ("exp", json!(now)),
        ("exp", Value::Null),
        ("nbf", json!(now + 60)),
        ("scp", json!("other")),
        ("scp", Value::Null),
    ] {
        assert_eq!(retry(&get_with(&me, &altered(name, value.clone()))), true, "{name} {value}");
    }
    // Other claims under a signature that was made for these.
    let other = altered("name", "Ada".into());
    let (signed, signature) = (other.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1);
    let forged = format!("{signed}.{signature}");
    assert_eq!(retry(&get_with(&me, &forged)), true);
    assert_eq!(retry(&get_with(&me, "nonsense")), true);
    assert!(stage.bearers_seen(Endpoint::App).iter().all(|t| decode_claims(t).unwrap()["tid"] == stage.tenant_id()));

    stage.change_proxy_table(|table| table.audiences.push(Audience::ExternalUrlWithoutSlash));
    assert_eq!(get_with(&me, &slashless).status, 200);
    stage.unassign("ada@contoso.example");
    let page = get_with(&me, &good);
    assert!(page.status == 403 && page.text().contains("This corporate app can&#39;t be accessed"));
    stage.all_clear();
    stage.advance(Duration::from_secs(4500));
    assert_eq!(retry(&get_with(&me, &good)), true, "expired by the stage's clock");
}

#[test]
fn the_app_is_reached_as_a_connector_reaches_it() {
    let stage = Stage::start().unwrap();
    let token = text(&tokens(&stage), "access_token").to_owned();
    let bearer = format!("Bearer {token}");
    let url = |path: &str| format!("{}{path}", stage.external_url());
    let body = vec![b'z'; 200_000];
    let echo =
        exchange("POST", &url("echo?q=1"), &[("authorization", &bearer), ("x-mine", "1")], &body).unwrap().json();
    assert_eq!(echo["body_length"], 200_000);
    assert_eq!(echo["body"], Value::Null);
    assert_eq!(echo["authorization"]["present"], true);
    assert_eq!(echo["query"], json!([["q", "1"]]));
    for (name, value) in
        [("x-forwarded-for", "127.0.0.1"), ("x-ms-proxy", "AzureAD-Application-Proxy"), ("x-mine", "1")]
    {
        assert_eq!(echo["headers"][name], value);
    }
    assert!(stage.internal_url().contains(text(&echo["headers"], "host")));
    assert_eq!(get_with(&url("bytes/300000"), &token).body.len(), 300_000);
    assert_eq!(
        exchange("PUT", &url("upload"), &[("authorization", &bearer)], &body).unwrap().json()["received"],
        200_000
    );
    assert_eq!(get_with(&url("status/418"), &token).status, 418);
    assert_eq!(
        get_with(&url("redirect?to=https://other.example/x"), &token).header("location"),
        Some("https://other.example/x")
    );
    assert_eq!(get_with(&url("slow/5"), &token).json()["slept_ms"], 5);
    assert!(get_with(&url(""), &token).text().contains("Hello, Ada Lovelace"));

    stage.change_proxy_table(|table| {
        table.forwards_bearer = false;
        table.user_header = Some("x-user".to_owned());
    });
    assert_eq!(get_with(&url("api/me"), &token).json()["from"], "header");
    let many: Vec<(String, String)> = (0..60).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(exchange("GET", &url(""), &many, b"").unwrap().status, 400);
}

#[test]
fn gateway_errors_maintenance_and_passthrough() {
    let stage = Stage::start().unwrap();
    let token = text(&tokens(&stage), "access_token").to_owned();
    let url = |path: &str| format!("{}{path}", stage.external_url());
    stage.back_end_away(true);
    let bad = get_with(&url(""), &token);
    assert_eq!((bad.status, bad.header("x-ms-proxy-error-details")), (502, Some("BackendServiceUnavailable")));
    assert!(bad.text().contains("Bad gateway"));
    stage.back_end_away(false);
    stage.change_proxy_table(|table| table.back_end_timeout_ms = 20);
    let late = get_with(&url("slow/5000"), &token);
    assert!(late.status == 504 && late.text().contains("Gateway timeout"));
    stage.maintenance(true);
    assert_eq!(get_with(&url(""), &token).status, 503);
    stage.maintenance(false);
    stage.change_proxy_table(|table| {
        table.set(Condition::NoToken, Answer::InvalidToken).hides_401 = true;
    });
    assert!(get(&url("")).header("www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(get_with(&url("status/401"), &token).status, 403);

    let open = Stage::builder().proxy_table(ProxyTable { passthrough: true, ..ProxyTable::default() }).start().unwrap();
    assert_eq!(get(&format!("{}api/me", open.external_url())).status, 401, "the app's own answer");
    assert_eq!(exchange("OPTIONS", &format!("{}echo", open.external_url()), &[], b"").unwrap().status, 200);
}

#[test]
fn claims_are_demanded_until_they_come() {
    let stage = Stage::start().unwrap();
    let signed_in = tokens(&stage);
    let demanded = json!({"access_token": {"nbf": {"essential": true, "value": "1604106651"}}});
    stage.demand_claims(demanded.clone());
    let challenge = get_with(stage.external_url(), text(&signed_in, "access_token"));
    assert_eq!(challenge.status, 401);
    let header = challenge.header("www-authenticate").unwrap();
    assert!(
        header.starts_with("Bearer realm=\"\", authorization_uri=\"")
            && header.contains("error=\"insufficient_claims\"")
    );
    let encoded = header.split("claims=\"").nth(1).unwrap().trim_end_matches('"');
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&decoded).unwrap(), demanded);

    let token = text(&signed_in, "refresh_token");
    let without = refresh(&stage, token, &stage.scope(), &[]).json();
    assert_eq!(get_with(stage.external_url(), text(&without, "access_token")).status, 401);
    let asked = demanded.to_string();
    let with = refresh(&stage, token, &stage.scope(), &[("claims", &asked)]).json();
    assert_eq!(get_with(stage.external_url(), text(&with, "access_token")).status, 200);

    stage.demand_claims_by_sign_in(json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}}));
    let asked = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":["cp1"]}}}"#;
    let refused = refresh(&stage, token, &stage.scope(), &[("claims", asked)]);
    assert_eq!((refused.aadsts(), &refused.json()["error"]), (50076, &"interaction_required".into()));
    let again = redeem(&stage, &code(&stage, &[("claims", asked)]), &[]).json();
    assert_eq!(get_with(stage.external_url(), text(&again, "access_token")).status, 200);
    assert_eq!(decode_claims(text(&again, "access_token")).unwrap()["xms_cc"], json!(["cp1"]));
    let later = refresh(&stage, text(&again, "refresh_token"), &stage.scope(), &[]).json();
    assert_eq!(get_with(stage.external_url(), text(&later, "access_token")).status, 200);
}

#[test]
fn an_app_may_be_published_under_a_path() {
    let stage = Stage::builder().external_path("/hr/").start().unwrap();
    let token = text(&tokens(&stage), "access_token").to_owned();
    assert!(decode_claims(&token).unwrap()["aud"].as_str().unwrap().ends_with("/hr/"));
    let me = format!("{}api/me", stage.external_url());
    assert_eq!(get_with(&me, &token).json()["name"], "Ada Lovelace");
    assert!(get(&me).redirected("state").unwrap().contains(&me.replace('/', r"\/")));
    assert_eq!(get_with(&me.replace("/hr/", "/"), &token).status, 404);
}
