//! The stage under the names of the real world, and a stranger among them.

#![allow(clippy::unwrap_used)]

mod plain;
mod tunnel;

use entrada_authority::{Endpoint, NameAsked, Redirection, SignInMode, Stage, decode_claims};
use plain::{authorize_url, post_form, text};
use serde_json::{Map, json};
use tunnel::Tunnel;

#[test]
fn the_main_job_goes_through_the_tunnel_and_nowhere_else() {
    let stage = Stage::builder().public_names(true).external_path("/hr/").start().unwrap();
    assert_eq!(stage.instance_url(), "https://login.microsoftonline.com");
    assert_eq!(stage.external_url(), "https://hr-contoso.msappproxy.net/hr/");
    let tunnel = Tunnel::new(&stage);
    let me = format!("{}api/me", stage.external_url());
    let asked = tunnel.get(&me, &[]);
    let to = asked.header("location").unwrap();
    assert!(to.starts_with("https://login.microsoftonline.com/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01/oauth2/authorize?"));
    assert_eq!(asked.redirected("redirect_uri").as_deref(), Some(stage.external_url()));
    let silent = tunnel.get(&format!("{to}&prompt=none"), &[]);
    assert_eq!((silent.aadsts(), silent.redirected("error").as_deref()), (50058, Some("login_required")));

    let delivery = stage.visitor().keeps_delivery().visit(&authorize_url(&stage, &[])).unwrap().delivered.unwrap();
    let code = delivery.get("code").unwrap().to_owned();
    let token_url = format!("{}/oauth2/v2.0/token", stage.authority_url());
    let body = post_form(&[
        ("grant_type", "authorization_code"),
        ("client_id", stage.client_id()),
        ("code", &code),
        ("redirect_uri", plain::REDIRECT),
        ("code_verifier", plain::VERIFIER),
    ]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let tokens = tunnel.exchange("POST", &token_url, &form, body.as_bytes()).unwrap().json();
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    assert_eq!(tunnel.get(&me, &[("authorization", &bearer)]).json()["name"], "Ada Lovelace");

    assert_eq!(tunnel.refusal("example.org:443"), 502);
    assert_eq!(tunnel.refusal("login.microsoftonline.com:80"), 502);
    assert_eq!(tunnel.refusal("hr-contoso.msappproxy.net.evil.example:443"), 502);
    let names = stage.names_asked();
    let refused = NameAsked { method: "CONNECT".to_owned(), target: "example.org:443".to_owned(), known: false };
    assert!(names.contains(&refused), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.known).count(), 4);
    assert!(names.iter().filter(|n| n.known).all(|n| n.target.ends_with(".net:443") || n.target.ends_with(".com:443")));
}

#[test]
fn each_app_has_its_own_id_and_audience() {
    let stage = Stage::builder().public_names(true).admin_app(true).sign_in(SignInMode::Automatic).start().unwrap();
    let tunnel = Tunnel::new(&stage);
    let apps = [
        (stage.external_url(), stage.proxy_app_id()),
        (stage.admin_url().unwrap(), stage.admin_app_id()),
        (stage.payroll_url().unwrap(), stage.payroll_app_id()),
    ];
    assert_eq!(apps[1].0, "https://hr-contoso.msappproxy.net/admin/");
    assert_eq!(apps[2].0, "https://payroll-contoso.msappproxy.net/");
    for (url, id) in apps {
        let asked = tunnel.get(&format!("{url}api/me"), &[]);
        assert_eq!(asked.redirected("client_id").as_deref(), Some(id), "{url}");
        assert_eq!(asked.redirected("redirect_uri").as_deref(), Some(url));
        assert_eq!(asked.header("x-ms-proxy-app-id"), Some(id));
        let scope = format!("{url}/user_impersonation");
        let code = tunnel.get(&authorize_url(&stage, &[("scope", &scope)]), &[]).redirected("code").unwrap();
        let token_url = format!("{}/oauth2/v2.0/token", stage.authority_url());
        let body = post_form(&[
            ("grant_type", "authorization_code"),
            ("client_id", stage.client_id()),
            ("code", &code),
            ("redirect_uri", plain::REDIRECT),
            ("code_verifier", plain::VERIFIER),
        ]);
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let tokens = tunnel.exchange("POST", &token_url, &form, body.as_bytes()).unwrap().json();
        let token = text(&tokens, "access_token").to_owned();
        assert_eq!(decode_claims(&token).unwrap()["aud"], url);
        for (other, _) in apps {
            let answer = tunnel.get(&format!("{other}api/me"), &[("authorization", &format!("Bearer {token}"))]);
            assert_eq!(answer.status, if other == url { 200 } else { 302 }, "the token of {url} at {other}");
        }
    }
}

