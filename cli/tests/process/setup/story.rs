//! From nothing to a page of the app, and what is there stays.

use serde_json::{Value, json};

use super::*;

#[test]
fn from_nothing_to_a_page_of_the_app() {
    let office = Office::new();
    let app = office.published();
    assert_eq!(
        shapes(&office.writes()),
        [
            "POST /v1.0/applicationTemplates/*/instantiate",
            "PATCH /beta/applications/*",
            "PATCH /v1.0/applications/*",
            "PATCH /beta/applications/*",
        ],
        "identifiers and web, the permission, then publishing"
    );
    let client = office.registered();
    let granted = office.set_up(&["grant", "--app", &app, "--client-id", &client]);
    let external = office.external_url();
    let scope = format!("{app}/user_impersonation");
    assert_eq!(granted["outcome"]["scope"], scope.as_str());
    let config = granted["config"].as_str().unwrap();
    assert!(config.contains(&format!("[app.\"{external}\"]\nscope = \"{scope}\"\n")), "{config}");
    let get: Vec<&str> = granted["next"][1].as_str().unwrap().split(' ').skip(1).collect();
    assert_eq!(&get[..2], ["get", &external]);

    // The very command that was printed; the sign-in is that of the remedy.
    let run = |args: &[&str]| office.world.run(args).done();
    run(&get).fails(10, "a sign-in is needed", &format!("entrada login {external} --client-id {client}"));
    let login = ["login", "--client-id", &client, "--scope", &scope, "--flow", "browser", "--no-browser"];
    let running = office.world.run(&login).start();
    let visit = office.world.visit(&running.sign_in_url());
    assert_eq!(visit.aadsts(), Some(50105), "nobody is assigned yet");
    running.kill();

    office.set_up(&["assign", "--app", &external, "--user", ADA]);
    let running = office.world.run(&login).start();
    let visit = office.world.visit(&running.sign_in_url());
    assert!(!visit.titles.iter().any(|title| title.contains("Permissions")), "{:?}", visit.titles);
    running.done().expect_code(0);
    let page = format!("{external}api/me");
    let me = [&get[..1], &[&page], &get[2..]].concat();
    assert_eq!(run(&me).expect_code(0).json()["name"], "Ada Lovelace");

    // With the configuration that was printed there is nothing to type but the URL.
    office.world.home.config(config);
    let me = office.world.run(&["get", &page]).without_var("ENTRADA_AUTHORITY");
    assert_eq!(me.done().expect_code(0).json()["upn"], ADA);

    let shown = office.set_up(&["show", "--app", "Payroll", "--client-id", &client]);
    assert_eq!(shown["missing"], json!([]), "{shown}");
}

#[test]
fn the_second_time_nothing_is_sent() {
    let office = Office::new();
    office.stage().template_has_scope(true);
    let kerberos = ["--sso", "kerberos", "--spn", "HTTP/payroll.corp.example", "--connector-group", "Default"];
    office.publish(&kerberos).expect_code(0);
    let client = office.registered();
    let app = office.external_url();
    let steps: [&[&str]; 3] = [
        &["register", "--name", "Payroll on the command line"],
        &["grant", "--app", &app, "--client-id", &client],
        &["assign", "--app", &app, "--user", ADA, "--group", "Finance"],
    ];
    for step in steps {
        office.setup(step).expect_code(0);
    }
    let before = office.writes().len();
    let again = office.publish(&kerberos).expect_code(0);
    assert!(again.text().contains("nothing was left to do"), "{}", again.text());
    for step in steps {
        let again = office.setup(step).expect_code(0);
        assert!(again.text().contains("nothing was left to do"), "{step:?}: {}", again.text());
        assert!(again.text().contains("stays      "), "{}", again.text());
    }
    assert_eq!(office.writes()[before..], []);
}

