//! What is another's, or a user's own, is not taken for the app that is to be published.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_native_client_is_not_made_a_proxy_app() {
    let office = Office::new();
    let client = office.registered();
    let before = office.stage().application(&client);
    let (internal, external) = (office.stage().internal_url(), office.external_url());
    let urls = ["--internal-url", &internal, "--external-url", &external, "--yes"];
    for named in [["--name", "Payroll on the command line"], ["--app", &client]] {
        let done = office.leaves_all(|| office.setup(&[&["publish"][..], &named, &urls].concat()));
        done.fails(15, "is a native client", "choose another --name");
    }
    office
        .stage()
        .edit_application(&client, &json!({"publicClient": {"redirectUris": []}, "isFallbackPublicClient": true}));
    let named = ["publish", "--app", &client];
    office.leaves_all(|| office.setup(&[&named[..], &urls].concat())).expect_code(15).says("is a native client");
    assert_eq!(office.stage().application(&client)["onPremisesPublishing"], before["onPremisesPublishing"]);
}

#[test]
fn an_app_that_is_not_published_yet_is_published_with_consent_only() {
    let office = Office::new();
    let app = office.registered();
    office.stage().edit_application(&app, &json!({"displayName": "Payroll", "publicClient": {"redirectUris": []}}));
    let external = office.external_url();
    let web = json!({"redirectUris": [external], "homePageUrl": external});
    office.stage().edit_application(&app, &json!({ "web": web }));
    let said = format!("application proxy of \"Payroll\": not published would become published at {external}");
    office.leaves_all(|| office.publish(&[])).fails(15, "application proxy of \"Payroll\"", "--yes").says(&said);
    let dry = office.leaves_all(|| office.publish(&["--dry-run", "--output", "json"])).expect_code(0).json();
    assert_eq!(dry["differences"][0]["is"], "not published");
    office.publish(&["--yes"]).expect_code(0);
    assert_eq!(office.stage().application(&app)["onPremisesPublishing"]["externalUrl"], external.as_str());
}

#[test]
fn id_tokens_are_switched_on_in_a_published_app_with_consent_only() {
    let office = Office::new();
    let report = office.publish(&["--output", "json"]).expect_code(0).json();
    let app = report["outcome"]["app_id"].as_str().unwrap();
    let set = "set the app's identifier, redirect URI, home page, ID tokens by implicit grant";
    assert_eq!(report["changed"][0], set);
    let is_on = || office.stage().application(app)["web"]["implicitGrantSettings"]["enableIdTokenIssuance"].clone();
    let mut web = office.stage().application(app)["web"].clone();
    web["implicitGrantSettings"] = json!({"enableIdTokenIssuance": false, "enableAccessTokenIssuance": false});
    office.stage().edit_application(app, &json!({ "web": web }));
    let refused = office.leaves_all(|| office.publish(&[]));
    refused.fails(15, "ID tokens by implicit grant", "--yes").says("grant: off would become on");
    assert_eq!(is_on(), false);
    let report = office.publish(&["--yes", "--output", "json"]).expect_code(0).json();
    assert_eq!(report["changed"], json!(["set the app's ID tokens by implicit grant"]));
    assert_eq!(is_on(), true);
}

#[test]
fn an_app_is_at_the_url_that_it_is_published_at() {
    let office = Office::new();
    let app = office.published();
    let external = office.external_url();
    let found =
        || office.setup(&["show", "--app", &external, "--output", "json"]).expect_code(0).json()["found"].take();
    let elsewhere = "https://other-contoso.msappproxy.net/";
    let words = ["publish", "--name", "Other", "--internal-url", "http://other/", "--external-url", elsewhere];
    let other = office.set_up(&words)["outcome"]["app_id"].as_str().unwrap().to_owned();
    let web = office.stage().application(&other)["web"].clone();
    let mut both = web.clone();
    both["redirectUris"] = json!([elsewhere, external]);
    office.stage().edit_application(&other, &json!({ "web": both }));
    assert_eq!(found()["app"]["app_id"], app.as_str(), "the other has its URL for a reply URL alone");

    let mut publishing = office.stage().application(&app)["onPremisesPublishing"].clone();
    publishing["externalUrl"] = "https://moved-contoso.msappproxy.net/".into();
    office.stage().edit_application(&app, &json!({ "onPremisesPublishing": publishing }));
    assert_eq!(found()["app"], Value::Null, "its home page is there still");
    let assign = || office.setup(&["assign", "--app", &external, "--user", ADA]);
    office.leaves_all(assign).fails(15, "no app published at", "entrada setup publish");
}

#[test]
fn the_role_that_is_named_is_the_one_that_is_assigned() {
    let office = Office::new();
    let app = office.published();
    let assign = |more: &[&str]| office.setup(&[&["assign", "--app", &app, "--user", BOB][..], more].concat());
    assign(&["--role", "msiam_access"]).expect_code(0);
    office.leaves_all(|| assign(&[])).expect_code(0);
    office.leaves_all(|| assign(&["--role", "msiam_access"])).expect_code(0);
    office.leaves_all(|| assign(&["--role", "Owner"])).fails(15, "no role \"Owner\"", "msiam_access, User");
    let before = office.writes().len();
    assign(&["--role", "User"]).expect_code(0);
    assert_eq!(office.writes()[before].body["appRoleId"], "18d14569-c3bd-439b-9a66-3a2aee01d14f");
    office.leaves_all(|| assign(&["--role", "User"])).expect_code(0);
}
