//! Graph takes its time, and says so or does not.

use entrada_authority::{Endpoint, Fault, RetryAfter};
use serde_json::json;

use super::*;

#[test]
fn what_was_made_is_waited_for_and_not_made_twice() {
    let office = Office::new();
    office.stage().hide_new(2);
    let app = office.published();
    let client = office.registered();
    office.setup(&["grant", "--app", &app, "--client-id", &client]).expect_code(0);
    let shapes = shapes(&office.writes());
    let count = |wanted: &str| shapes.iter().filter(|shape| *shape == wanted).count();
    assert_eq!(count("POST /v1.0/applicationTemplates/*/instantiate"), 1);
    assert_eq!((count("POST /v1.0/applications"), count("POST /v1.0/servicePrincipals")), (1, 1));
}

#[test]
fn what_exists_and_is_not_listed_yet_is_there() {
    let office = Office::new();
    let (app, client) = (office.published(), office.registered());
    office.stage().hide_new(1000);
    for (step, request) in [
        (["grant", "--app", &app, "--client-id", &client], "POST /v1.0/oauth2PermissionGrants"),
        (["assign", "--app", &app, "--user", ADA], "POST /v1.0/servicePrincipals/*/appRoleAssignedTo"),
    ] {
        let before = office.writes().len();
        assert_ne!(office.set_up(&step)["created"], json!([]), "{step:?}");
        let again = office.set_up(&step);
        assert_eq!((&again["created"], &again["changed"]), (&json!([]), &json!([])), "{step:?}");
        let sent = shapes(&office.writes()[before..]);
        assert_eq!(sent.iter().filter(|shape| *shape == request).count(), 2, "it was not seen: {sent:?}");
    }
}

#[test]
fn graph_is_given_the_time_that_it_asks_for() {
    let office = Office::new();
    let app = office.published();
    office.stage().faults().push(Endpoint::Graph, Fault::Status(429, Some(RetryAfter::Seconds(1))));
    let since = std::time::Instant::now();
    office.setup(&["assign", "--app", &app, "--user", ADA]).expect_code(0).says("Microsoft Graph asks for patience");
    assert!(since.elapsed() >= std::time::Duration::from_secs(1));
    office.stage().faults().push(Endpoint::Graph, Fault::Status(429, Some(RetryAfter::Seconds(3600))));
    office.setup(&["show", "--app", &app]).fails(7, "TooManyRequests", "later");
}

#[test]
fn a_run_that_broke_off_is_taken_up_where_it_ended() {
    let office = Office::new();
    office.stage().set_licensed(false);
    office.publish(&[]).fails(13, "license", "P1 or P2");
    let made = office.writes().len();
    assert!(made > 1, "the app is there, unpublished");
    office.stage().set_licensed(true);
    office.published();
    assert_eq!(shapes(&office.writes()[made..]), ["PATCH /beta/applications/*"]);
}

#[test]
fn what_is_no_graph_is_told() {
    let office = Office::new();
    for fault in [Fault::Html, Fault::WrongJson, Fault::Empty, Fault::CutMidBody] {
        let code = if fault == Fault::CutMidBody { 7 } else { 15 };
        office.stage().faults().push(Endpoint::Graph, fault);
        office.leaves_all(|| office.publish(&[])).expect_code(code);
    }
}
