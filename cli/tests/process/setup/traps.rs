//! Each documented trap is an error with its remedy, and leaves no mess.

use entrada_authority::DirectoryRole;
use serde_json::json;

use super::*;

#[test]
fn who_has_not_signed_in_is_told_the_command_and_it_works() {
    let office = Office::nobody();
    let done = office.leaves_all(|| office.publish(&[]));
    let graph = office.graph().to_owned();
    let done = done.fails(10, "a sign-in is needed", &format!(
        "run: entrada login --client-id {COMMAND_LINE_TOOLS} --scope {graph}/Application.ReadWrite.All --scope {graph}/Directory.ReadWrite.All"
    ));
    let command =
        done.stderr.lines().find_map(|line| line.trim().strip_prefix("help: run: entrada ")).unwrap().to_owned();
    let words: Vec<&str> = command.split(' ').chain(["--flow", "browser", "--no-browser"]).collect();
    let running = office.world.run(&words).start();
    office.world.visit(&running.sign_in_url());
    running.done().expect_code(0);
    office.publish(&["--no-input"]).expect_code(0);
}

#[test]
fn what_cannot_be_published_is_refused_before_anything_is_sent() {
    let office = Office::new();
    let publish = |internal: &str, external: &str| {
        let words = ["publish", "--name", "Payroll", "--internal-url", internal, "--external-url", external];
        office.leaves_all(|| office.setup(&words))
    };
    let good = "https://payroll-contoso.msappproxy.net/";
    publish("http://payroll", good).fails(15, "the internal URL", "write http://payroll/");
    publish("http://payroll/", "https://payroll-contoso.msappproxy.net").fails(15, "does not end with a slash", good);
    publish("payroll/", good).fails(15, "is not a URL", "write it whole");
    publish("http://payroll/?a=b", good).fails(15, "has a query", "its path");
    publish("ftp://payroll/", good).fails(15, "is not one that can be published", "https://");
    publish("http://payroll/", "http://payroll.contoso.example/").fails(15, "is not https", "https://payroll.contoso");
    publish("http://payroll/", "https://payroll-contoso.msappproxy.net:8443/").fails(15, "has a port", good);
    let elsewhere = office.leaves_all(|| {
        office.setup(&["publish", "--app", "Payroll", "--internal-url", "http://p/", "--external-url", good])
    });
    elsewhere.fails(15, "is not an app id", "--name");
    office.setup(&["publish", "--internal-url", "http://p/", "--external-url", good]).expect_code(2);
    office
        .setup(&["publish", "--name", "P", "--internal-url", "http://p/", "--external-url", good, "--sso", "kerberos"])
        .expect_code(2)
        .says("--spn");
}

#[test]
fn the_suffix_of_the_tenant_is_told() {
    let office = Office::new();
    let external = "https://payroll-3c1f0a52.msappproxy.net/";
    let words = ["publish", "--name", "Payroll", "--internal-url", "http://p/", "--external-url", external];
    office.setup(&words).fails(15, "ExternalUrl_InvalidAsciiRules", "end in -contoso.msappproxy.net");
    let good = [
        "publish",
        "--name",
        "Payroll",
        "--internal-url",
        "http://p/",
        "--external-url",
        "https://payroll-contoso.msappproxy.net/",
    ];
    office.leaves_all(|| office.setup(&good)).expect_code(15).says("home page");
    office.setup(&[&good[..], &["-y"]].concat()).expect_code(0);
}

#[test]
fn urls_are_there_once_in_a_tenant() {
    let office = Office::new();
    let app = office.published();
    let external = office.external_url();
    let again = |name: &str, internal: &str, external: &str| {
        office.setup(&["publish", "--name", name, "--internal-url", internal, "--external-url", external])
    };
    office.leaves_all(|| again("Other", "http://other/", &external)).fails(
        15,
        "is the external URL of \"Payroll\" already",
        &app,
    );
    again("Other", &office.stage().internal_url(), "https://other-contoso.msappproxy.net/").fails(
        15,
        "already in use",
        "once in a tenant",
    );
    again("Other", "http://other/", "https://other-contoso.msappproxy.net/").expect_code(0);
    office.leaves_all(|| again("Other", "http://other/", &external)).fails(
        15,
        "and not of \"Other\"",
        "take another external URL",
    );
}

