//! The administrator's tokens do not outlast a sign-out.

use super::*;

#[test]
fn the_command_that_signs_the_administrator_out_is_told_and_works() {
    let office = Office::new();
    let cache = office.world.home.cache().display().to_string();
    let more = ["register", "--name", "entrada", "--account", ADA, "--cache", &cache];
    let done = office.setup(&more).expect_code(0);
    let told = done.stderr.lines().find_map(|line| line.split_once("to sign out: entrada ")).unwrap().1.to_owned();
    assert_eq!(told, format!("logout --client-id {COMMAND_LINE_TOOLS} --all --cache {cache}"));
    let words: Vec<&str> = told.split(' ').collect();
    office.world.done(&words).expect_code(0).says(&format!("Signed out {ADA}."));
    office.setup(&["show", "--app", "entrada"]).fails(10, "a sign-in is needed", "entrada login");
}

#[test]
fn logout_of_all_takes_the_administrator_along() {
    let office = Office::new();
    let (client, scope) = (office.stage().client_id(), office.stage().scope());
    let user = ["--client-id", client];
    office.world.sign_in_with(&[&user[..], &["--scope", &scope]].concat());
    let show = || office.setup(&["show", "--app", "Payroll"]);

    let logout = |more: &[&str]| office.world.run(&["logout"]).args(&user).args(more).done();
    logout(&["--account", ADA]).expect_code(0).says(&format!("Signed out {ADA}."));
    show().expect_code(0);
    logout(&["--all"]).expect_code(0).says(&format!("Signed out {ADA}."));
    show().fails(10, "a sign-in is needed", "entrada login");
    let cached = office.world.home.cached();
    for section in ["AccessToken", "RefreshToken", "IdToken", "Account"] {
        assert!(cached[section].as_object().is_none_or(|entries| entries.is_empty()), "{section}");
    }
    logout(&["--all"]).expect_code(0).says("Nobody is signed in.");
}
