//! Each documented form of scope and audience can be the only one that works.

#![allow(clippy::unwrap_used)]

mod plain;

use entrada_authority::{Audience, ProxyTable, SignInMode, Stage, decode_claims};
use plain::{authorize_url, get, get_with, redeem, text};

/// Asks for a scope and presents the token: the AADSTS number of a refusal, or the proxy's status.
fn outcome(stage: &Stage, scope: &str) -> Result<u16, u64> {
    let answer = get(&authorize_url(stage, &[("scope", scope)]));
    let Some(code) = answer.redirected("code") else { return Err(answer.aadsts()) };
    let tokens = redeem(stage, &code, &[("scope", "-")]).json();
    Ok(get_with(&format!("{}api/me", stage.external_url()), text(&tokens, "access_token")).status)
}

#[test]
fn exactly_one_form_works() {
    let both = ["{url}/", "api://{id}"];
    for path in ["/", "/hr/"] {
        for (identifiers, audience, works) in [
            (&both[..], Audience::AppId, "{id}/.default"),
            (&both[..1], Audience::ExternalUrl, "{url}//user_impersonation"),
            (&["{url}"], Audience::ExternalUrlWithoutSlash, "{url}/user_impersonation"),
            (&both[1..], Audience::ApiUri, "api://{id}/user_impersonation"),
        ] {
            let stage = Stage::builder()
                .external_path(path)
                .identifiers(identifiers.iter().copied())
                .proxy_table(ProxyTable { audiences: vec![audience.clone()], ..ProxyTable::default() })
                .sign_in(SignInMode::Automatic)
                .start()
                .unwrap();
            let url = stage.external_url().trim_end_matches('/').to_owned();
            let filled = |form: &str| form.replace("{url}", &url).replace("{id}", stage.proxy_app_id());
            for form in [
                "{id}/.default",
                "{url}//user_impersonation",
                "{url}/user_impersonation",
                "api://{id}/user_impersonation",
            ] {
                let by_uri = form.starts_with("{url}");
                let unknown = by_uri && !identifiers[0].starts_with("{url}")
                    || form.starts_with("api") && !identifiers.contains(&"api://{id}");
                let expected = match () {
                    () if unknown => Err(500_011),
                    () if form == works => Ok(200),
                    () => Ok(302),
                };
                assert_eq!(outcome(&stage, &filled(form)), expected, "{form} where {audience:?} is taken at {path}");
            }
        }
    }
}

#[test]
fn a_version_two_app_has_its_id_for_audience_however_it_is_asked_for() {
    let stage = Stage::builder().token_version(2).sign_in(SignInMode::Automatic).start().unwrap();
    for scope in [stage.scope(), stage.one_slash_scope(), stage.app_id_scope()] {
        let code = get(&authorize_url(&stage, &[("scope", &scope)])).redirected("code").unwrap();
        let tokens = redeem(&stage, &code, &[("scope", "-")]).json();
        assert_eq!(decode_claims(text(&tokens, "access_token")).unwrap()["aud"], stage.proxy_app_id(), "{scope}");
    }
}
