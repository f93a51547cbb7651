//! The credential against the strict authority, as the SDK would use it, on two executors.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

mod house;

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::request::options::ClientRequestId;
use azure_core::http::{ClientMethodOptions, Context};
use entrada::AccountSelector;
use entrada_authority::{Endpoint, Revocation};
use entrada_azure::{Claims, EntradaCredential, EntradaCredentialOptions, Interaction};
use futures::executor::block_on;
use futures::future::{FutureExt, join, join_all};
use house::House;

fn context<E: Send + Sync + 'static>(value: E) -> Option<TokenRequestOptions<'static>> {
    Some(TokenRequestOptions { method_options: ClientMethodOptions { context: Context::new().with_value(value) } })
}

#[test]
fn a_sign_in_once_then_the_cache_then_a_refresh() {
    let house = House::new();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Interactive));
    let first = block_on(credential.get_token(&[&scope], None)).unwrap();
    assert_eq!(first.token.secret(), house.stage.issued()[0].access_token);
    let expires_on = house.client.silent(&[&scope]).unwrap().expires_on;
    assert_eq!(first.expires_on.unix_timestamp().cast_unsigned(), expires_on.as_secs());

    let again = smol::block_on(credential.get_token(&[&scope], None)).unwrap();
    assert_eq!(again.token, first.token);
    house.stage.advance(Duration::from_secs(2 * 3600));
    let refreshed = smol::block_on(credential.get_token(&[&scope], None)).unwrap();
    assert_ne!(refreshed.token, first.token);
    assert_eq!(house.grants(), (1, 0, 1));
}

#[test]
fn a_user_code_signs_in_where_there_is_no_browser() {
    let house = House::new();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::DeviceCode));
    let first = block_on(credential.get_token(&[&scope], None)).unwrap();
    assert_eq!(house.stage.issued()[0].access_token, first.token.secret());
    assert_eq!(block_on(credential.get_token(&[&scope], None)).unwrap().token, first.token);
    assert_eq!(house.stage.count(Endpoint::DeviceCode, ""), 1);
    assert_eq!(house.stage.count(Endpoint::Authorize, ""), 0);
}

#[test]
fn a_silent_credential_says_who_could_sign_in_and_takes_over_from_there() {
    let house = House::new();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Silent));
    let error = block_on(credential.get_token(&[&scope], None)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Credential);
    assert!(error.downcast_ref::<Arc<entrada::Error>>().unwrap().needs_ui());
    let sentence = error.to_string();
    assert!(sentence.starts_with("a sign-in is needed: nobody is signed in here yet"), "{sentence}");
    assert!(sentence.ends_with("for the same client id, tenant and cache"), "{sentence}");
    assert_eq!(house.stage.requests().len(), 0);

    let token = block_on(house.credential(Interaction::Interactive).get_token(&[&scope], None)).unwrap();
    assert_eq!(block_on(credential.get_token(&[&scope], None)).unwrap().token, token.token);
}

#[test]
fn fifty_calls_at_once_are_one_sign_in_and_one_look_into_the_cache() {
    let house = House::held();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Interactive));
    let scopes = [scope.as_str()];
    let calls = join_all((0..50).map(|_| credential.get_token(&scopes, None)));
    // The sign-in cannot end before all have asked.
    let (tokens, ()) = block_on(join(calls, async { house.release() }));
    let first = tokens[0].as_ref().unwrap().token.clone();
    assert!(tokens.into_iter().all(|token| token.unwrap().token == first));
    assert_eq!(house.grants(), (1, 0, 0));
    assert!(house.loads() < 10, "{} loads", house.loads());
}

#[test]
fn fifty_tasks_that_find_an_expired_token_make_one_token_request() {
    let house = House::new();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Interactive));
    block_on(credential.get_token(&[&scope], None)).unwrap();
    house.stage.advance(Duration::from_secs(2 * 3600));
    let ask = |_| {
        let (credential, scope) = (Arc::clone(&credential), scope.clone());
        smol::spawn(async move { credential.get_token(&[&scope], None).await.unwrap().token })
    };
    let tasks: Vec<_> = (0..50).map(ask).collect();
    let tokens = smol::block_on(join_all(tasks));
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(house.grants(), (1, 0, 1));
}

