//! The sign-in in a browser that fails: forged, refused, given up.

use std::time::Duration;

use entrada_core::{Action, Error, Fault, Flow, Lock, Port, Waiting};
use serde_json::json;

use crate::support::*;

/// How a sign-in ends for which the browser comes back so.
fn comes_back(parameters: &str) -> (World, Error) {
    let mut world = World::new();
    world.browser = Back::with(parameters);
    let error = world.interactive(&entra(), &request(), &sign_in()).expect_err("no token");
    (world, error)
}

/// How a sign-in ends for which the authority grants so.
fn grants(grant: Grant) -> Error {
    let mut world = World::new();
    world.answers(grant);
    let error = world.interactive(&entra(), &request(), &sign_in()).expect_err("no token");
    assert_eq!(world.cache, None, "nothing of it is kept");
    assert!(world.story().ends_with("redeem"), "{}", world.story());
    error
}

#[test]
fn a_redirect_that_is_not_ours_is_never_redeemed() {
    for parameters in [
        "code=code-1",
        "code=code-1&state=",
        "code=code-1&state={state}x",
        "code=code-1&state=x&state={state}",
        "code=code-1&code=code-2&state={state}",
        "code=&state={state}",
        "state={state}",
        "error=access_denied&state=other",
        "error=access_denied",
        "",
        "%",
    ] {
        let (world, error) = comes_back(parameters);
        assert!(matches!(error, Error::Protocol(_)), "{parameters}: {error:?}");
        assert!(!error.to_string().contains("code-1"), "{error}");
        assert_eq!(world.story(), "entropy listen present receive");
    }
}

#[test]
fn a_refusal_comes_with_the_redirect() {
    let (world, error) = comes_back(
        "error=access_denied&error_subcode=cancel&error_description=AADSTS65004%3A+declined&claims=%7B%7D&state={state}",
    );
    let Error::Server(server) = error else { panic!("{error:?}") };
    assert_eq!((server.error.as_str(), server.suberror.as_deref()), ("access_denied", Some("cancel")));
    assert_eq!((server.aadsts(), server.claims.as_deref(), server.status), (Some(65004), Some("{}"), 0));
    assert_eq!(world.story(), "entropy listen present receive");
    let (_, error) = comes_back("error=temporarily_unavailable&code=code-1&state={state}");
    assert!(error.is_transient());
}

#[test]
fn an_id_token_of_another_sign_in_is_refused() {
    for nonce in ["", "another"] {
        let error = grants(Grant::of("access-1").refresh("refresh-1").to(&ADA).claim("nonce", nonce));
        assert!(matches!(&error, Error::Protocol(protocol) if protocol.what.contains("nonce")), "{error:?}");
    }
}

#[test]
fn an_id_token_for_another_client_is_refused() {
    for audience in [json!("another"), json!(["another"]), json!([]), json!(null), json!(7)] {
        let error = grants(Grant::of("access-1").to(&ADA).claim("aud", audience));
        assert!(matches!(&error, Error::Protocol(protocol) if protocol.what.contains("client")), "{error:?}");
    }
    let mut world = World::new();
    world.answers(Grant::of("access-1").to(&ADA).claim("aud", json!(["another", CLIENT])));
    token(world.interactive(&entra(), &request(), &sign_in()));
}

#[test]
fn an_id_token_of_another_issuer_is_refused() {
    for (issuer, is_good) in [(ISSUER, true), ("https://id.example/", false), ("https://evil.example", false)] {
        let mut world = World::new();
        world.answers(discovery()).answers(Grant::of("access-1").to(&ADA).claim("iss", issuer));
        let ending = world.interactive(&oidc(), &request(), &sign_in());
        assert_eq!(ending.is_ok(), is_good, "{issuer}: {ending:?}");
        assert_eq!(world.cache.is_some(), is_good);
    }
}

#[test]
fn an_id_token_that_cannot_be_read_is_refused() {
    for id_token in ["no-jwt", "a.b.c", "a..c", "e30.bm90IGpzb24.e30"] {
        let error = grants(Grant::of("access-1").with("id_token", id_token));
        assert!(matches!(error, Error::Protocol(_)), "{id_token}: {error:?}");
    }
}