#[test]
fn names_that_are_not_unique_are_refused() {
    let office = Office::new();
    let one = office.published();
    let two = office.registered();
    office.stage().edit_application(&two, &json!({"displayName": "Payroll"}));
    let done = office.leaves_all(|| office.setup(&["show", "--app", "Payroll"]));
    done.fails(15, "there are 2 apps named \"Payroll\"", "by its app id").says(&one).says(&two);
    office.leaves_all(|| office.setup(&["register", "--name", "Payroll"])).expect_code(15);
    office.leaves_all(|| office.publish(&[])).expect_code(15);
}

#[test]
fn the_cloud_application_administrator_may_do_all_but_publish() {
    let office = Office::nobody();
    office.sign_in(BOB);
    office.leaves_all(|| office.publish(&[])).fails(
        13,
        "Forbidden",
        "Cloud Application Administrator is everything but application proxy",
    );
    office.registered();
    office.stage().set_role(BOB, DirectoryRole::None);
    office.setup(&["register", "--name", "Another"]).fails(
        13,
        "Authorization_RequestDenied",
        "Privileged Identity Management",
    );
}

#[test]
fn consent_for_all_users_and_assignment_need_an_administrator() {
    let office = Office::new();
    let app = office.published();
    let client = office.registered();
    office.setup(&["grant", "--app", &app, "--client-id", &client, "--dry-run"]).expect_code(0);
    // What needs no consent is there already, so that the consent alone is left.
    office.setup(&["grant", "--app", &app, "--client-id", &client]).expect_code(0);
    let other = office.set_up(&["register", "--name", "Other"])["outcome"]["client_id"].as_str().unwrap().to_owned();
    let access = office.stage().application(&client)["requiredResourceAccess"].clone();
    office.stage().edit_application(&other, &json!({ "requiredResourceAccess": access }));
    office.stage().set_role(ADA, DirectoryRole::None);
    office.setup(&["grant", "--app", &app, "--client-id", &other]).fails(
        13,
        "oauth2PermissionGrants",
        "consent for all users needs",
    );
    office.setup(&["assign", "--app", &app, "--user", BOB]).fails(13, "appRoleAssignedTo", "assigning needs");
}

#[test]
fn the_proxy_app_is_no_native_client_and_is_left_alone() {
    let office = Office::new();
    let app = office.published();
    for step in [&["register"][..], &["register", "--device-code"], &["grant", "--app", &app], &["show", "--app", &app]]
    {
        let done = office.leaves_all(|| office.setup(&[step, &["--client-id", &app]].concat()));
        done.fails(15, "is the published app \"Payroll\" itself", "register a second app");
    }
    office.stage().edit_application(&app, &json!({"signInAudience": "AzureADMultipleOrgs"}));
    office.leaves_all(|| office.publish(&[])).fails(15, "for its own tenant alone", "Supported account types");
}

#[test]
fn an_app_that_no_connector_serves_is_not_published() {
    let office = Office::new();
    office.leaves_all(|| office.publish(&["--connector-group", "Branch"])).fails(
        15,
        "no connector in the group \"Branch\" is active",
        "Default",
    );
    office.leaves_all(|| office.publish(&["--connector-group", "Nowhere"])).fails(
        15,
        "there is no connector group",
        "--connector",
    );
    let nobody = ["--connector-group", "Branch", "--connector", "nobody"];
    office.leaves_all(|| office.publish(&nobody)).fails(15, "no connector \"nobody\"", "connector1.contoso.example");
    let moved = ["--connector-group", "Branch", "--region", "asia"];
    office.leaves_all(|| office.publish(&moved)).fails(15, "has connectors", "leave --region out");
    office.stage().set_connector("branch1.contoso.example", true);
    office.publish(&["--connector-group", "Branch", "--region", "eur"]).expect_code(0);
}

