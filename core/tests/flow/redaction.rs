//! Nothing that is printed shows a secret. Every story is watched for that; here, the watch is watched.

use entrada_core::{Action, Flow, Secret};
use serde_json::json;

use crate::stories::STORIES;
use crate::support::*;

/// What a story's printed actions and events have said.
fn printed(world: &mut World, (mut flow, mut action): (Flow, Action)) -> String {
    let mut text = format!("{flow:?} {action:?}");
    loop {
        match world.turn(action) {
            Turn::Goes(event) => {
                text += &format!(" {event:?}");
                action = flow.resume(world.now(), event);
                text += &format!(" {flow:?} {action:?}");
            }
            Turn::Ended(ending) => return text + &format!(" {ending:?}"),
        }
    }
}

fn verifier() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&World::new().rng.bytes(64)[..32])
}

#[test]
fn a_sign_in_shows_none_of_its_secrets() {
    let mut world = World::with(&signed_in().access(&ADA, "access-old", 60));
    world.answers(Grant::of("access-new").refresh("refresh-new").to(&ADA));
    let text = printed(&mut world, Flow::interactive(&entra(), &request(), &sign_in()));
    assert!(text.contains("[redacted]"));
    for secret in ["access-old", "refresh-1", "access-new", "refresh-new", "code-1", "eyJhbGciOiJub25lIn0", &verifier()]
    {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(world.calls[0].field("code_verifier"), verifier());
}

#[test]
fn a_refresh_and_a_user_code_show_none_of_theirs() {
    let mut world = World::with(&signed_in().access(&ADA, "access-old", 60));
    world.answers(Grant::of("access-new").refresh("refresh-new"));
    let refreshed = printed(&mut world, Flow::silent(&entra(), &request()));

    world.answers(json!({ "device_code": "device-code-1", "user_code": "A", "verification_uri": "https://aka.ms/d" }));
    world.answers(error(400, "slow_down", "")).answers(Grant::of("access-2").refresh("refresh-2"));
    let signed_in = printed(&mut world, Flow::device_code(&entra(), &request(), &sign_in()));
    for secret in ["access-old", "refresh-1", "access-new", "refresh-new", "device-code-1", "access-2", "refresh-2"] {
        assert!(!refreshed.contains(secret) && !signed_in.contains(secret), "{secret}");
    }
}

#[test]
fn errors_show_none_either() {
    for story in STORIES {
        let (mut world, flow) = story();
        world.run(flow).ok();
        for step in 0..world.story().split(' ').count() {
            for fault in FAULTS {
                let (mut world, flow) = story();
                world.strike = Some((step, fault));
                // The world looks at the printed end itself, and at its sentence.
                if let Err(error) = world.run(flow) {
                    world.sees_no_secret(&error);
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}

#[test]
fn the_watch_sees_what_is_printed_as_text_and_as_bytes() {
    let watching = || {
        let mut world = World::with(&signed_in());
        world.load().unwrap();
        world
    };
    let sees = |what: &(dyn std::fmt::Debug + std::panic::RefUnwindSafe)| {
        std::panic::catch_unwind(|| watching().sees_no_secret(&what)).is_err()
    };
    assert!(sees(&"the token is refresh-1"));
    assert!(sees(&b"the token is refresh-1".to_vec()));
    assert!(!sees(&Secret::new("refresh-1")));
}
