//! Under the names of the real world: Graph at the cloud's own host, and the app by its URL alone.

use super::*;

/// Runs the login that a failure's remedy names, and signs in as that user.
fn sign_in_as_told(home: &Home, stage: &Stage, told: &str, upn: &str) {
    let command = told.lines().find_map(|line| line.trim().strip_prefix("help: run: entrada ")).unwrap();
    let words: Vec<&str> = command.split(' ').chain(["--flow", "browser", "--no-browser"]).collect();
    let running = home.run(&words).start();
    stage.visitor().user(upn).visit(&running.sign_in_url()).unwrap();
    running.done().expect_code(0);
}

#[test]
fn what_was_set_up_is_reached_by_its_url_and_the_client_id() {
    let stage = Stage::builder().public_names(true).graph(true).start().unwrap();
    assert_eq!(stage.graph_url(), Some("https://graph.microsoft.com"));
    let home = Home::with(&[("HTTPS_PROXY", stage.internet_proxy_url().unwrap())]);
    let ca = home.file("ca.pem", stage.ca_pem().unwrap()).display().to_string();
    let external = "https://hr-contoso.msappproxy.net/wiki/";
    let tenant = ["--tenant", stage.tenant_domain(), "--ca", &ca];

    // As often as a step needs another permission, the administrator signs in by the command that is told.
    let setup = |words: &[&str]| {
        let run = || home.run(&["setup"]).args(words).args(&["--output", "json"]).args(&tenant).done();
        let first = run();
        if first.code() == 0 {
            return first.json();
        }
        let told = first.expect_code(10).stderr;
        assert!(told.contains(" --scope https://graph.microsoft.com/"), "{told}");
        sign_in_as_told(&home, &stage, &told, ADA);
        run().expect_code(0).json()
    };
    let internal = stage.internal_url();
    setup(&["publish", "--name", "Wiki", "--internal-url", &internal, "--external-url", external]);
    let registered = setup(&["register", "--name", "entrada"]);
    let client = registered["outcome"]["client_id"].as_str().unwrap();
    let granted = setup(&["grant", "--app", external, "--client-id", client]);
    let next = granted["next"][0].as_str().unwrap();
    assert!(next.ends_with(&format!(" --user USER --tenant {} --ca {ca}", stage.tenant_domain())), "{next}");
    setup(&["assign", "--app", external, "--group", "Finance"]);

    let page = format!("{external}api/me");
    let get = || home.run(&["get", &page, "--client-id", client, "--ca", &ca]).done();
    let told = get().expect_code(10).stderr;
    sign_in_as_told(&home, &stage, &told, BOB);
    assert_eq!(get().expect_code(0).json()["upn"], BOB, "a member of the group");
}
