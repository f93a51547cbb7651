//! `/token`: who gets tokens, what is in them, and how a refusal looks.

mod plain;

use entrada_authority::{Revocation, Stage, decode_claims};
use plain::{Changes, VERIFIER, authorize_url, code, exchange, get, post, redeem, refresh, text, token_url, tokens};
use std::time::Duration;

#[test]
fn a_code_is_redeemed_once_soon_and_by_whom_it_was_made_for() {
    let stage = Stage::start().unwrap();
    let fresh = || code(&stage, &[]);
    let wrong_verifier = VERIFIER.replace('d', "e");
    let two = format!("{} {}", stage.scope(), stage.other_scope());
    #[rustfmt::skip]
    let table: &[(Changes<'_>, u64, &str, u16)] = &[
        (&[("client_id", "-")], 900144, "invalid_request", 400),
        (&[("client_id", "00000000-0000-0000-0000-000000000000")], 700016, "unauthorized_client", 400),
        (&[("client_id", stage.web_client_id())], 7000218, "invalid_client", 401),
        (&[("client_id", stage.other_client_id())], 70000, "invalid_grant", 400),
        (&[("client_secret", "s3cret")], 700025, "invalid_client", 401),
        (&[("client_assertion", "a.b.c")], 700025, "invalid_client", 401),
        (&[("grant_type", "-")], 900144, "invalid_request", 400),
        (&[("grant_type", "password")], 70003, "unsupported_grant_type", 400),
        (&[("code", "-")], 900144, "invalid_request", 400),
        (&[("code", "nonsense")], 70000, "invalid_grant", 400),
        (&[("redirect_uri", "-")], 900144, "invalid_request", 400),
        (&[("redirect_uri", "http://localhost:50506")], 500112, "invalid_grant", 400),
        (&[("code_verifier", "-")], 900144, "invalid_request", 400),
        (&[("code_verifier", &wrong_verifier)], 501481, "invalid_grant", 400),
        (&[("code_verifier", "short")], 501481, "invalid_grant", 400),
        (&[("scope", &two)], 28000, "invalid_request", 400),
        (&[("resource", "x")], 901002, "invalid_request", 400),
        (&[("claims", "nonsense")], 50101, "invalid_request", 400),
    ];
    let one = fresh();
    for (changes, number, error, status) in table {
        let answer = redeem(&stage, &one, changes);
        assert_eq!((answer.aadsts(), answer.status), (*number, *status), "{changes:?}");
        assert_eq!(answer.json()["error"], *error, "{changes:?}");
    }
    assert_eq!(redeem(&stage, &one, &[]).status, 200, "no refusal uses the code up");
    assert_eq!(redeem(&stage, &one, &[]).aadsts(), 54005);
    let late = fresh();
    stage.advance(Duration::from_secs(600));
    assert_eq!(redeem(&stage, &late, &[]).aadsts(), 70008);
}

#[test]
fn an_error_has_entras_shape_and_the_callers_id() {
    let stage = Stage::start().unwrap();
    let id = "6f1c1d7e-0000-4000-8000-0123456789ab";
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("client-request-id", id),
        ("return-client-request-id", "true"),
    ];
    let body = format!("grant_type=refresh_token&client_id={}&refresh_token=x&scope=User.Read", stage.client_id());
    let answer = exchange("POST", &token_url(&stage), &headers, body.as_bytes()).unwrap();
    assert_eq!((answer.status, answer.header("client-request-id")), (400, Some(id)));
    assert_eq!(answer.header("cache-control"), Some("no-store, no-cache"));
    let error = answer.json();
    assert_eq!(error["correlation_id"], id);
    assert_eq!(error["error_codes"], serde_json::json!([70000]));
    assert_eq!(error["suberror"], "bad_token");
    let description = text(&error, "error_description");
    let tail = format!(
        " Trace ID: {} Correlation ID: {id} Timestamp: {}",
        text(&error, "trace_id"),
        text(&error, "timestamp")
    );
    assert!(description.starts_with("AADSTS70000: ") && description.ends_with(&tail), "{description}");
    assert!(text(&error, "error_uri").ends_with("/error?code=70000"));

    let json = exchange("POST", &token_url(&stage), &[("content-type", "application/json")], b"{}").unwrap();
    assert_eq!(json.aadsts(), 900144);
    assert_eq!(get(&token_url(&stage)).status, 405);
}

