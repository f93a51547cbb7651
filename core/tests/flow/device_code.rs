//! The sign-in on another device.

use std::time::Duration;

use entrada_core::protocol::HttpAnswer;
use entrada_core::{Error, Fault, Flow, Port, Prompt, SignIn, UnixTime, Waiting};
use serde_json::{Value, json};

use crate::support::*;

/// A user code for a minute, to be asked for every five seconds.
fn code() -> Value {
    json!({
        "device_code": "device-code-1", "user_code": "ABCD-EFGH", "verification_uri": "https://microsoft.com/devicelogin",
        "expires_in": 60, "interval": 5, "message": "Enter ABCD-EFGH.",
    })
}

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut code = code();
    code[field] = value.into();
    code
}

fn pending() -> HttpAnswer {
    error(400, "authorization_pending", "")
}

fn grant() -> Grant {
    Grant::of("access-1").refresh("refresh-1").to(&ADA)
}

/// Runs a sign-in over these answers, and tells how long each pause was.
fn pauses(code: Value, replies: impl IntoIterator<Item = Reply>) -> (World, Vec<u64>, Option<Error>) {
    let mut world = World::new();
    world.answers(code);
    world.authority.extend(replies);
    let how = sign_in().timeout(Duration::MAX);
    let error = world.device_code(&entra(), &request(), &how).err();
    let pauses = world.waits.iter().map(Duration::as_secs).collect();
    (world, pauses, error)
}

