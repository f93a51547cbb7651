//! Stories that between them take every step there is.

use entrada_core::{AccountSelector, Action, App, Flow, Lock};
use serde_json::json;

use crate::support::*;

/// A world, and the flow that is to run in it.
pub(crate) type Story = (World, (Flow, Action));

/// Every story by its number, each from the same beginning however often it is told.
pub(crate) const STORIES: [fn() -> Story; 10] = [
    silent_hit,
    refresh_behind_a_busy_lock,
    refresh_without_a_lock,
    refresh_of_an_aging_token,
    worthless_refresh_token,
    refresh_at_an_issuer,
    sign_in_over_a_corrupt_cache,
    sign_in_at_an_issuer,
    user_code,
    sign_out,
];

fn expired() -> World {
    World::with(&signed_in().access(&ADA, "access-1", -1))
}

/// Spare grants, so that a story can go on after an answer was lost.
fn grants(world: &mut World, app: &App, count: usize) {
    for _ in 0..count {
        world.answers(Grant::of("access-2").refresh("refresh-2").to(&ADA).by(app));
    }
}

fn silent_hit() -> Story {
    (World::with(&signed_in().access(&ADA, "access-1", 3600)), Flow::silent(&entra(), &request()))
}

fn refresh_behind_a_busy_lock() -> Story {
    let mut world = expired();
    world.locks.extend([Lock::Busy, Lock::Busy]);
    grants(&mut world, &entra(), 2);
    (world, Flow::silent(&entra(), &request()))
}

fn refresh_without_a_lock() -> Story {
    let mut world = expired();
    world.locks.extend([Lock::Unsupported; 9]);
    grants(&mut world, &entra(), 2);
    (world, Flow::silent(&entra(), &request()))
}

fn refresh_of_an_aging_token() -> Story {
    let due = json!({ "refresh_on": NOW.to_string() });
    let mut world = World::with(&signed_in().access_with(&ADA, "access-1", 3600, due));
    grants(&mut world, &entra(), 2);
    (world, Flow::silent(&entra(), &request()))
}

fn worthless_refresh_token() -> Story {
    let mut world = expired();
    world.answers(error(400, "invalid_grant", "bad_token"));
    (world, Flow::silent(&entra(), &request()))
}

fn refresh_at_an_issuer() -> Story {
    let mut world = World::with(&Cached::new().host("id.example").realm("").refresh(&ADA, "refresh-1"));
    world.answers(discovery());
    grants(&mut world, &oidc(), 2);
    (world, Flow::silent(&oidc(), &request()))
}

fn sign_in_over_a_corrupt_cache() -> Story {
    let mut world = World::new();
    world.cache = Some(b"not json".to_vec());
    grants(&mut world, &entra(), 2);
    (world, Flow::interactive(&entra(), &request(), &sign_in()))
}

fn sign_in_at_an_issuer() -> Story {
    let mut world = World::new();
    world.locks.push_back(Lock::Busy);
    world.answers(discovery());
    grants(&mut world, &oidc(), 2);
    (world, Flow::interactive(&oidc(), &request(), &sign_in()))
}

fn user_code() -> Story {
    let mut world = World::with(&signed_in());
    world.answers(json!({ "device_code": "device-code-1", "user_code": "A", "verification_uri": "https://aka.ms/d" }));
    world.answers(error(400, "authorization_pending", "")).answers(error(400, "slow_down", ""));
    grants(&mut world, &entra(), 2);
    (world, Flow::device_code(&entra(), &request(), &sign_in()))
}

fn sign_out() -> Story {
    let mut world = World::with(&signed_in());
    world.locks.push_back(Lock::Busy);
    (world, Flow::sign_out(&entra(), Some(AccountSelector::Named(ADA.name.into()))))
}
