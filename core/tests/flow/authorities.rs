//! Authorities that are no Entra tenants: AD FS, B2C, External ID, and hosts that only an embedder knows.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrada_core::{App, Authority, Error, Flow, Prompt, UiReason};
use serde_json::{Value, json};

use crate::support::*;

const ADFS: &str = "https://fs.contoso.com/adfs";
const B2C: &str = "https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_SignIn";

fn at(url: &str) -> App {
    App::new(CLIENT, Authority::entra(url).unwrap()).unwrap()
}

/// What B2C grants to Ada through a policy; its id tokens tell no tenant.
fn b2c_grant(access_token: &str, policy: &str) -> Grant {
    let info = json!({ "uid": format!("ada-0001-{policy}"), "utid": TENANT }).to_string();
    Grant::of(access_token)
        .refresh(&format!("refresh-of-{policy}"))
        .with("client_info", URL_SAFE_NO_PAD.encode(info))
        .claim("aud", CLIENT)
        .claim("iss", format!("https://contoso.b2clogin.com/{TENANT}/v2.0/"))
        .claim("sub", "ada-0001")
        .claim("name", "Ada")
}

fn shown(world: &World) -> url::Url {
    let Some(Prompt::SignIn { url, .. }) = world.prompts.last() else { panic!("{:?}", world.prompts) };
    url::Url::parse(url).unwrap()
}

fn only<'a>(cached: &'a Value, section: &str) -> (&'a str, &'a Value) {
    let entries = cached[section].as_object().unwrap();
    assert_eq!(entries.len(), 1, "{section}: {entries:?}");
    let (key, entry) = entries.iter().next().unwrap();
    (key, entry)
}

#[test]
fn at_adfs_the_user_is_the_subject_and_the_realm_is_adfs() {
    let app = at(ADFS);
    let mut world = World::new();
    let grant = Grant::of("access-1").refresh("refresh-1").claim("aud", CLIENT).claim("sub", "Subject-1");
    world.answers(grant.claim("iss", ADFS).claim("upn", "ada@contoso.com").claim("unique_name", "CONTOSO\\ada"));
    let account = token(world.interactive(&app, &request(), &sign_in())).account.unwrap();
    assert_eq!((account.home_account_id.as_str(), account.username.as_str()), ("Subject-1", "ada@contoso.com"));

    let page = shown(&world);
    assert_eq!((page.host_str(), page.path()), (Some("fs.contoso.com"), "/adfs/oauth2/authorize"));
    assert!(page.query_pairs().all(|(name, _)| name != "client_info"));
    assert_eq!(world.calls[0].url, "https://fs.contoso.com/adfs/oauth2/token");
    assert_eq!(world.calls[0].field("client_info"), "");

    let cached = world.cached();
    for section in ["AccessToken", "IdToken", "Account"] {
        let (_, entry) = only(&cached, section);
        assert_eq!((&entry["environment"], &entry["realm"]), (&json!("fs.contoso.com"), &json!("adfs")), "{section}");
    }
    assert_eq!(only(&cached, "Account").1["authority_type"], "ADFS");
    assert_eq!(only(&cached, "RefreshToken").0, format!("subject-1-fs.contoso.com-refreshtoken-{CLIENT}--"));

    world.later(Duration::from_secs(60));
    assert_eq!(token(world.silent(&app, &request())).secret.expose(), "access-1");
    assert_eq!(world.story(), "load");
    world.later(Duration::from_secs(3600)).answers(Grant::of("access-2"));
    assert_eq!(token(world.silent(&app, &request())).secret.expose(), "access-2");
    assert_eq!(world.calls[0].url, "https://fs.contoso.com/adfs/oauth2/token");
}

#[test]
fn adfs_has_user_codes() {
    let mut world = World::new();
    world.answers(json!({ "device_code": "device-code-1", "user_code": "A", "verification_uri": "https://fs.contoso.com/adfs/d" }));
    world.answers(Grant::of("access-1").claim("aud", CLIENT).claim("sub", "Subject-1"));
    token(world.device_code(&at(ADFS), &request(), &sign_in()));
    assert_eq!(world.calls[0].url, "https://fs.contoso.com/adfs/oauth2/devicecode");
}

#[test]
fn what_msal_for_python_has_of_adfs_is_found() {
    let of_python = Cached::new().host("fs.contoso.com").realm("adfs").account(&ADA).refresh(&ADA, "refresh-1");
    let mut world = World::with(&of_python.clone().access(&ADA, "access-1", 3600));
    assert_eq!(token(world.silent(&at(ADFS), &request())).secret.expose(), "access-1");

    let mut world = World::with(&of_python);
    world.answers(Grant::of("access-2"));
    token(world.silent(&at(ADFS), &request()));
    assert_eq!(world.calls[0].field("refresh_token"), "refresh-1");
}

