//! The sign-in in a browser that goes well.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrada_core::protocol::ResponseMode;
use entrada_core::{AccountSelector, App, Error, Prompt, PromptMode, SignIn, TokenSource};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::*;

fn granting() -> World {
    let mut world = World::new();
    world.answers(Grant::of("access-1").refresh("refresh-1").to(&ADA));
    world
}

/// State, nonce and verifier, as they are cut from the world's first 64 random bytes.
fn expected_secrets() -> (String, String, String) {
    let bytes = World::new().rng.bytes(64);
    let text = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    (text(&bytes[32..48]), text(&bytes[48..64]), text(&bytes[..32]))
}

/// The one page that was shown: its URL without the query, and the query.
fn page(world: &World) -> (String, Vec<(String, String)>) {
    let [Prompt::SignIn { url, .. }] = &world.prompts[..] else { panic!("{:?}", world.prompts) };
    let mut url = url::Url::parse(url).unwrap();
    let query = url.query_pairs().into_owned().collect();
    url.set_query(None);
    (url.into(), query)
}

fn parameter(world: &World, name: &str) -> Option<String> {
    page(world).1.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn assert_pairs(pairs: &[(String, String)], expected: &[(&str, &str)]) {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(pairs, expected);
}

#[test]
fn a_sign_in_takes_these_steps_and_no_lock_before_its_end() {
    let mut world = granting();
    let token = token(world.interactive(&entra(), &request(), &sign_in()));
    assert_eq!(world.story(), "entropy listen present receive redeem lock load save unlock");
    assert_eq!((token.secret.expose(), token.source), ("access-1", TokenSource::SignIn));
    // The clock went on while the user was busy.
    assert_eq!(token.expires_on, world.now() + Duration::from_secs(3600));
    let account = token.account.unwrap();
    assert_eq!((account.home_account_id.as_str(), account.username.as_str()), (ADA.id, ADA.name));
    assert_eq!(account.name.as_deref(), Some("Somebody Real"));
    assert!(token.warnings.is_empty());

    world.later(Duration::from_secs(1));
    assert_eq!(crate::support::token(world.silent(&entra(), &request())).secret.expose(), "access-1");
    assert_eq!(world.story(), "load");
}

#[test]
fn the_page_has_these_parameters_and_no_others() {
    let mut world = granting();
    token(world.interactive(&entra(), &request(), &sign_in()));
    let (state, nonce, verifier) = expected_secrets();
    let (url, query) = page(&world);
    assert_eq!(url, format!("https://{HOST}/{TENANT}/oauth2/v2.0/authorize"));
    assert_pairs(
        &query,
        &[
            ("client_id", CLIENT),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:53682"),
            ("response_mode", "form_post"),
            ("scope", &format!("{SCOPE} openid profile offline_access")),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier))),
            ("code_challenge_method", "S256"),
            ("client_info", "1"),
            ("x-client-SKU", "entrada"),
            ("x-client-Ver", env!("CARGO_PKG_VERSION")),
        ],
    );
    assert_eq!(world.calls[0].url, format!("https://{HOST}/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(
        world.calls[0].fields(),
        [
            ("client_id", CLIENT),
            ("grant_type", "authorization_code"),
            ("code", "code-1"),
            ("redirect_uri", "http://localhost:53682"),
            ("code_verifier", &verifier),
            ("scope", &format!("{SCOPE} openid profile offline_access")),
            ("client_info", "1"),
        ]
    );
}

