//! The device code flow.

mod plain;

use entrada_authority::{Stage, decode_claims};
use plain::{Answer, post, text, token_url};
use serde_json::Value;
use std::time::Duration;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn start(stage: &Stage) -> Value {
    let scope = format!("{} openid profile offline_access", stage.scope());
    let form = [("client_id", stage.client_id()), ("scope", &scope)];
    let answer = post(&format!("{}/oauth2/v2.0/devicecode", stage.authority_url()), &form);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn poll(stage: &Stage, code: &str) -> Answer {
    post(&token_url(stage), &[("grant_type", GRANT), ("client_id", stage.client_id()), ("device_code", code)])
}

fn error(answer: &Answer) -> (String, u64) {
    (text(&answer.json(), "error").to_owned(), answer.aadsts())
}

#[test]
fn pending_then_tokens_once() {
    let stage = Stage::start().unwrap();
    let device = start(&stage);
    assert_eq!((&device["expires_in"], &device["interval"]), (&900.into(), &5.into()));
    assert!(device.get("verification_uri_complete").is_none());
    let code = text(&device, "device_code");
    assert_eq!(error(&poll(&stage, code)), ("authorization_pending".into(), 70016));
    let visit = stage.visitor().enter_user_code(text(&device, "user_code")).unwrap();
    assert_eq!(
        visit.titles,
        ["Enter code", "Sign in", "Permissions requested", "Are you trying to sign in?", "You have signed in"]
    );
    stage.advance(Duration::from_secs(5));
    let tokens = poll(&stage, code).json();
    assert_eq!(decode_claims(text(&tokens, "access_token")).unwrap()["upn"], "ada@contoso.example");
    stage.advance(Duration::from_secs(5));
    assert_eq!(error(&poll(&stage, code)).1, 54005);
    let again = stage.visitor().enter_user_code(text(&device, "user_code")).unwrap();
    assert!(again.page.contains("AADSTS90120"));
}

#[test]
fn who_polls_too_fast_has_to_slow_down() {
    let stage = Stage::start().unwrap();
    let device = start(&stage);
    let code = text(&device, "device_code");
    assert_eq!(error(&poll(&stage, code)).0, "authorization_pending");
    assert_eq!(error(&poll(&stage, code)).0, "slow_down");
    stage.advance(Duration::from_secs(6));
    assert_eq!(error(&poll(&stage, code)).0, "slow_down", "five seconds more than before");
    stage.advance(Duration::from_secs(15));
    assert_eq!(error(&poll(&stage, code)).0, "authorization_pending");
}

#[test]
fn expired_declined_unknown_and_blocked() {
    let stage = Stage::start().unwrap();
    let old = start(&stage);
    stage.advance(Duration::from_secs(900));
    assert_eq!(error(&poll(&stage, text(&old, "device_code"))), ("expired_token".into(), 70019));
    assert_eq!(error(&poll(&stage, "nonsense")), ("bad_verification_code".into(), 7000014));
    let form = [("client_id", stage.other_client_id()), ("scope", "User.Read")];
    let no_flow = post(&format!("{}/oauth2/v2.0/devicecode", stage.authority_url()), &form);
    assert_eq!((no_flow.status, no_flow.aadsts()), (401, 7000218));
    assert!(stage.visitor().enter_user_code("NONSENSE").unwrap().page.contains("AADSTS70018"));

    let declined = start(&stage);
    stage.visitor().declines().enter_user_code(text(&declined, "user_code")).unwrap();
    assert_eq!(error(&poll(&stage, text(&declined, "device_code"))).0, "authorization_declined");

    stage.block_device_code(true);
    let blocked = start(&stage);
    let visit = stage.visitor().enter_user_code(text(&blocked, "user_code")).unwrap();
    assert_eq!(visit.aadsts(), Some(53003));
    assert_eq!(error(&poll(&stage, text(&blocked, "device_code"))), ("invalid_grant".into(), 53003));
    assert_eq!(plain::tokens(&stage)["token_type"], "Bearer", "the code flow is not blocked");
}

#[test]
fn a_session_begun_by_device_code_stays_marked() {
    let stage = Stage::start().unwrap();
    let device = start(&stage);
    stage.visitor().enter_user_code(text(&device, "user_code")).unwrap();
    let tokens = poll(&stage, text(&device, "device_code")).json();
    stage.block_device_code(true);
    assert_eq!(plain::refresh(&stage, text(&tokens, "refresh_token"), &stage.scope(), &[]).aadsts(), 53003);
}