#[test]
fn two_scopes_at_once_need_one_sign_in() {
    let house = House::held();
    house.stage.grant_admin_consent();
    let (one, other) = (house.stage.scope(), house.stage.other_scope());
    let credential = house.credential(Interaction::Interactive);
    let (one, other) = ([one.as_str()], [other.as_str()]);
    let calls = join(credential.get_token(&one, None), credential.get_token(&other, None));
    let ((one, other), ()) = block_on(join(calls, async { house.release() }));
    assert_ne!(one.unwrap().token, other.unwrap().token);
    assert_eq!(house.grants(), (1, 0, 1), "the second came by the refresh token of the first");
}

#[test]
fn a_call_that_is_dropped_loses_nothing() {
    let house = House::held();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Interactive));
    assert!(credential.get_token(&[&scope], None).now_or_never().is_none());
    house.release();
    let token = block_on(credential.get_token(&[&scope], None)).unwrap();
    assert_eq!(house.grants(), (1, 0, 0));
    assert_eq!(token.token.secret(), house.stage.issued()[0].access_token);
}

#[test]
fn a_credential_that_is_dropped_leaves_the_token_of_its_call_in_the_cache() {
    let house = House::held();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Interactive));
    assert!(credential.get_token(&[&scope], None).now_or_never().is_none());
    drop(credential);
    house.release();
    house.saved();
    assert!(house.client.silent(&[&scope]).is_ok());
}

#[test]
fn claims_of_a_call_pass_the_cache_over_and_its_request_id_reaches_the_authority() {
    let house = House::new();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Interactive));
    block_on(credential.get_token(&[&scope], None)).unwrap();
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    block_on(credential.get_token(&[&scope], context(Claims(claims.to_owned())))).unwrap();
    let asked = house.stage.issued().pop().unwrap().claims_requested.unwrap();
    assert_eq!(asked["access_token"]["nbf"]["value"], "1");

    house.stage.advance(Duration::from_secs(2 * 3600));
    let id = "0c9a1b52-6f0e-4a3e-8d53-0c1f8a7be001";
    block_on(credential.get_token(&[&scope], context(ClientRequestId::new(id)))).unwrap();
    let last = house.stage.requests_at(Endpoint::Token).pop().unwrap();
    assert_eq!(last.header("client-request-id"), Some(id));

    house.stage.advance(Duration::from_secs(2 * 3600));
    block_on(credential.get_token(&[&scope], context(ClientRequestId::new("my own words")))).unwrap();
    let last = house.stage.requests_at(Endpoint::Token).pop().unwrap();
    assert_eq!(last.header("client-request-id").unwrap().len(), id.len(), "one of our own");
}

#[test]
fn errors_say_what_to_do_and_hold_no_secret() {
    let house = House::new();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Silent));
    house.client.token(&[&scope]).unwrap();
    house.stage.revoke_refresh_tokens(&house.stage.ada().upn, Revocation::PasswordChanged);
    house.stage.advance(Duration::from_secs(2 * 3600));
    let error = block_on(credential.get_token(&[&scope], None)).unwrap_err();
    let reason = error.downcast_ref::<Arc<entrada::Error>>().unwrap();
    assert_eq!(reason.server().unwrap().aadsts(), Some(50173));
    assert!(error.to_string().contains(reason.remedy().unwrap()), "{error}");
    let told = format!("{error} {error:?} {credential:?}");
    let issued = &house.stage.issued()[0];
    assert!(!told.contains(&issued.access_token) && !told.contains(issued.refresh_token.as_ref().unwrap()));

    for (scopes, words) in [(&[][..], "no scope is given"), (&["two words"], "printable ASCII without spaces")] {
        let error = block_on(credential.get_token(scopes, None)).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Credential);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn the_account_of_the_options_is_the_one_whose_token_it_is() {
    let house = House::new();
    let scope = house.stage.scope();
    house.client.token(&[&scope]).unwrap();
    let of = |name: &str| {
        let account = AccountSelector::Named(name.to_owned());
        let options = EntradaCredentialOptions { account, interaction: Interaction::Silent };
        block_on(EntradaCredential::new(house.client.clone(), Some(options)).get_token(&[&scope], None))
    };
    assert!(of(&house.stage.ada().upn).is_ok());
    assert!(of(&house.stage.bob().upn).unwrap_err().to_string().contains("a sign-in is needed"));
}

#[test]
fn a_thread_that_panics_ends_the_call_with_an_error_and_not_the_next_one() {
    let house = House::new();
    let (scope, credential) = (house.stage.scope(), house.credential(Interaction::Interactive));
    house.break_once();
    let error = block_on(credential.get_token(&[&scope], None)).unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert!(block_on(credential.get_token(&[&scope], None)).is_ok());
}
