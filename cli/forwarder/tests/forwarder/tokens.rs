//! One token for many requests, renewed behind them; and what happens where there is none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entrada::TokenRequest;
use entrada_authority::{Endpoint, Revocation, Stage};
use entrada_forwarder::{Listen, Published};
use serde_json::json;

use crate::support::{App, Local, World, until};

#[test]
fn a_renewal_in_the_middle_of_a_stream_of_requests_fails_none() {
    let world = World::with(Stage::builder().access_token_lifetime(Duration::from_secs(3600)));
    let local = world.forwarder();
    let (stop, requests) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = local.connect();
                while !stop.load(Ordering::SeqCst) {
                    client.get("/api/me").expect(200);
                    requests.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let more = |wanted: usize| {
            let before = requests.load(Ordering::SeqCst);
            until(|| requests.load(Ordering::SeqCst) >= before + wanted);
        };
        more(50);
        for round in 1..=3 {
            // Four minutes are left: it is renewed behind the requests, which go on with it.
            world.stage.advance(Duration::from_secs(3600 - 240));
            until(|| world.stage.count(Endpoint::Token, "refresh_token") == round);
            more(50);
            // The first one has ended by now.
            world.stage.advance(Duration::from_secs(241));
            more(50);
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert_eq!(world.stage.count(Endpoint::Token, ""), 3, "one refresh each, for all of them");
    assert_eq!(local.counts.errors(), 0);
    let mut bearers = world.stage.bearers_seen(Endpoint::Proxy);
    bearers.dedup();
    bearers.sort();
    bearers.dedup();
    assert_eq!(bearers.len(), 4);
    assert!(world.events().is_empty(), "{:?}", world.events());
}

#[test]
fn a_token_that_ended_while_nobody_looked_is_renewed_once_for_all_who_come() {
    let world = World::new();
    let local = world.forwarder();
    local.get("/api/me").expect(200);
    world.stage.advance(Duration::from_secs(3 * 3600));
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| local.get("/api/me").expect(200));
        }
    });
    assert_eq!(world.stage.count(Endpoint::Token, ""), 1);
}

#[test]
fn claims_are_got_once_and_the_request_sent_again() {
    let world = World::new();
    let local = world.forwarder();
    world.stage.demand_claims(json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}}));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| local.connect().ask("POST", "/echo", "", b"kept").expect(200).says(r#""body":"kept""#));
        }
    });
    assert_eq!(world.stage.count(Endpoint::Token, "refresh_token"), 1);
    local.get("/api/me").expect(200);
    assert_eq!(world.stage.count(Endpoint::Token, "refresh_token"), 1);
}

#[test]
fn a_body_that_is_too_large_to_be_kept_is_not_sent_again_but_the_next_one_is_right() {
    const LARGE: usize = 1 << 20;
    let world = World::new();
    let app = App::doing(|mut visit| {
        let mut first = None;
        while let Some(head) = visit.head() {
            assert_eq!(visit.body(LARGE).len(), LARGE);
            let bearer = head.lines().find(|line| line.starts_with("authorization: ")).unwrap().to_owned();
            // The claims are {"access_token":{"acrs":{"essential":true,"value":"c1"}}}.
            visit.say(if *first.get_or_insert_with(|| bearer.clone()) == bearer {
                "HTTP/1.1 401 No\r\ncontent-length: 0\r\nwww-authenticate: Bearer error=\"insufficient_claims\", \
                 claims=\"eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19\"\r\n\r\n"
            } else {
                "HTTP/1.1 200 Fine\r\ncontent-length: 0\r\n\r\n"
            });
        }
    });
    let local = world.forwarder_to(&app);
    let body = vec![b'x'; LARGE];
    let challenge = local.connect().ask("POST", "/", "", &body).expect(401);
    assert!(challenge.header("www-authenticate").unwrap().contains("insufficient_claims"));
    local.connect().ask("POST", "/", "", &body).expect(200);
    assert_eq!((app.heads().len(), app.connections()), (2, 1));
    assert_eq!(world.stage.count(Endpoint::Token, "refresh_token"), 1);
}

#[test]
fn the_proxys_redirect_to_sign_in_is_never_handed_on() {
    let world = World::new();
    let request = TokenRequest::new([world.stage.one_slash_scope()]).unwrap();
    world.client.sign_in(&request, &entrada::SignIn::new()).unwrap();
    let app = Published::new(world.stage.external_url(), world.lender_of(request)).unwrap();
    let local = Local::start(world.builder().publish(app, Listen::default()));
    for _ in 0..3 {
        let refused = local.get("/api/me").expect(502);
        assert_eq!((refused.header("location"), refused.header("x-entrada-error")), (None, Some("proxy_refused")));
        assert!(refused.text().contains("audience") || refused.text().contains("slash"), "{}", refused.text());
    }
    assert_eq!(local.counts.errors(), 3);
    let events = world.events();
    assert!(events.len() == 1 && events[0].starts_with("failing: "), "told once: {events:?}");
}

#[test]
fn a_redirect_of_the_proxys_after_the_token_has_ended_gets_another_token() {
    let world = World::new();
    // By its own clock the token is good for long.
    let app = Published::new(world.stage.external_url(), world.lender()).unwrap();
    let local = Local::start(world.builder().publish(app, Listen::default()));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| local.get("/slow/300").expect(200));
        until(|| local.counts.open() == 1);
        world.stage.advance(Duration::from_secs(2 * 3600));
        slow.join().unwrap();
    });
    local.get("/api/me").expect(200);
}

#[test]
fn a_sign_in_that_is_needed_is_told_once_and_requests_wait_for_it_with_502() {
    let world = World::new();
    let local = world.forwarder();
    local.get("/api/me").expect(200);
    world.stage.revoke_refresh_tokens(&world.stage.ada().upn, Revocation::PasswordChanged);
    world.stage.advance(Duration::from_secs(2 * 3600));
    for _ in 0..3 {
        let refused = local.get("/api/me").expect(502).says("run: the sign-in");
        assert_eq!(refused.header("x-entrada-error"), Some("sign_in_needed"));
    }
    assert_eq!(world.events(), ["no token; run: the sign-in"]);
    assert_eq!(local.counts.first_token_ends(), None);
    world.sign_in();
    // What failed a moment ago is not asked for again at once.
    until(|| local.get("/api/me").status == 200);
    assert_eq!(world.events(), ["no token; run: the sign-in", "token"]);
}

#[test]
fn who_signs_out_takes_the_token_out_of_use() {
    let world = World::new();
    let local = world.forwarder();
    local.get("/api/me").expect(200);
    world.client.sign_out(None).unwrap();
    world.stage.advance(Duration::from_secs(31));
    // This request may still go through: it is the one that has it looked at.
    until(|| local.get("/api/me").status == 502);
}