#[test]
fn the_user_is_waited_for() {
    let (world, pauses, error) = pauses(code(), [pending().into(), pending().into(), grant().into()]);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(world.story(), "devicecode present wait poll wait poll wait poll lock load save unlock");
    assert_eq!(pauses, [5, 5, 5]);
    assert_eq!(world.secrets("RefreshToken"), ["refresh-1"]);

    assert_eq!(world.calls[0].url, format!("https://{HOST}/{TENANT}/oauth2/v2.0/devicecode"));
    let scope = format!("{SCOPE} openid profile offline_access");
    assert_eq!(world.calls[0].fields(), [("client_id", CLIENT), ("scope", &scope)]);
    assert_eq!(world.calls[1].url, format!("https://{HOST}/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(
        world.calls[1].fields(),
        [
            ("client_id", CLIENT),
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", "device-code-1"),
            ("scope", &scope),
            ("client_info", "1"),
        ]
    );
}

#[test]
fn the_user_is_shown_what_the_authority_sent() {
    let whole = with("verification_uri_complete", "https://microsoft.com/devicelogin?code=ABCD-EFGH");
    let (world, _, _) = pauses(whole, [grant().into()]);
    let [Prompt::UserCode { code, verification_uri, verification_uri_complete, message, expires_in }] =
        &world.prompts[..]
    else {
        panic!("{:?}", world.prompts)
    };
    assert_eq!((code.as_str(), verification_uri.as_str()), ("ABCD-EFGH", "https://microsoft.com/devicelogin"));
    assert!(verification_uri_complete.as_deref().unwrap().ends_with("?code=ABCD-EFGH"));
    assert_eq!((message.as_deref(), expires_in.as_secs()), (Some("Enter ABCD-EFGH."), 60));

    let old = json!({ "device_code": "device-code-1", "user_code": "A", "verification_url": "https://aka.ms/d" });
    let (world, pauses, _) = pauses(old, [grant().into()]);
    let Prompt::UserCode { verification_uri, message, expires_in, .. } = &world.prompts[0] else { panic!() };
    assert_eq!((verification_uri.as_str(), message, expires_in.as_secs()), ("https://aka.ms/d", &None, 900));
    assert_eq!(pauses, [5]);
}

#[test]
fn the_interval_is_the_authoritys() {
    for (interval, pause) in [(json!(7), 7), (json!("8"), 8), (json!(0), 1), (json!(null), 5), (json!("soon"), 5)] {
        let (_, pauses, _) = pauses(with("interval", interval), [grant().into()]);
        assert_eq!(pauses, [pause]);
    }
}

#[test]
fn slow_down_adds_five_seconds_for_good() {
    let slow_down = || error(400, "slow_down", "").into();
    let replies = [slow_down(), pending().into(), slow_down(), grant().into()];
    assert_eq!(pauses(code(), replies).1, [5, 10, 10, 15]);
}

#[test]
fn a_connection_that_fails_doubles_the_interval_up_to_a_minute() {
    let replies = [Fault::Unreachable, Fault::TimedOut, Fault::Unreachable, Fault::Unreachable, Fault::TimedOut];
    let replies = replies.map(Reply::from).into_iter().chain([pending().into(), grant().into()]);
    assert_eq!(pauses(with("expires_in", 900), replies).1, [5, 10, 20, 40, 60, 60, 60]);
}

#[test]
fn an_outage_is_waited_out_as_long_as_it_says() {
    let mut busy = html(429);
    busy.headers.push(("Retry-After".into(), "17".into()));
    let mut hurried = html(503);
    hurried.headers.push(("Retry-After".into(), "1".into()));
    let replies = [html(503).into(), busy.into(), hurried.into(), html(500).into(), html(500).into(), grant().into()];
    assert_eq!(pauses(with("expires_in", 900), replies).1, [5, 10, 17, 17, 34, 60]);
}

/// A refusal with its time to come again, in seconds.
fn busy(retry_after: u64) -> Reply {
    let mut busy = html(429);
    busy.headers.push(("Retry-After".into(), retry_after.to_string()));
    busy.into()
}

#[test]
fn a_time_beyond_the_longest_interval_is_kept_once() {
    let replies = [busy(200), pending().into(), grant().into()];
    assert_eq!(pauses(with("expires_in", 900), replies).1, [5, 200, 60]);
}

#[test]
fn a_time_beyond_the_codes_end_is_the_end() {
    let (_, pauses, error) = pauses(code(), [busy(56), grant().into()]);
    assert_eq!(pauses, [5]);
    assert!(matches!(&error, Some(Error::Server(server)) if server.status == 429), "{error:?}");
    let (_, pauses, error) = self::pauses(code(), [busy(55), grant().into()]);
    assert_eq!((pauses.as_slice(), error.is_none()), (&[5, 55][..], true));
}

#[test]
fn a_long_interval_is_never_shortened() {
    for failure in [Fault::Unreachable.into(), Reply::from(html(503)), error(429, "too_many", "").into()] {
        let long = json!({ "interval": 120, "expires_in": 3600 });
        let mut code = code();
        code.as_object_mut().unwrap().extend(long.as_object().unwrap().clone());
        let (_, pauses, error) = pauses(code, [failure, grant().into()]);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(pauses, [120, 120]);
    }
}

#[test]
fn no_number_is_too_large() {
    for reply in
        [Reply::from(error(400, "slow_down", "")), Fault::Unreachable.into(), html(503).into(), pending().into()]
    {
        for expires_in in [60, u64::MAX] {
            for interval in [u64::MAX, u64::MAX - 4, u64::MAX / 2 + 1] {
                let mut code = with("interval", interval);
                code["expires_in"] = expires_in.into();
                let mut world = World::new();
                world.answers(code).answers(reply.clone()).answers(reply.clone());
                world.authority.extend([grant().into()]);
                let how = SignIn::new().timeout(Duration::MAX);
                let ending = world.device_code(&entra(), &request(), &how);
                assert!(matches!(ending, Ok(_) | Err(Error::TimedOut(_))), "{ending:?}");
            }
        }
    }
}

#[test]
fn a_code_expires_when_the_pauses_add_up_to_its_life() {
    let (world, pauses, error) = pauses(with("expires_in", 12), [pending().into(), pending().into(), pending().into()]);
    assert!(matches!(error, Some(Error::TimedOut(Waiting::UserCode))), "{error:?}");
    assert_eq!(pauses, [5, 5, 2], "the last question comes while the code is still good");
    assert!(world.story().ends_with("wait poll"), "{}", world.story());
}

#[test]
fn a_clock_that_jumps_ages_no_code() {
    let mut world = World::new();
    world.answers(code()).answers(pending()).answers(pending()).answers(grant());
    let (mut flow, mut action) = Flow::device_code(&entra(), &request(), &sign_in());
    let ending = loop {
        match world.turn(action) {
            Turn::Goes(event) => action = flow.resume(world.now(), event),
            Turn::Ended(ending) => break ending,
        }
        world.sleeps(Duration::from_secs(3600));
    };
    token(ending);
}

#[test]
fn whatever_the_clock_says_the_pauses_alone_end_it() {
    type Clock = fn(u64) -> u64;
    let clocks: [(&str, Clock); 5] = [
        ("right", |step| NOW.as_secs() + step),
        ("standing still", |_| NOW.as_secs()),
        ("drifting back", |step| NOW.as_secs() - step * 3600),
        ("leaping on", |step| NOW.as_secs() + step * 24 * 3600),
        ("without a battery", |step| if step < 3 { NOW.as_secs() } else { 0 }),
    ];
    for (name, clock) in clocks {
        let mut world = World::new();
        world.answers(with("expires_in", 12)).answers(pending()).answers(pending()).answers(pending());
        let (mut flow, mut action) = Flow::device_code(&entra(), &request(), &sign_in());
        let mut step = 0;
        let ending = loop {
            match world.turn(action) {
                Turn::Goes(event) => action = flow.resume(UnixTime::from_secs(clock(step)), event),
                Turn::Ended(ending) => break ending,
            }
            step += 1;
            assert!(step < 100, "{name}: no end");
        };
        assert!(matches!(ending, Err(Error::TimedOut(Waiting::UserCode))), "{name}: {ending:?}");
        assert_eq!(world.waits, [5, 5, 2].map(Duration::from_secs), "{name}");
    }
}

#[test]
fn where_the_clock_is_wrong_the_authority_ends_it_all_the_same() {
    let mut world = World::new();
    world.answers(code()).answers(pending()).answers(error(400, "expired_token", ""));
    let (mut flow, mut action) = Flow::device_code(&entra(), &request(), &sign_in());
    let ending = loop {
        match world.turn(action) {
            Turn::Goes(event) => action = flow.resume(NOW, event),
            Turn::Ended(ending) => break ending,
        }
    };
    assert!(matches!(ending, Err(Error::TimedOut(Waiting::UserCode))), "{ending:?}");
    assert_eq!(world.waits.len(), 2);
}

#[test]
fn a_policy_that_blocks_user_codes_points_to_the_browser() {
    let blocked = |word: &str, number: u32| {
        let description =
            format!("AADSTS{number}: Access has been blocked by Conditional Access policies. Trace ID: 1");
        json(400, &json!({ "error": word, "error_description": description, "error_codes": [number] }))
    };
    for number in [53003, 530_036] {
        for word in ["access_denied", "invalid_grant", "interaction_required"] {
            let mut at_once = World::new();
            at_once.answers(blocked(word, number));
            let mut polled = World::new();
            polled.answers(code()).answers(pending()).answers(blocked(word, number));
            for mut world in [at_once, polled] {
                let error = world.device_code(&entra(), &request(), &sign_in()).expect_err("no token");
                assert!(matches!(&error, Error::Server(server) if server.by_user_code), "{error:?}");
                let remedy = error.remedy().unwrap();
                assert!(remedy.contains("Conditional Access blocks sign-in by user code"), "{remedy}");
                assert!(remedy.contains("sign in with the browser"), "{remedy}");
                assert!(error.to_string().ends_with(remedy), "{error}");
                assert_eq!(world.authority.len(), 0);
            }
        }
    }
    // The same number in the browser is no matter of user codes.
    let mut world = World::new();
    world.answers(blocked("access_denied", 53003));
    let error = world.interactive(&entra(), &request(), &sign_in()).expect_err("no token");
    assert!(!error.remedy().unwrap().contains("blocks sign-in by user code"));
}

#[test]
fn the_user_may_be_given_less_time_than_the_code_has() {
    let mut world = World::new();
    world.answers(code()).answers(pending()).answers(pending());
    let ending = world.device_code(&entra(), &request(), &sign_in().timeout(Duration::from_secs(10)));
    assert!(matches!(ending, Err(Error::TimedOut(Waiting::UserCode))), "{ending:?}");
    assert_eq!(world.waits.len(), 2);
    let Prompt::UserCode { expires_in, .. } = &world.prompts[0] else { panic!() };
    assert_eq!(expires_in.as_secs(), 10);
}

#[test]
fn the_authority_has_the_last_word() {
    for word in ["expired_token", "code_expired"] {
        let (_, _, error) = pauses(code(), [error(400, word, "").into()]);
        assert!(matches!(error, Some(Error::TimedOut(Waiting::UserCode))), "{error:?}");
    }
    for word in ["authorization_declined", "access_denied", "bad_verification_code", "invalid_grant"] {
        let (world, _, error) = pauses(code(), [error(400, word, "").into()]);
        assert!(matches!(&error, Some(Error::Server(server)) if server.error == word), "{error:?}");
        assert_eq!(world.cache, None);
    }
    let (_, _, error) = pauses(code(), [html(200).into()]);
    assert!(matches!(error, Some(Error::Protocol(_))), "{error:?}");
    let (world, _, error) = pauses(code(), [grant().claim("aud", "another").into()]);
    assert!(matches!(error, Some(Error::Protocol(_))), "{error:?}");
    assert_eq!(world.cache, None);
}

#[test]
fn an_answer_without_a_code_is_none() {
    for field in ["device_code", "user_code", "verification_uri"] {
        let (world, _, error) = pauses(with(field, json!(null)), []);
        assert!(matches!(error, Some(Error::Protocol(_))), "{error:?}");
        assert_eq!(world.story(), "devicecode");
    }
    let mut world = World::new();
    world.answers(error(400, "unauthorized_client", ""));
    assert!(matches!(world.device_code(&entra(), &request(), &sign_in()), Err(Error::Server(_))));
}

#[test]
fn an_authority_may_have_no_such_sign_in() {
    let mut document = discovery();
    document["device_authorization_endpoint"] = json!(null);
    let mut world = World::new();
    world.answers(document);
    let ending = world.device_code(&oidc(), &request(), &sign_in());
    assert!(matches!(ending, Err(Error::Config(_))), "{ending:?}");
    assert_eq!(world.story(), "discovery");
}

#[test]
fn each_port_that_fails_is_named() {
    for (word, port) in [("devicecode", Port::Authority), ("present", Port::Browser), ("poll", Port::Authority)] {
        for fault in FAULTS.into_iter().filter(|fault| word != "poll" || !fault.is_transient()) {
            let mut world = World::new();
            world.answers(code());
            world.broken = Some((word, fault));
            match world.device_code(&entra(), &request(), &sign_in()) {
                Err(Error::Cancelled) => assert_eq!(fault, Fault::Cancelled),
                Err(Error::Adapter(failure)) => assert_eq!((failure.port, failure.fault), (port, fault)),
                other => panic!("{word} {fault:?}: {other:?}"),
            }
        }
    }
}
