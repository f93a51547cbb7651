//! Several who need a sign-in at once, and a user who is not there.

use std::time::Duration;

use entrada_core::{Error, Fault, Lock, Outcome, Prompt, SignIn, UiReason, Waiting};

use serde_json::json;

use crate::support::*;

fn unasked() -> SignIn {
    sign_in().unasked(true)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn the_first_one_shows_the_page_and_holds_the_lock_until_the_token_is_stored() {
    for how in [sign_in(), unasked()] {
        let mut world = World::new();
        world.sign_in_locks.push_back(Lock::Held);
        world.answers(Grant::of("access-1").refresh("refresh-1"));
        token(world.interactive(&entra(), &request(), &how));
        let look = if format!("{how:?}").contains("unasked: true") { "load " } else { "" };
        let story = "entropy listen present receive redeem lock load save unlock sign-in-unlock";
        assert_eq!(world.story(), format!("sign-in-lock {look}{story}"));
    }
}

#[test]
fn the_second_one_says_so_and_waits_for_the_first() {
    let mut world = World::new();
    world.sign_in_locks.extend([Lock::Busy, Lock::Busy, Lock::Busy, Lock::Held]);
    let ending = world.interactive(&entra(), &request(), &unasked());
    assert!(matches!(ending, Ok(Outcome::Joined)), "{ending:?}");
    assert_eq!(
        world.story(),
        "sign-in-lock present wait load sign-in-lock wait load sign-in-lock wait load sign-in-lock sign-in-unlock"
    );
    assert!(matches!(world.prompts[..], [Prompt::OtherSignIn { expires_in }] if expires_in == seconds(300)));
}

#[test]
fn whoever_is_first_just_after_another_finds_the_token() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 3600));
    world.sign_in_locks.push_back(Lock::Held);
    assert_eq!(token(world.interactive(&entra(), &request(), &unasked())).secret.expose(), "access-1");
    assert_eq!(world.story(), "sign-in-lock load sign-in-unlock");
}

#[test]
fn or_the_sign_in_that_can_bring_one_unless_it_was_refused() {
    // For another app, a moment ago.
    let fresh = || {
        let mut world = World::new();
        world.answers(Grant::of("access-1").refresh("refresh-1").to(&ADA));
        let other = entrada_core::TokenRequest::new(["https://other.example//x"]).unwrap();
        token(world.interactive(&entra(), &other, &sign_in()));
        world.later(seconds(1)).sign_in_locks.push_back(Lock::Held);
        world
    };
    let mut world = fresh();
    let ending = world.interactive(&entra(), &request(), &unasked());
    assert!(matches!(ending, Ok(Outcome::Joined)), "{ending:?}");
    assert_eq!(world.story(), "sign-in-lock load sign-in-unlock");

    let mut world = fresh();
    world.answers(error(400, "invalid_grant", "basic_action"));
    reason(world.silent(&entra(), &request()));
    world.later(seconds(1)).answers(Grant::of("access-2").refresh("refresh-2").to(&ADA));
    assert_eq!(token(world.interactive(&entra(), &request(), &unasked())).secret.expose(), "access-2");

    // One of yesterday has been seen by everybody.
    let mut world = fresh();
    world.later(seconds(86_400)).answers(Grant::of("access-2").refresh("refresh-2").to(&ADA));
    assert_eq!(token(world.interactive(&entra(), &request(), &unasked())).secret.expose(), "access-2");
}

#[test]
fn a_user_who_asks_is_not_kept_waiting() {
    let mut world = World::with(&signed_in().access(&ADA, "access-0", 3600));
    world.sign_in_locks.push_back(Lock::Busy);
    world.answers(Grant::of("access-1").refresh("refresh-1").to(&ADA));
    assert_eq!(token(world.interactive(&entra(), &request(), &sign_in())).secret.expose(), "access-1");
    assert_eq!(world.story(), "sign-in-lock entropy listen present receive redeem lock load save unlock");
}