#[test]
fn a_b2c_sign_in_keeps_its_policy_in_the_endpoints_and_its_tenant_as_the_realm() {
    let app = at(B2C);
    let mut world = World::new();
    world.answers(b2c_grant("access-1", "b2c_1_signin"));
    let account = token(world.interactive(&app, &request(), &sign_in())).account.unwrap();
    assert_eq!(account.home_account_id, format!("ada-0001-b2c_1_signin.{TENANT}"));
    let base = "/contoso.onmicrosoft.com/b2c_1_signin/oauth2/v2.0";
    assert_eq!(shown(&world).path(), format!("{base}/authorize"));
    assert_eq!(world.calls[0].url, format!("https://contoso.b2clogin.com{base}/token"));
    assert_eq!(world.calls[0].field("client_info"), "1");
    let cached = world.cached();
    let (_, entry) = only(&cached, "AccessToken");
    assert_eq!(
        (&entry["environment"], &entry["realm"]),
        (&json!("contoso.b2clogin.com"), &json!("contoso.onmicrosoft.com"))
    );
    assert_eq!(only(&cached, "Account").1["authority_type"], "MSSTS");

    // In the other spelling it is the same policy.
    for app in [app, at("https://contoso.b2clogin.com/tfp/contoso.onmicrosoft.com/b2c_1_signin/")] {
        world.later(Duration::from_secs(1));
        assert_eq!(token(world.silent(&app, &request())).secret.expose(), "access-1");
        assert_eq!(world.story(), "load");
    }
}

#[test]
fn one_policy_does_not_use_what_another_was_granted() {
    let edit = at("https://contoso.b2clogin.com/contoso.onmicrosoft.com/b2c_1_edit");
    let mut world = World::new();
    world.answers(b2c_grant("access-1", "b2c_1_signin")).answers(b2c_grant("access-2", "b2c_1_edit"));
    token(world.interactive(&at(B2C), &request(), &sign_in()));
    assert_eq!(reason(world.silent(&edit, &request())), UiReason::NoAccount);
    token(world.interactive(&edit, &request(), &sign_in()));
    for (app, secret) in [(at(B2C), "access-1"), (edit.clone(), "access-2")] {
        assert_eq!(token(world.silent(&app, &request())).secret.expose(), secret);
    }
    world.run(Flow::sign_out(&edit, None)).unwrap();
    assert_eq!(world.secrets("RefreshToken"), ["refresh-of-b2c_1_signin"]);
}

#[test]
fn b2c_has_no_user_codes_and_says_so_at_once() {
    let mut world = World::new();
    let ending = world.device_code(&at(B2C), &request(), &sign_in());
    assert!(matches!(ending, Err(Error::Config(_))), "{ending:?}");
    assert_eq!(world.story(), "");
}

#[test]
fn external_id_is_found_again_by_its_name_and_by_its_id() {
    let mut world = World::new();
    let grant = Grant::of("access-1").refresh("refresh-1").to(&ADA);
    world.answers(grant.claim("iss", format!("https://{TENANT}.ciamlogin.com/{TENANT}/v2.0")));
    token(world.interactive(&at("https://contoso.ciamlogin.com"), &request(), &sign_in()));
    assert_eq!(world.calls[0].url, "https://contoso.ciamlogin.com/contoso.onmicrosoft.com/oauth2/v2.0/token");
    for path in ["", "/contoso.onmicrosoft.com/", &format!("/{TENANT}")] {
        world.later(Duration::from_secs(1));
        let app = at(&format!("https://contoso.ciamlogin.com{path}"));
        assert_eq!(token(world.silent(&app, &request())).secret.expose(), "access-1", "{path}");
        assert_eq!(world.story(), "load");
    }
}

#[test]
fn tokens_under_an_alias_are_found_and_renewed_under_the_name() {
    let cached = Cached::new().host("old.private.example").account(&ADA).refresh(&ADA, "refresh-1");
    let named = Authority::entra(&format!("https://login.private.example/{TENANT}")).unwrap();
    let strange = App::new(CLIENT, named.clone()).unwrap();
    assert_eq!(reason(World::with(&cached).silent(&strange, &request())), UiReason::NoAccount);

    let app = App::new(CLIENT, named.with_aliases(["old.private.example"]).unwrap()).unwrap();
    let mut world = World::with(&cached);
    world.answers(Grant::of("access-2").refresh("refresh-2"));
    token(world.silent(&app, &request()));
    assert_eq!(world.calls[0].url, format!("https://login.private.example/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
    assert_eq!(only(&world.cached(), "AccessToken").1["environment"], "login.private.example");
}

#[test]
fn an_id_token_of_another_cloud_is_refused() {
    for (issuer, is_taken) in [
        (format!("https://login.windows.net/{TENANT}/v2.0"), true),
        (format!("https://sts.windows.net/{TENANT}/"), true),
        (format!("https://login.microsoftonline.us/{TENANT}/v2.0"), false),
        ("https://login.microsoftonline.com/99999999-8888-7777-6666-555555555555/v2.0".into(), false),
        ("https://evil.example/".into(), false),
    ] {
        let mut world = World::new();
        world.answers(Grant::of("access-1").to(&ADA).claim("iss", issuer.as_str()));
        match world.interactive(&entra(), &request(), &sign_in()) {
            Ok(_) => assert!(is_taken, "{issuer}"),
            Err(Error::Protocol(_)) => assert!(!is_taken, "{issuer}"),
            other => panic!("{issuer}: {other:?}"),
        }
    }
}

#[test]
fn a_redirect_that_names_another_issuer_is_not_redeemed() {
    let mut world = World::new();
    world.browser = Back::with("code=code-1&state={state}&iss=https%3A%2F%2Fevil.example%2Fv2.0");
    assert!(matches!(world.interactive(&entra(), &request(), &sign_in()), Err(Error::Protocol(_))));
    assert!(world.calls.is_empty());
}