#[test]
fn redirect_uris_keep_the_platforms_rules() {
    let office = Office::new();
    let register = |uri: &str| office.leaves_all(|| office.setup(&["register", "--name", "x", "--redirect-uri", uri]));
    register("http://localhost/a(b)").fails(15, "has a '(' in it", "! $ ' ( ) , ;");
    register(&format!("myapp://{}", "x".repeat(250))).fails(15, "longer than 256", "shorter");
    register("http://[::1]/").fails(15, "IPv6", "127.0.0.1");
    register("http://localhost:8080").fails(15, "the port does not count", "any port");
    let uris: Vec<String> = (0..98).map(|number| format!("myapp://{number}")).collect();
    let mut words = vec!["register", "--name", "many"];
    words.extend(uris.iter().flat_map(|uri| ["--redirect-uri", uri]));
    office.leaves_all(|| office.setup(&[&words[..], &["--accounts", "personal"]].concat())).fails(
        15,
        "101 redirect URIs",
        "nobody uses",
    );
    office.setup(&words).expect_code(0);
}

#[test]
fn what_is_not_there_is_told_with_the_step_that_brings_it() {
    let office = Office::new();
    let nobody = "11111111-2222-3333-4444-555555555555";
    let client = office.registered();
    let other = "Payroll on the command line";
    for (step, sentence, remedy) in [
        (&["register"][..], "neither a name nor a client id", "--name"),
        (&["register", "--client-id", nobody], "there is no app with the app id", "leave the client id out"),
        (&["register", "--client-id", "me"], "\"me\" is not an app id", "Application (client) ID"),
        (&["register", "--client-id", &client, "--name", "Other"], "and not \"Other\"", "leave out one"),
        (&["grant", "--app", "Payroll"], "no native client is given", "--client-id"),
        (&["grant", "--app", "Payroll", "--client-id", &client], "no app named \"Payroll\"", "entrada setup publish"),
        (&["grant", "--app", other, "--client-id", &client], "is not published", "entrada setup publish"),
        (&["grant", "--app", "Payroll", "--name", "Nobody"], "no native client of that name", "entrada setup register"),
        (&["assign", "--app", "Payroll", "--user", ADA], "no app named \"Payroll\"", "entrada setup publish"),
    ] {
        office.leaves_all(|| office.setup(step)).fails(15, sentence, remedy);
    }
    office.setup(&["assign", "--app", "Payroll"]).expect_code(2);
    let app = office.published();
    let assign = |words: &[&str]| office.leaves_all(|| office.setup(&[&["assign", "--app", &app], words].concat()));
    assign(&["--user", "nobody@contoso.example"]).fails(15, "there is no user", "object id");
    assign(&["--group", "Nobody"]).fails(15, "there is no group", "object id");
    assign(&["--user", ADA, "--role", "Owner"]).fails(15, "no role \"Owner\"", "msiam_access, User");
    let off = office.stage().application(&app)["api"]["oauth2PermissionScopes"].clone();
    office.stage().edit_application(&app, &json!({"api": {"oauth2PermissionScopes": []}}));
    let grant = || office.leaves_all(|| office.setup(&["grant", "--app", &app, "--client-id", &client]));
    grant().fails(15, "user_impersonation of \"Payroll\" is not there", "entrada setup publish");
    let mut switched = off.clone();
    switched[0]["isEnabled"] = false.into();
    office.stage().edit_application(&app, &json!({"api": {"oauth2PermissionScopes": switched}}));
    grant().fails(15, "is switched off", "Expose an API");
}

#[test]
fn where_graph_is_not_is_said() {
    let office = Office::nobody();
    let run = |words: &[&str]| office.world.run(&["setup", "show", "--app", "x"]).args(words).done();
    run(&["--cloud", "bleu"]).fails(15, "is not public", "--graph");
    run(&["--graph", "http://graph.example"]).expect_code(15).says("is not https");
    run(&["--oidc", "https://id.example"]).fails(15, "needs a tenant of Microsoft Entra", "--tenant");
    for (cloud, host) in [
        ("public", "graph.microsoft.com"),
        ("usgov", "graph.microsoft.us"),
        ("china", "microsoftgraph.chinacloudapi.cn"),
    ] {
        run(&["--cloud", cloud]).fails(
            10,
            "a sign-in is needed",
            &format!("--scope https://{host}/Application.Read.All"),
        );
    }
}