#[test]
fn another_that_never_ends_is_not_awaited_for_ever() {
    let mut world = World::new();
    world.sign_in_locks.extend([Lock::Busy; 5000]);
    let ending = world.interactive(&entra(), &request(), &unasked());
    assert!(matches!(ending, Err(Error::TimedOut(Waiting::SignIn))), "{ending:?}");
    assert_eq!(world.waits.iter().sum::<Duration>(), seconds(300));
    assert_eq!(world.prompts.len(), 1, "and no window is shown beside it");

    // The user may have signed in elsewhere meanwhile.
    let mut world = World::new();
    world.sign_in_locks.extend([Lock::Busy; 5000]);
    world.meanwhile.extend([None, Some(signed_in().access(&ADA, "access-1", 3600))]);
    assert_eq!(token(world.interactive(&entra(), &request(), &unasked())).secret.expose(), "access-1");
    assert_eq!(world.waits.len(), 2);
}

#[test]
fn no_lock_is_no_hindrance_and_whoever_gives_up_gives_up() {
    let mut world = World::new();
    world.broken = Some(("sign-in-lock", Fault::Denied));
    world.sign_in_locks.push_back(Lock::Held);
    world.answers(Grant::of("access-1").refresh("refresh-1"));
    token(world.interactive(&entra(), &request(), &unasked()));

    let mut world = World::new();
    world.sign_in_locks.push_back(Lock::Busy);
    world.broken = Some(("wait", Fault::Cancelled));
    let ending = world.interactive(&entra(), &request(), &unasked());
    assert!(matches!(ending, Err(Error::Cancelled)), "{ending:?}");
}

#[test]
fn a_user_code_is_shown_once_too() {
    let mut world = World::new();
    world.sign_in_locks.extend([Lock::Busy, Lock::Held]);
    let ending = world.device_code(&entra(), &request(), &unasked());
    assert!(matches!(ending, Ok(Outcome::Joined)), "{ending:?}");
}

#[test]
fn after_three_in_vain_the_user_is_left_alone_for_ten_minutes() {
    let mut world = World::with(&Cached::new());
    world.browser = Back::Fault(Fault::TimedOut);
    for _ in 0..3 {
        let ending = world.interactive(&entra(), &request(), &unasked());
        assert!(matches!(ending, Err(Error::TimedOut(Waiting::SignIn))), "{ending:?}");
        world.later(seconds(300));
    }
    assert_eq!(reason(world.interactive(&entra(), &request(), &unasked())), UiReason::Unanswered);
    assert_eq!(reason(world.device_code(&entra(), &request(), &unasked())), UiReason::Unanswered);
    assert_eq!(world.story(), "load load", "nothing is shown");

    // Another account is another matter; and who asks gets a page.
    world.later(seconds(0));
    let other = request().account(entrada_core::AccountSelector::Named("bob@contoso.com".into()));
    assert!(matches!(world.interactive(&entra(), &other, &unasked()), Err(Error::TimedOut(_))));
    assert!(matches!(world.interactive(&entra(), &request(), &sign_in()), Err(Error::TimedOut(_))));

    // Ten minutes after the last one it may be tried again, and an answer ends it all.
    world.later(seconds(601));
    world.browser = World::new().browser;
    world.answers(Grant::of("access-1").refresh("refresh-1"));
    token(world.interactive(&entra(), &request(), &unasked()));
    let notes = world.cached()["Entrada"]["unanswered"].to_string();
    assert_eq!(notes.matches("18000").count(), 1, "only the other account's is left: {notes}");
}

#[test]
fn a_no_counts_as_well() {
    let mut world = World::with(&Cached::new());
    world.browser = Back::with("error=access_denied&error_subcode=cancel&state={state}");
    for _ in 0..10 {
        assert!(world.interactive(&entra(), &request(), &unasked()).is_err());
        world.later(seconds(1));
    }
    assert_eq!(world.prompts.len(), 3);
}

#[test]
fn a_refresh_token_of_the_future_is_no_fresh_sign_in() {
    let ahead = json!({ "last_modification_time": (NOW.as_secs() + 86_400).to_string() });
    let mut world = World::with(&signed_in().refresh_with(&ADA, "refresh-1", ahead));
    world.sign_in_locks.push_back(Lock::Held);
    world.answers(Grant::of("access-2").refresh("refresh-2").to(&ADA));
    token(world.interactive(&entra(), &request(), &unasked()));
}