#[test]
fn what_is_asked_for_is_what_graph_has_afterwards() {
    let office = Office::new();
    let app = office.published();
    office
        .publish(&[
            "--sso",
            "kerberos",
            "--spn",
            "HTTP/payroll.corp.example",
            "--sso-identity",
            "onPremisesSAMAccountName",
        ])
        .expect_code(0);
    let published = office.stage().application(&app);
    assert_eq!(published["identifierUris"], json!([format!("api://{app}")]));
    assert_eq!(published["web"]["redirectUris"], json!([office.external_url()]));
    assert_eq!(published["web"]["homePageUrl"], office.external_url().as_str());
    assert_eq!(
        published["web"]["implicitGrantSettings"],
        json!({"enableIdTokenIssuance": true, "enableAccessTokenIssuance": false})
    );
    assert_eq!(published["isFallbackPublicClient"], Value::Null);
    assert_eq!(published["requiredResourceAccess"], json!([]));
    let publishing = &published["onPremisesPublishing"];
    assert_eq!(publishing["externalAuthenticationType"], "aadPreAuthentication");
    assert_eq!(publishing["internalUrl"], office.stage().internal_url().as_str());
    assert_eq!(
        publishing["singleSignOnSettings"]["kerberosSignOnSettings"],
        json!({
            "kerberosServicePrincipalName": "HTTP/payroll.corp.example",
            "kerberosSignOnMappingAttributeType": "onPremisesSAMAccountName",
        })
    );

    for (accounts, audience, version) in [
        ("tenant", "AzureADMyOrg", Value::Null),
        ("organizations", "AzureADMultipleOrgs", Value::Null),
        ("personal", "AzureADandPersonalMicrosoftAccount", json!(2)),
    ] {
        let report = office.set_up(&["register", "--name", accounts, "--accounts", accounts]);
        let client = office.stage().application(report["outcome"]["client_id"].as_str().unwrap());
        assert_eq!(
            (&client["signInAudience"], &client["api"]["requestedAccessTokenVersion"]),
            (&json!(audience), &version)
        );
        assert_eq!(client["isFallbackPublicClient"], Value::Null, "only on request");
        assert_eq!(client["web"]["redirectUris"], json!([]), "Web would make it confidential");
        assert_eq!(
            client["publicClient"]["redirectUris"],
            json!([
                "http://localhost",
                "http://127.0.0.1",
                "https://login.microsoftonline.com/common/oauth2/nativeclient"
            ])
        );
    }
    let report = office.set_up(&["register", "--name", "codes", "--device-code", "--redirect-uri", "myapp://auth"]);
    let client = office.stage().application(report["outcome"]["client_id"].as_str().unwrap());
    assert_eq!(
        (&client["isFallbackPublicClient"], &client["publicClient"]["redirectUris"][3]),
        (&json!(true), &json!("myapp://auth"))
    );
}

#[test]
fn what_others_have_set_stays() {
    let office = Office::new();
    let app = office.published();
    let client = office.registered();
    let mine = json!({"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": [{"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"}]});
    office.stage().edit_application(
        &client,
        &json!({
            "requiredResourceAccess": [mine],
            "publicClient": {"redirectUris": ["myapp://auth", "HTTP://LOCALHOST"]},
            "isFallbackPublicClient": true,
        }),
    );
    office.stage().edit_application(&app, &json!({
        "web": {"redirectUris": ["https://old.contoso.example/"], "homePageUrl": office.external_url(), "logoutUrl": "https://h/out",
                "implicitGrantSettings": {"enableIdTokenIssuance": true, "enableAccessTokenIssuance": true}},
        "identifierUris": ["https://payroll.contoso.example"],
    }));
    office.publish(&[]).expect_code(0);
    office.setup(&["register", "--client-id", &client]).expect_code(0);
    office.setup(&["grant", "--app", &app, "--client-id", &client]).expect_code(0);

    let registered = office.stage().application(&client);
    assert_eq!(
        registered["publicClient"]["redirectUris"].as_array().unwrap()[..2],
        [json!("myapp://auth"), json!("HTTP://LOCALHOST")]
    );
    assert_eq!(registered["publicClient"]["redirectUris"].as_array().unwrap().len(), 4, "no second localhost");
    assert_eq!(registered["isFallbackPublicClient"], true);
    assert_eq!(registered["requiredResourceAccess"][0], mine);
    assert_eq!(registered["requiredResourceAccess"][1]["resourceAppId"], app.as_str());
    let published = office.stage().application(&app);
    assert_eq!(published["web"]["redirectUris"], json!(["https://old.contoso.example/", office.external_url()]));
    assert_eq!(
        (&published["web"]["logoutUrl"], &published["identifierUris"]),
        (&json!("https://h/out"), &json!(["https://payroll.contoso.example"]))
    );
    assert_eq!(published["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"], true);
}