#[test]
fn the_edge_can_be_made_to_name_others() {
    let stage = Stage::start().unwrap();
    let asked = || plain::get(stage.external_url());
    stage.change_proxy_table(|table| {
        table.redirection = Redirection {
            instance: Some("https://login.microsoftonline.com.evil.example".to_owned()),
            tenant: Some(stage.guest_tenant_id().to_owned()),
            app_id: Some(stage.other_client_id().to_owned()),
            redirect_uri: Some("https://payroll-contoso.msappproxy.net/".to_owned()),
            state: Map::from_iter([("Later \"key\"".to_owned(), json!([1, {"a": null}]))]),
            parameters: vec![("x-later".to_owned(), "a&b".to_owned())],
        };
    });
    let answer = asked();
    let place = format!("https://login.microsoftonline.com.evil.example/{}/oauth2/authorize?", stage.guest_tenant_id());
    assert!(answer.header("location").unwrap().starts_with(&place));
    assert_eq!(answer.redirected("client_id").as_deref(), Some(stage.other_client_id()));
    assert_eq!(answer.redirected("redirect_uri").as_deref(), Some("https://payroll-contoso.msappproxy.net/"));
    assert_eq!(answer.redirected("x-later").as_deref(), Some("a&b"));
    let state = answer.redirected("state").unwrap();
    let state = state.strip_prefix("AppProxyState:").unwrap().strip_suffix("#EndOfStateParam#").unwrap();
    let state: serde_json::Value = serde_json::from_str(state).unwrap();
    assert_eq!(state["Later \"key\""], json!([1, {"a": null}]));
    assert_eq!(state["OriginalRawUrl"], stage.external_url());
}

#[test]
fn a_stranger_names_the_victims_tenant_and_app_and_itself() {
    let stage = Stage::builder().public_names(true).stranger(true).start().unwrap();
    let tunnel = Tunnel::new(&stage);
    let site = stage.stranger_url().unwrap();
    assert_eq!(site, "https://hr-contoso.evil.example/");
    let answer = tunnel.get(&format!("{site}api/me"), &[("authorization", "Bearer caught")]);
    let to = answer.header("location").unwrap();
    assert!(to.starts_with(&format!("{}/oauth2/authorize?", stage.authority_url())), "{to}");
    assert_eq!(answer.redirected("client_id").as_deref(), Some(stage.proxy_app_id()));
    assert_eq!(answer.redirected("redirect_uri").as_deref(), Some(site));
    assert_eq!(stage.bearers_seen(Endpoint::Stranger), ["caught"]);
    // The authority knows better whose reply URL that is.
    let silent = tunnel.get(&format!("{to}&prompt=none"), &[]);
    assert_eq!((silent.status, silent.aadsts(), silent.header("location")), (400, 50011, None));

    let plain_stage = Stage::builder().stranger(true).start().unwrap();
    let site = plain_stage.stranger_url().unwrap();
    assert_eq!(plain::get(site).redirected("redirect_uri").as_deref(), Some(site));
}

#[test]
fn other_names_can_be_had() {
    let stage = Stage::builder()
        .public_names(true)
        .login_host("login.microsoftonline.us")
        .external_host("hr.contoso.example")
        .lookalike_host("login.microsoftonline.com.evil.example")
        .start()
        .unwrap();
    let tunnel = Tunnel::new(&stage);
    assert!(stage.issuer().starts_with("https://login.microsoftonline.us/"));
    let asked = tunnel.get("https://hr.contoso.example/", &[]);
    assert!(asked.header("location").unwrap().starts_with("https://login.microsoftonline.us/"));
    let lookalike = "https://login.microsoftonline.com.evil.example/common/discovery/v2.0/keys";
    assert_eq!(tunnel.get(lookalike, &[]).status, 200);
    assert_eq!(stage.requests().last().unwrap().header("host"), Some("login.microsoftonline.com.evil.example"));
    let discovery =
        "https://login.microsoftonline.us/common/discovery/instance?api-version=1.1&authorization_endpoint=";
    let aliases = &tunnel.get(&format!("{discovery}{}", stage.authority_url()), &[]).json()["metadata"][0]["aliases"];
    assert_eq!(aliases[1], "login.usgovcloudapi.net");
    let wrong = tunnel.get(&format!("{discovery}https://login.microsoftonline.com.evil.example/common"), &[]);
    assert_eq!(wrong.aadsts(), 50049);
}