#[test]
fn scopes_decide_what_comes_back() {
    let stage = Stage::start().unwrap();
    let bare = redeem(&stage, &code(&stage, &[("scope", &stage.scope())]), &[]).json();
    for name in ["id_token", "refresh_token", "client_info", "foci", "refresh_in"] {
        assert!(bare.get(name).is_none(), "{name}");
    }
    assert_eq!(bare["token_type"], "Bearer");
    assert_eq!(bare["scope"], stage.scope());
    assert_eq!(bare["expires_in"], 4500);
    let all = redeem(&stage, &code(&stage, &[]), &[("client_info", "1")]).json();
    for name in ["id_token", "refresh_token", "client_info"] {
        assert!(all.get(name).is_some(), "{name}");
    }
    let id = decode_claims(text(&all, "id_token")).unwrap();
    assert_eq!((&id["nonce"], &id["aud"]), (&"n-1".into(), &stage.client_id().into()));
    assert_eq!(id["iss"], stage.issuer());
    assert_eq!(id["preferred_username"], "ada@contoso.example");
}

#[test]
fn the_audience_is_what_was_asked_for_slash_and_all() {
    let stage = Stage::start().unwrap();
    let root = stage.external_url();
    let v1 = |scope: &str| {
        let tokens = redeem(&stage, &code(&stage, &[("scope", scope)]), &[]).json();
        decode_claims(text(&tokens, "access_token")).unwrap()
    };
    let two = v1(&stage.scope());
    assert_eq!(two["aud"], root);
    assert_eq!(two["iss"], format!("https://sts.windows.net/{}/", stage.tenant_id()));
    assert_eq!(
        (&two["ver"], &two["appid"], &two["scp"]),
        (&"1.0".into(), &stage.client_id().into(), &"user_impersonation".into())
    );
    assert_eq!(v1(&stage.one_slash_scope())["aud"], root.trim_end_matches('/'));
    assert_eq!(v1(&stage.app_id_scope())["aud"], stage.proxy_app_id());
    assert_eq!(v1("User.Read")["aud"], "https://graph.microsoft.com");

    let v2 = Stage::builder().token_version(2).start().unwrap();
    let tokens = redeem(&v2, &code(&v2, &[]), &[]).json();
    let claims = decode_claims(text(&tokens, "access_token")).unwrap();
    assert_eq!((&claims["ver"], &claims["aud"]), (&"2.0".into(), &v2.proxy_app_id().into()));
    assert_eq!((&claims["iss"], &claims["azp"]), (&v2.issuer().into(), &v2.client_id().into()));
}

#[test]
fn a_refresh_token_lives_on_beside_its_successor() {
    let stage = Stage::start().unwrap();
    let first = tokens(&stage);
    let old = text(&first, "refresh_token");
    let second = refresh(&stage, old, &stage.scope(), &[]).json();
    let new = text(&second, "refresh_token");
    assert_ne!(old, new);
    assert_eq!(refresh(&stage, old, &stage.scope(), &[]).status, 200, "the old one stays valid");
    let theft = refresh(&stage, new, &stage.scope(), &[("client_id", stage.other_client_id())]);
    assert_eq!((theft.aadsts(), &theft.json()["error"]), (70000, &"invalid_grant".into()));
    assert_eq!(refresh(&stage, new, &stage.other_scope(), &[]).json()["suberror"], "consent_required");
    stage.grant_admin_consent();
    let other = refresh(&stage, new, &stage.other_scope(), &[]).json();
    assert_eq!(decode_claims(text(&other, "access_token")).unwrap()["ver"], "2.0");
    assert_eq!(refresh(&stage, new, &stage.scope(), &[("scope", "-")]).aadsts(), 900144);

    stage.advance(Duration::from_secs(89 * 86_400));
    assert_eq!(refresh(&stage, new, &stage.scope(), &[]).status, 200);
    stage.advance(Duration::from_secs(89 * 86_400));
    assert_eq!(refresh(&stage, new, &stage.scope(), &[]).status, 200, "used, so not inactive");
    assert_eq!(refresh(&stage, old, &stage.scope(), &[]).aadsts(), 700082);
    for (why, number) in
        [(Revocation::PasswordChanged, 50173), (Revocation::BadToken, 70000), (Revocation::SignInFrequency, 70043)]
    {
        stage.revoke_refresh_tokens("ada@contoso.example", why);
        let refused = refresh(&stage, new, &stage.scope(), &[]);
        assert_eq!((refused.aadsts(), &refused.json()["error"]), (number, &"invalid_grant".into()));
    }
    assert_eq!(stage.count(entrada_authority::Endpoint::Token, "authorization_code"), 1);
}

