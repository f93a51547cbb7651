//! Who asks again and again, and who comes after a refusal: a sign-in is offered where one is needed, and no token is
//! taken for another.

use std::time::Duration;

use entrada_core::{Fault, Lock, Outcome, TokenRequest, UiReason};
use serde_json::json;

use crate::refresh::two_refresh_tokens;
use crate::support::*;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn dated(age: u64) -> serde_json::Value {
    json!({ "last_modification_time": (NOW.as_secs() - age).to_string() })
}

/// A refused refresh, and an unasked sign-in after it, as often as the client would: how many refreshes it took until
/// the page was shown.
fn refreshes_before_the_page(world: &mut World, request: &TokenRequest) -> usize {
    world.sign_in_locks.extend([Lock::Held; 20]);
    let mut refreshes = 0;
    for round in 0..9 {
        let refused = error(400, "invalid_grant", "basic_action");
        world.answers(refused.clone()).answers(refused);
        reason(world.silent(&entra(), request));
        refreshes += world.calls.len();
        world.later(seconds(0)).authority.clear();
        world.answers(Grant::of("access-2").refresh("refresh-2").to(&ADA));
        let how = sign_in().unasked(true).after_joining(round > 0);
        match world.interactive(&entra(), request, &how) {
            Ok(Outcome::Joined) => world.later(seconds(0)).authority.clear(),
            ending => {
                token(ending);
                assert!(world.story().contains("receive"), "{}", world.story());
                return refreshes;
            }
        }
    }
    panic!("no page after {refreshes} refreshes")
}

#[test]
fn a_refusal_of_a_moment_ago_leads_to_the_page() {
    let recent = || World::with(&signed_in().refresh_with(&ADA, "refresh-1", dated(20)));
    assert_eq!(refreshes_before_the_page(&mut recent(), &request()), 1);
    assert_eq!(refreshes_before_the_page(&mut recent(), &request().force_refresh(true)), 1);
    assert_eq!(refreshes_before_the_page(&mut two_refresh_tokens(20), &request()), 2);

    // Also where the refusal cannot be noted.
    let mut world = recent();
    world.locks.extend([Lock::Unsupported; 20]);
    assert_eq!(refreshes_before_the_page(&mut world, &request()), 1);
    let mut world = recent();
    world.broken = Some(("save", Fault::Denied));
    assert_eq!(refreshes_before_the_page(&mut world, &request()), 1);
}

#[test]
fn the_refusals_of_two_refresh_tokens_both_hold() {
    for suberror in ["basic_action", "bad_token"] {
        let mut world = two_refresh_tokens(1000);
        let mut asked = Vec::new();
        for _ in 0..3 {
            let refused = error(400, "invalid_grant", suberror);
            world.answers(refused.clone()).answers(refused);
            let _ = world.silent(&entra(), &request());
            asked.push(world.calls.len());
            world.later(seconds(1)).authority.clear();
        }
        assert_eq!(asked, [2, 0, 0], "{suberror}");
    }
}

#[test]
fn the_last_token_of_a_loop_is_the_one_that_the_loop_brought() {
    // One for another audience lives longer, and has a scope in common.
    let graph = "email openid profile https://graph.microsoft.com/User.Read";
    let mut world = World::with(&signed_in().target(graph).access(&ADA, "access-graph", 50_000));
    let request = TokenRequest::new([SCOPE, "email"]).unwrap();
    for number in 0..12 {
        world.answers(Grant::of(&format!("access-{number}")).with("scope", SCOPE));
        let given = token(world.silent(&entra(), &request));
        assert_eq!(given.secret.expose(), format!("access-{}", number.min(9)));
        world.later(seconds(1)).authority.clear();
    }
}

#[test]
fn after_ten_refusals_it_is_still_a_sign_in_that_is_needed() {
    for access in [3600, -1] {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", access));
        let more = TokenRequest::new([SCOPE, "https://hr-contoso.msappproxy.net/admin"]).unwrap().force_refresh(true);
        let mut asked = 0;
        for _ in 0..15 {
            world.answers(error(400, "invalid_grant", "consent_required"));
            assert_eq!(reason(world.silent(&entra(), &more)), UiReason::ConsentRequired);
            asked += world.calls.len();
            world.later(seconds(1)).authority.clear();
        }
        assert_eq!(asked, 10);

        // A sign-in for another app brings a refresh token that nobody has refused.
        let other = TokenRequest::new(["https://other.example//x"]).unwrap();
        world.answers(Grant::of("access-2").refresh("refresh-2").to(&ADA));
        token(world.interactive(&entra(), &other, &sign_in()));
        world.later(seconds(1)).answers(Grant::of("access-3"));
        assert_eq!(token(world.silent(&entra(), &more)).secret.expose(), "access-3");
    }
}

#[test]
fn short_lives_are_no_loop() {
    let mut world = World::with(&signed_in());
    for number in 0..12 {
        world.answers(Grant::of(&format!("access-{number}")).with("expires_in", 50));
        assert!(token(world.silent(&entra(), &request())).warnings.is_empty());
        world.later(seconds(26));
    }
    world.answers(Grant::of("forced").with("expires_in", 50));
    assert_eq!(token(world.silent(&entra(), &request().force_refresh(true))).secret.expose(), "forced");
}

#[test]
fn a_no_by_user_code_counts_as_well() {
    let code = json!({ "device_code": "device-code-1", "user_code": "ABC", "expires_in": 900, "interval": 5,
        "verification_uri": "https://microsoft.com/devicelogin" });
    let mut world = World::with(&Cached::new());
    for _ in 0..10 {
        world.answers(json(200, &code)).answers(error(400, "authorization_declined", ""));
        assert!(world.device_code(&entra(), &request(), &sign_in().unasked(true)).is_err());
        world.later(seconds(1)).authority.clear();
    }
    assert_eq!(world.prompts.len(), 3);
}

#[test]
fn odd_fields_are_written_as_json_again() {
    for odd in [
        r#""a\"b":"x\\","c": [1 , 2],"d":{"e" : "\u0041"}"#,
        r#""dup":1,"dup":2,"x":-0,"y":1E+2"#,
        "\"tab\\t\":\"\\t\"",
    ] {
        let text = String::from_utf8(signed_in().bytes()).unwrap();
        let kind = r#""credential_type":"RefreshToken""#;
        let mut world = World::new();
        world.cache = Some(text.replacen(kind, &format!("{kind},{odd}"), 1).into_bytes());
        world.answers(Grant::of("access-2").refresh("refresh-2"));
        token(world.silent(&entra(), &request()));
        assert_eq!(world.secrets("RefreshToken"), ["refresh-2"]);
        world.later(seconds(1));
        assert_eq!(token(world.silent(&entra(), &request())).secret.expose(), "access-2");
    }
}