#[test]
fn every_wish_is_a_parameter() {
    let mut world = granting();
    let how = SignIn::new()
        .prompt(Some(PromptMode::SelectAccount))
        .login_hint(Some("ada+x@contoso.com".into()))
        .domain_hint(Some("contoso.com".into()))
        .timeout(Duration::from_secs(77));
    let request = request().claims(Some(r#"{"a":1}"#.into())).correlation_id(Some("an-id".into()));
    token(world.interactive(&entra(), &request, &how));
    for (name, value) in [
        ("prompt", "select_account"),
        ("login_hint", "ada+x@contoso.com"),
        ("domain_hint", "contoso.com"),
        ("claims", r#"{"a":1}"#),
        ("client-request-id", "an-id"),
        ("X-AnchorMailbox", "upn:ada+x@contoso.com"),
    ] {
        assert_eq!(parameter(&world, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(world.calls[0].field("claims"), r#"{"a":1}"#);
    let Prompt::SignIn { expires_in, .. } = &world.prompts[0] else { panic!() };
    assert_eq!(*expires_in, Duration::from_secs(77));
}

#[test]
fn a_generic_authority_says_how_it_can_answer() {
    for (modes, expected, first) in [
        (json!(null), vec![ResponseMode::Query], "query"),
        (json!(["query", "fragment"]), vec![ResponseMode::Query], "query"),
        (json!(["query", "form_post"]), vec![ResponseMode::FormPost, ResponseMode::Query], "form_post"),
    ] {
        let mut document = discovery();
        document["response_modes_supported"] = modes;
        let mut world = World::new();
        world.answers(document).answers(Grant::of("access-1").to(&ADA).claim("iss", ISSUER));
        token(world.interactive(&oidc(), &request(), &sign_in()));
        assert_eq!(world.story(), "discovery entropy listen present receive redeem lock load save unlock");
        assert_eq!(world.modes, expected);
        assert_eq!(parameter(&world, "response_mode").as_deref(), Some(first));
    }
}

#[test]
fn a_generic_authority_is_spoken_to_without_entras_own_words() {
    let mut document = discovery();
    document["authorization_endpoint"] = json!("https://id.example/authorize?tenant=a%20b");
    let mut world = World::new();
    world.answers(document).answers(Grant::of("access-1").to(&ADA).claim("iss", ISSUER));
    token(world.interactive(&oidc(), &request().correlation_id(Some("an-id".into())), &sign_in()));
    let (url, query) = page(&world);
    assert_eq!(url, "https://id.example/authorize");
    let names: Vec<_> = query.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "tenant",
            "client_id",
            "response_type",
            "redirect_uri",
            "response_mode",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
            "prompt",
        ]
    );
    assert_eq!(query[0].1, "a b");
    // Without consent there is no refresh token (OpenID Connect Core 11).
    assert_eq!(parameter(&world, "prompt").as_deref(), Some("consent"));
    assert_eq!((world.calls[1].field("scope"), world.calls[1].field("client_info")), ("", ""));
}

#[test]
fn two_sign_ins_share_no_secret() {
    let mut world = granting();
    token(world.interactive(&entra(), &request(), &sign_in()));
    let first = page(&world).1;
    world.prompts.clear();
    world.answers(Grant::of("access-2").to(&ADA));
    token(world.interactive(&entra(), &request(), &sign_in()));
    for name in ["state", "nonce", "code_challenge"] {
        let before = first.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        assert_ne!(before, parameter(&world, name), "{name}");
    }
}

#[test]
fn a_code_that_was_copied_by_hand_is_redeemed() {
    let mut world = granting();
    world.browser = Back::Bare("bare-code-1".into());
    token(world.interactive(&entra(), &request(), &sign_in()));
    assert_eq!(world.calls[0].field("code"), "bare-code-1");
}

#[test]
fn an_answer_without_an_id_token_signs_in_somebody_unnamed() {
    let mut world = World::new();
    world.answers(Grant::of("access-1").refresh("refresh-1"));
    assert_eq!(token(world.interactive(&entra(), &request(), &sign_in())).account.unwrap().username, "");
    world.later(Duration::from_secs(1));
    assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-1");
    assert_eq!(world.story(), "load");
}

#[test]
fn a_sign_in_as_somebody_else_is_kept_and_is_no_answer() {
    let mut world = World::new();
    world.answers(Grant::of("access-1").refresh("refresh-1").to(&BOB));
    let ada = request().account(AccountSelector::Named(ADA.name.into()));
    let ending = world.interactive(&entra(), &ada, &sign_in());
    assert!(matches!(&ending, Err(Error::OtherAccount { signed_in }) if signed_in == BOB.name), "{ending:?}");
    assert_eq!(world.secrets("RefreshToken"), ["refresh-1"]);
}

#[test]
fn a_client_id_may_be_copied_in_capitals() {
    let mut world = World::new();
    world.answers(Grant::of("access-1").to(&ADA));
    let authority = entra().authority().clone();
    let loud = App::new(CLIENT.to_uppercase(), authority).unwrap();
    assert_eq!(token(world.interactive(&loud, &request(), &sign_in())).secret.expose(), "access-1");
}

#[test]
fn a_token_that_no_header_can_carry_is_none() {
    for text in ["a b", "a\nb", "a\"b", "a\\b", "\u{1b}[31m", "t\u{f6}ken"] {
        let mut world = World::new();
        world.answers(Grant::of(text).to(&ADA));
        let ending = world.interactive(&entra(), &request(), &sign_in());
        assert!(matches!(ending, Err(Error::Protocol(_))), "{text:?}");
    }
}