#[test]
fn policies_speak_to_a_refresh() {
    let stage = Stage::start().unwrap();
    let ada = "ada@contoso.example";
    let signed_in = tokens(&stage);
    let try_it = || {
        let answer = refresh(&stage, text(&signed_in, "refresh_token"), &stage.scope(), &[]);
        (answer.aadsts(), answer.json())
    };
    stage.require_mfa(ada, true);
    let (number, body) = try_it();
    assert_eq!((number, &body["error"]), (50076, &"interaction_required".into()));
    assert!(
        serde_json::from_str::<serde_json::Value>(text(&body, "claims")).unwrap()["access_token"]["polids"].is_object()
    );
    let visit =
        stage.visitor().keeps_delivery().visit(&authorize_url(&stage, &[("claims", text(&body, "claims"))])).unwrap();
    assert_eq!(visit.titles, ["Sign in", "Approve sign in request"]);
    let stronger = redeem(&stage, visit.delivered.unwrap().get("code").unwrap(), &[]).json();
    assert_eq!(decode_claims(text(&stronger, "access_token")).unwrap()["amr"], serde_json::json!(["pwd", "mfa"]));
    assert_eq!(refresh(&stage, text(&stronger, "refresh_token"), &stage.scope(), &[]).status, 200);
    stage.all_clear();

    stage.unassign(ada);
    let (number, body) = try_it();
    assert_eq!((number, &body["error"]), (50105, &"interaction_required".into()));
    stage.assign(ada);
    stage.block(ada, true);
    let (number, body) = try_it();
    assert_eq!((number, &body["suberror"]), (53003, &"message_only".into()));
    stage.block(ada, false);
    stage.withdraw_consent(ada);
    let (number, body) = try_it();
    assert_eq!((number, &body["suberror"]), (65001, &"consent_required".into()));
}

#[test]
fn long_lives_bring_a_refresh_in_and_normalised_scopes_lose_a_slash() {
    let stage =
        Stage::builder().access_token_lifetime(Duration::from_secs(86_400)).scope_normalised(true).start().unwrap();
    let answer = tokens(&stage);
    assert_eq!(answer["refresh_in"], 43_200);
    assert_eq!(answer["scope"], stage.one_slash_scope());
    assert_eq!(decode_claims(text(&answer, "access_token")).unwrap()["aud"], stage.external_url());
}

#[test]
fn documents_describe_the_authority() {
    let stage = Stage::start().unwrap();
    let at = |tenant: &str| get(&format!("{}/v2.0/.well-known/openid-configuration", stage.authority_of(tenant)));
    let document = at(stage.tenant_domain()).json();
    assert_eq!(document["issuer"], stage.issuer());
    assert_eq!(document["token_endpoint"], token_url(&stage));
    assert_eq!(at("common").json()["issuer"], format!("{}/{{tenantid}}/v2.0", stage.instance_url()));
    let nobody = at("nobody.example");
    assert_eq!((nobody.status, nobody.aadsts(), &nobody.json()["error"]), (400, 90002, &"invalid_tenant".into()));
    assert_eq!(get(text(&document, "jwks_uri")).json()["keys"][0]["alg"], "RS256");
    let instance = |of: &str| {
        get(&format!("{}/common/discovery/instance?api-version=1.1&authorization_endpoint={of}", stage.instance_url()))
    };
    let known = instance(&format!("{}/oauth2/v2.0/authorize", stage.authority_url())).json();
    assert!(known["metadata"][0]["aliases"].as_array().unwrap().len() == 2);
    let unknown = instance("https://login.evil.example/common/oauth2/v2.0/authorize");
    assert_eq!((unknown.aadsts(), &unknown.json()["error"]), (50049, &"invalid_instance".into()));
    assert_eq!(post(&format!("{}/oauth2/v2.0/token", stage.authority_of("nobody.example")), &[]).aadsts(), 90002);
}