#[test]
fn what_differs_is_shown_and_changed_with_consent_only() {
    let office = Office::new();
    let app = office.published();
    let internal = office.stage().internal_url();
    let other = "http://payroll.corp.example/";
    let external = office.external_url();
    let words = ["publish", "--name", "Payroll", "--internal-url", other, "--external-url", &external];
    let refused = office.leaves_all(|| office.setup(&words));
    refused
        .fails(15, "it is there and differs in: internalUrl", "--yes")
        .says(&format!("internalUrl: {internal} would become {other}"));
    office.leaves_all(|| office.setup(&[&words[..], &["--dry-run"]].concat())).expect_code(0).says("would become");
    let before = office.writes().len();
    office.setup(&[&words[..], &["--yes"]].concat()).expect_code(0);
    assert_eq!(shapes(&office.writes()[before..]), ["PATCH /beta/applications/*"]);
    assert_eq!(office.stage().application(&app)["onPremisesPublishing"]["internalUrl"], other);

    let client = office.registered();
    office.stage().edit_application(&client, &json!({"isFallbackPublicClient": false}));
    for (flags, what) in [
        (&["--accounts", "organizations"][..], "accounts: AzureADMyOrg would become AzureADMultipleOrgs"),
        (&["--device-code"], "public client flows: off would become on"),
    ] {
        let words = [&["register", "--client-id", &client][..], flags].concat();
        office.leaves_all(|| office.setup(&words)).expect_code(15).says(what);
        office.setup(&[&words[..], &["-y"]].concat()).expect_code(0);
    }
    assert_eq!(office.stage().application(&client)["signInAudience"], "AzureADMultipleOrgs");
}

#[test]
fn a_group_of_connectors_is_made_filled_and_has_the_app() {
    let office = Office::new();
    let words = ["--connector-group", "Payroll", "--region", "nam", "--connector", "CONNECTOR2.contoso.example"];
    office
        .leaves_all(|| office.publish(&words))
        .expect_code(15)
        .says("connector connector2.contoso.example: in its group would become in Payroll");
    let words = [&words[..], &["--yes"]].concat();
    office.publish(&words).expect_code(0);
    let shapes = shapes(&office.writes());
    let profile = "/beta/onPremisesPublishingProfiles/applicationProxy";
    assert_eq!(shapes.iter().filter(|shape| **shape == format!("POST {profile}/connectorGroups")).count(), 1);
    assert!(shapes.contains(&format!("POST {profile}/connectors/*/memberOf/$ref")), "{shapes:?}");
    assert!(shapes.contains(&"PUT /beta/applications/*/connectorGroup/$ref".to_owned()));
    office.leaves_all(|| office.publish(&words)).expect_code(0);
    let shown = office.set_up(&["show", "--app", "Payroll"]);
    assert_eq!(
        shown["found"]["connector_group"],
        json!({
            "name": "Payroll", "region": "nam", "connectors": [{"machine": "connector2.contoso.example", "status": "active"}],
        })
    );
}

#[test]
fn a_name_that_is_typed_says_more_than_a_client_id_in_the_surroundings() {
    let office = Office::new();
    let first = office.registered();
    let run = |args: &[&str]| {
        let run = office.world.run(&["setup"]).args(args).args(&["--graph", office.graph(), "--output", "json"]);
        run.var("ENTRADA_CLIENT_ID", &first).done().expect_code(0).json()["outcome"]["client_id"].clone()
    };
    assert_eq!(run(&["register"]), first.as_str());
    let second = run(&["register", "--name", "Another"]);
    assert!(second.is_string() && second != first.as_str(), "{second}");
    assert_eq!(run(&["register", "--name", "Another"]), second);
}

#[test]
fn show_says_what_is_missing_and_which_command_brings_it() {
    let office = Office::new();
    let missing = |args: &[&str]| -> Vec<String> {
        let done = office.leaves_all(|| office.setup(&[&["show"], args, &["--output", "json"]].concat()));
        let shown = done.expect_code(0).json();
        shown["missing"].as_array().unwrap().iter().map(|one| one["command"].as_str().unwrap().to_owned()).collect()
    };
    let (url, graph) = (office.external_url(), office.graph());
    let commands = missing(&["--app", &url]);
    assert!(
        commands[0].starts_with(&format!("entrada setup publish --name NAME --external-url {url}")),
        "{commands:?}"
    );
    let app = office.published();
    let commands = missing(&["--app", &url]);
    assert_eq!(
        commands,
        [
            format!("entrada setup assign --app {app} --user USER --graph {graph}"),
            format!("entrada setup register --name entrada --graph {graph}"),
        ]
    );
    let client = office.registered();
    let commands = missing(&["--app", &app, "--client-id", &client]);
    assert_eq!(commands[1], format!("entrada setup grant --app {app} --client-id {client} --graph {graph}"));
    office.stage().set_connector("connector1.contoso.example", false);
    office.stage().set_connector("connector2.contoso.example", false);
    let text = office.setup(&["show", "--app", "Payroll", "--client-id", &client]).expect_code(0).text();
    assert!(text.contains("missing: no connector of the group is active"), "{text}");
    assert!(text.contains("connector1.contoso.example inactive") && text.contains("Microsoft Entra ID"), "{text}");
    assert!(text.contains("http://localhost, http://127.0.0.1") && text.contains("AzureADMyOrg"), "{text}");
}