#[test]
fn an_authority_that_announced_to_name_itself_must() {
    for (parameters, is_good) in [
        ("code=code-1&state={state}&iss=https%3A%2F%2Fid.example", true),
        ("code=code-1&state={state}", false),
        ("code=code-1&state={state}&iss=https%3A%2F%2Fevil.example", false),
        ("error=access_denied&state={state}&iss=https%3A%2F%2Fevil.example", false),
    ] {
        let mut document = discovery();
        document["authorization_response_iss_parameter_supported"] = json!(true);
        let mut world = World::new();
        world.browser = Back::with(parameters);
        world.answers(document).answers(Grant::of("access-1").to(&ADA).claim("iss", ISSUER));
        match world.interactive(&oidc(), &request(), &sign_in()) {
            Ok(_) => assert!(is_good, "{parameters}"),
            Err(error) => assert!(!is_good && matches!(error, Error::Protocol(_)), "{parameters}: {error:?}"),
        }
    }
}

#[test]
fn nobody_comes_back() {
    let mut world = World::new();
    world.browser = Back::Fault(Fault::TimedOut);
    let ending = world.interactive(&entra(), &request(), &sign_in());
    assert!(matches!(ending, Err(Error::TimedOut(Waiting::SignIn))), "{ending:?}");
}

#[test]
fn each_port_that_fails_is_named() {
    for (word, port) in [
        ("entropy", Port::Entropy),
        ("listen", Port::Browser),
        ("present", Port::Browser),
        ("receive", Port::Browser),
        ("redeem", Port::Authority),
    ] {
        for fault in FAULTS {
            let mut world = World::new();
            world.broken = Some((word, fault));
            let ending = world.interactive(&entra(), &request(), &sign_in());
            assert_eq!(world.story().split(' ').next_back(), Some(word));
            match (ending, fault) {
                (Err(Error::Cancelled), Fault::Cancelled) => {}
                (Err(Error::TimedOut(Waiting::SignIn)), Fault::TimedOut) if word == "receive" => {}
                (Err(Error::Adapter(failure)), _) => assert_eq!((failure.port, failure.fault), (port, fault)),
                (other, _) => panic!("{word} {fault:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn too_little_randomness_is_none() {
    for count in [0, 1, 63] {
        let (mut flow, action) = Flow::interactive(&entra(), &request(), &sign_in());
        let Action::TryLock(ask) = action else { panic!("{action:?}") };
        let action = flow.resume(NOW, ask.answer(Lock::Unsupported));
        let Action::Entropy(ask) = action else { panic!("{action:?}") };
        assert_eq!(ask.query.bytes, 64);
        let action = flow.resume(NOW, ask.answer(vec![1; count]));
        let Action::Done(Err(Error::Adapter(failure))) = action else { panic!("{action:?}") };
        assert_eq!(failure.port, Port::Entropy);
    }
}

#[test]
fn a_code_that_is_refused_is_a_refusal() {
    for answer in [error(400, "invalid_grant", "bad_token"), error(400, "invalid_grant", ""), html(429)] {
        let mut world = World::with(&signed_in());
        let before = world.cache.clone();
        world.answers(answer);
        let error = world.interactive(&entra(), &request(), &sign_in()).expect_err("no token");
        assert!(matches!(error, Error::Server(_)) && !error.needs_ui(), "{error:?}");
        assert_eq!(world.cache, before);
    }
}

fn busy(status: u16, retry_after: &str) -> Reply {
    let mut answer = html(status);
    answer.headers.push(("Retry-After".into(), retry_after.into()));
    answer.into()
}

#[test]
fn an_authority_that_is_busy_is_shown_the_code_once_more_and_the_user_no_second_page() {
    for (reply, waited) in [(html(503).into(), 1), (busy(503, "7"), 7), (busy(429, "10"), 10)] {
        let mut world = World::new();
        world.answers(reply).answers(Grant::of("access-1").to(&ADA));
        assert_eq!(token(world.interactive(&entra(), &request(), &sign_in())).secret.expose(), "access-1");
        let story = "entropy listen present receive redeem wait redeem lock load save unlock";
        assert_eq!(world.story(), story);
        assert_eq!(world.waits, [Duration::from_secs(waited)]);
        for field in ["code", "code_verifier", "redirect_uri"] {
            assert!(!world.calls[0].field(field).is_empty());
            assert_eq!(world.calls[0].field(field), world.calls[1].field(field));
        }
    }
}

#[test]
fn it_is_not_shown_the_code_a_third_time_nor_after_a_long_pause() {
    for (replies, redeemed) in
        [(vec![html(503).into(), html(503).into()], 2), (vec![busy(503, "11")], 1), (vec![html(429).into()], 1)]
    {
        let mut world = World::new();
        for reply in replies {
            let reply: Reply = reply;
            world.answers(reply);
        }
        let error = world.interactive(&entra(), &request(), &sign_in()).expect_err("no token");
        assert!(error.is_transient(), "{error:?}");
        assert_eq!(world.calls.len(), redeemed);
    }
}
