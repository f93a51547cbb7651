//! The discovery document of a generic authority, and all that comes in its place.

use std::time::Duration;

use entrada_core::{Action, Error, Fault, Flow, Port, Warning};
use serde_json::{Value, json};

use crate::support::*;

fn at_home() -> Cached {
    Cached::new().host("id.example").realm("").refresh(&ADA, "refresh-1")
}

/// The three flows that need the document.
fn flows() -> [(Flow, Action); 3] {
    let (app, request, how) = (oidc(), request(), sign_in());
    [Flow::silent(&app, &request), Flow::interactive(&app, &request, &how), Flow::device_code(&app, &request, &how)]
}

/// How each flow ends where this comes in place of the document; none of them goes on.
fn endings(reply: &Reply) -> Vec<Error> {
    let ends = |flow| {
        let mut world = World::with(&at_home());
        let before = world.cache.clone();
        world.answers(reply.clone());
        let error = world.run(flow).expect_err("no token");
        assert!(world.story().ends_with("discovery"), "{}", world.story());
        assert_eq!(world.cache, before);
        error
    };
    flows().into_iter().map(ends).collect()
}

fn with(field: &str, value: Value) -> Reply {
    let mut document = discovery();
    document[field] = value;
    document.into()
}

#[test]
fn the_document_is_asked_for_where_the_issuer_keeps_it() {
    for issuer in ["https://id.example/realms/a", "https://id.example/realms/a/"] {
        let app = entrada_core::App::new(CLIENT, entrada_core::Authority::oidc(issuer).unwrap()).unwrap();
        let mut world = World::new();
        world.answers(Fault::Unreachable);
        assert!(world.interactive(&app, &request(), &sign_in()).is_err());
        assert_eq!(world.calls[0].url, "https://id.example/realms/a/.well-known/openid-configuration");
        assert!(world.calls[0].fields().is_empty());
    }
}

#[test]
fn a_cached_token_needs_no_document() {
    let mut world = World::with(&at_home().access(&ADA, "access-1", 3600));
    token(world.silent(&oidc(), &request()));
    assert_eq!(world.story(), "load");
}

#[test]
fn nonsense_in_its_place_is_told_apart_from_an_outage() {
    let mut not_json = html(200);
    not_json.headers.clear();
    for nonsense in [html(200), html(404), status(200), status(302), status(204), not_json, json(200, &json!([1]))] {
        let what = (nonsense.status, nonsense.body.len());
        for error in endings(&nonsense.into()) {
            assert!(matches!(error, Error::Protocol(_)) && !error.is_transient(), "{what:?}: {error:?}");
        }
    }
    let mut busy = status(429);
    busy.headers.push(("retry-after".into(), "9".into()));
    for outage in [busy, html(500), status(503), json(502, &json!({ "message": "x" })), status(408)] {
        let retry_after = outage.header("retry-after").map(|_| Duration::from_secs(9));
        for error in endings(&outage.into()) {
            assert!(error.is_transient(), "{error:?}");
            assert_eq!(error.server().unwrap().retry_after, retry_after);
        }
    }
}

#[test]
fn another_issuer_is_a_matter_of_configuration() {
    for issuer in [json!("https://id.example/"), json!("https://evil.example"), json!(null), json!(1)] {
        for error in endings(&with("issuer", issuer)) {
            assert!(matches!(error, Error::Config(_)), "{error:?}");
        }
    }
}

#[test]
fn endpoints_must_be_there_and_confidential() {
    for field in ["authorization_endpoint", "token_endpoint"] {
        for value in
            [json!(null), json!(""), json!("http://id.example/x"), json!("not a URL"), json!("ftp://x/"), json!(5)]
        {
            for error in endings(&with(field, value.clone())) {
                assert!(matches!(error, Error::Protocol(_)), "{field} {value}: {error:?}");
            }
        }
    }
    for error in endings(&with("device_authorization_endpoint", json!("http://id.example/x"))) {
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    }
}

#[test]
fn an_error_object_in_its_place_is_the_authoritys_word() {
    for error in endings(&error(400, "invalid_request", "").into()) {
        assert!(matches!(error, Error::Server(_)), "{error:?}");
    }
}

#[test]
fn a_transport_that_fails_is_named() {
    for fault in FAULTS {
        for error in endings(&fault.into()) {
            match error {
                Error::Cancelled => assert_eq!(fault, Fault::Cancelled),
                Error::Adapter(failure) => assert_eq!((failure.port, failure.fault), (Port::Authority, fault)),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_token_that_is_still_good_outlives_an_outage_of_the_document() {
    for (reply, is_given) in
        [(Reply::from(html(503)), true), (Fault::Unreachable.into(), true), (html(404).into(), false)]
    {
        let mut world = World::with(&at_home().access(&ADA, "access-1", 120));
        world.answers(reply);
        let ending = world.silent(&oidc(), &request());
        assert_eq!(world.story(), "load discovery");
        match ending {
            Ok(_) => assert_eq!((is_given, token(ending).warnings), (true, vec![Warning::RefreshPostponed])),
            Err(error) => assert!(!is_given && !error.is_transient(), "{error:?}"),
        }
    }
}
