//! The cache answers, or it does not.

use std::time::Duration;

use entrada_core::{TokenSource, UiReason, Warning};
use serde_json::json;

use crate::support::*;

#[test]
fn a_hit_takes_one_look_into_the_cache_and_nothing_else() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", 3600));
    let token = token(world.silent(&entra(), &request()));
    assert_eq!(token.secret.expose(), "access-1");
    assert_eq!(token.source, TokenSource::Cache);
    assert_eq!(token.expires_on, NOW + Duration::from_secs(3600));
    assert_eq!(token.account.unwrap().username, ADA.name);
    assert!(token.warnings.is_empty());
    assert_eq!(world.story(), "load");
}

#[test]
fn a_token_is_due_five_minutes_before_it_expires() {
    for (expires_in, story) in [(301, "load"), (300, "load lock load refresh save unlock")] {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", expires_in));
        world.answers(Grant::of("access-2"));
        token(world.silent(&entra(), &request()));
        assert_eq!(world.story(), story, "{expires_in} s to live");
    }
}

#[test]
fn a_longer_lifetime_can_be_insisted_on() {
    let request = request().min_lifetime(Duration::from_secs(1800));
    for (expires_in, secret) in [(1801, "access-1"), (1800, "access-2")] {
        let mut world = World::with(&signed_in().access(&ADA, "access-1", expires_in));
        world.answers(Grant::of("access-2"));
        assert_eq!(token(world.silent(&entra(), &request)).secret.expose(), secret);
    }
}
